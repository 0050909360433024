// tagflow ui: the page of `report`, served on this machine and kept up to date.
import { once } from 'node:events';
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { Invalid, value } from '../arguments/options.ts';
import { PAGE_OPTIONS, pageReader } from '../page/report.ts';

export const ui = defineCommand({
  name: 'ui',
  summary: 'serve the page of `report` on this machine, always up to date',
  description: [
    'Serves the page of `report` on the loopback interface until you interrupt it, and prints the URL. Each time the page is loaded, tagflow reads the branches and the registry again. The page changes nothing; it shows commands that you can type. You can reach it only from this machine and with the token in the URL.',
  ],
  examples: ['tagflow ui', 'tagflow ui --port 8080 --no-check'],
  arguments: {},
  options: {
    port: value('--port <port>', 'the port; default: any free port', portOf),
    ...PAGE_OPTIONS,
  },
  async run(session, { port, ...options }) {
    const readPage = pageReader(options);
    const [{ livePage, pagePolicy }, { servePage }, { packPage }] = await Promise.all([
      import('../page/document.ts'),
      import('../page/server.ts'),
      import('../../views/report/packed-page.ts'),
    ]);
    const context = await session.context();
    const data = async (): Promise<string> => JSON.stringify(packPage(await readPage(context)));
    // What is wrong with the repository or the credentials is said here, not in a browser.
    await data();
    const server = await servePage({ page: livePage(), policy: pagePolicy({ connect: "'self'" }), data }, port);
    session.print({ data: { url: server.url }, parts: [{ kind: 'lines', lines: [server.url] }] });
    session.say('Ctrl-C ends it');
    if (!session.signal.aborted) await once(session.signal, 'abort');
    await server.close();
    return EXIT.ok;
  },
});

function portOf(typed: string): number {
  const port = Number(typed);
  if (!/^\d{1,5}$/.test(typed) || port < 1 || port > 65_535) throw new Invalid('it must be a number from 1 to 65535');
  return port;
}
