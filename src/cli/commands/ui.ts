// tagflow ui: the page of `report`, served on this machine and kept up to date.
import { once } from 'node:events';
import { EXIT } from '../../model/errors.ts';
import { Invalid, defineCommand, text, unless, value } from '../define.ts';
import { incidentPattern } from '../incident.ts';

export const ui = defineCommand({
  name: 'ui',
  summary: 'serve that page on this machine, kept up to date',
  description: [
    'Serves the page of `report` on loopback until it is interrupted, and prints its URL. Each look reads branches and registry again. The page changes nothing: it shows commands to type. Only who has the token in the URL reaches it, and only from this machine.',
  ],
  examples: ['tagflow ui', 'tagflow ui --port 8080 --no-check'],
  arguments: {},
  options: {
    port: value('--port <port>', 'the port; default: any that is free', portOf),
    since: text('--since <time>', 'metrics count releases since then (a time, or 90d); default: 90d'),
    incident: text('--incident <pattern>', 'a regular expression for the reason of a release that answers an incident'),
    check: unless('--no-check', 'leave the findings of check out: it looks at every commit of every branch'),
  },
  async run(session, { port, since = '90d', incident, check }) {
    const [engine, { parseInstant }, { pageDataOf }, { livePage, pagePolicy }, { servePage }] = await Promise.all([
      import('../../engine/audit/report.ts'),
      import('../time.ts'),
      import('../../views/report/page-data.ts'),
      import('../page/document.ts'),
      import('../page/server.ts'),
    ]);
    const pattern = incidentPattern(incident);
    const context = await session.context();
    const data = async (): Promise<string> => {
      const request = { since: await parseInstant(since, context.clock.now()), incident: pattern, audit: check };
      return JSON.stringify(pageDataOf(await engine.report(context, request)));
    };
    // What is wrong with the repository or the credentials is said here, not in a browser.
    await data();
    const server = await servePage({ page: livePage(), policy: pagePolicy("'self'"), data }, port);
    session.print({ data: { url: server.url }, parts: [{ kind: 'lines', lines: [server.url] }] });
    session.say('Ctrl-C ends it');
    if (!session.signal.aborted) await once(session.signal, 'abort');
    await server.close();
    return EXIT.ok;
  },
});

function portOf(typed: string): number {
  const port = Number(typed);
  if (!/^\d{1,5}$/.test(typed) || port < 1 || port > 65_535) throw new Invalid('it is a number from 1 to 65535');
  return port;
}
