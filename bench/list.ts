// How quickly the newest version of a repository with 20,000 tags is found: all pages, each tag read as a version, the
// newest one resolved; against as little code as asks for the same pages and the same manifest.
import http from 'node:http';
import { parseRepository } from '../src/model/reference.ts';
import { newestVersion } from '../src/model/version.ts';
import { createOciRegistry } from '../src/registry/oci/oci.ts';
import { machineClock } from '../test/support/layouts.ts';
import { startListServer } from './list-server.ts';
import { type Report, interleave } from './report.ts';

const TAGS = 20_000;
const LIMIT = 2;
const DELAY = 40;
/** As a repository is after years: a version each, and tags that are not versions. */
const NAMES = Array.from({ length: TAGS }, (_, at) =>
  at % 4 === 3 ? `sha256-${at.toString(16).padStart(64, '0')}.sig` : `V${Math.floor(at / 100)}.${at % 100}`,
);
const NEWEST = 'V199.98';

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  for (const milliseconds of [0, DELAY]) {
    const place = milliseconds === 0 ? 'on loopback' : `${milliseconds} ms away`;
    report.heading(`list: the newest version among ${TAGS} tags, ${place}, within this process`);
    await using server = await startListServer(NAMES, milliseconds);
    const times = await interleave(milliseconds === 0 ? 25 : 9, [
      { name: 'bare requests', run: async () => newestByFloor(server.host) },
      { name: 'the library', run: async () => newestByLibrary(server.host) },
    ]);
    report.times(times);
    report.atMost(times, 'the library', 'bare requests', LIMIT);
  }
}

async function newestByLibrary(host: string): Promise<void> {
  const registry = createOciRegistry({ clock: machineClock, random: Math.random, env: {} });
  const repository = parseRepository(`${host}/bench/app`);
  const tags = await registry.listTags(repository);
  const newest = newestVersion(tags, { kind: 'semver' });
  if (newest?.tag !== NEWEST || tags.length !== TAGS) throw new Error(`found ${newest?.tag} of ${tags.length} tags`);
  if (!(await registry.resolve(repository, newest.tag))) throw new Error('it is not there');
  registry.close();
}

/** Page after page, as each tells where the next one is; nothing is checked, compared or hashed. */
async function newestByFloor(host: string): Promise<void> {
  const agent = new http.Agent({ keepAlive: true });
  const get = async (path: string): Promise<{ link: string | undefined; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const request = http.get(`http://${host}${path}`, { agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ link: response.headers['link']?.toString(), body: Buffer.concat(chunks) }));
      });
      request.on('error', reject);
    });
  let count = 0;
  let path: string | undefined = '/v2/bench/app/tags/list?n=1000';
  while (path !== undefined) {
    const page = await get(path);
    count += (JSON.parse(page.body.toString()) as { tags: string[] }).tags.length;
    path = /^<([^>]*)>/.exec(page.link ?? '')?.[1];
  }
  if (count !== TAGS) throw new Error(`${count} tags`);
  await get(`/v2/bench/app/manifests/${NEWEST}`);
  agent.destroy();
}
