// What runs, through the real command line over Git, an OCI layout and HTTP on loopback: the third column, the comparison, and waiting.
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { succeeded } from '../support/cli.ts';
import { temporaryFolder } from '../support/git-repository.ts';
import { type TestPipeline, createLayoutPipeline, exampleFiles, releaseOf } from '../support/pipeline.ts';
import { type SmallServer, startSmallServer } from '../support/verifier.ts';

let pipeline: TestPipeline;
let server: SmallServer;
/** What the application says of itself; a function where the answer changes. */
let running: () => string = () => 'V4.0';

beforeAll(async () => {
  server = await startSmallServer((_, response) => response.end(JSON.stringify({ build: { version: running() } })));
  pipeline = await createLayoutPipeline();
  const { 'tagflow.yaml': config = '' } = await exampleFiles();
  const live = `live: { http: { url: '${server.origin}/version', json: build.version, image: django } }`;
  await pipeline.repository.commit('main', {
    'tagflow.yaml': config.replace(/^ {2}dev:.*$/m, (line) =>
      line.includes('{}') ? `  dev: { ${live} }` : `${line}\n    ${live}`,
    ),
  });
  succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']));
}, 60_000);

afterAll(async () => {
  await server.stop();
  await pipeline.remove();
});

describe('what runs', () => {
  it('is asked with --live alone', async () => {
    const before = server.requests.length;
    succeeded(await pipeline.tagflow(['status', 'dev']));
    expect(server.requests).toHaveLength(before);
    expect(succeeded(await pipeline.tagflow(['status', 'dev', '--live']))).toMatch(
      /REGISTRY +LIVE\n.*django +V4\.0 .*✓ in sync +✓ live\n.*mariadb .*✓ in sync +–$/m,
    );
    expect(server.requests).toHaveLength(before + 1);
  });

  it('is in every format', async () => {
    running = () => 'V9';
    const json = JSON.parse(succeeded(await pipeline.tagflow(['status', 'dev', '--live', '-o', 'json']))) as Readonly<
      Record<string, unknown>
    >;
    expect(json).toMatchObject({
      schemaVersion: 1,
      environments: [
        { images: [{ live: { state: 'drift', found: 'V9', release: null } }, { live: { state: 'unwatched' } }] },
      ],
    });
    expect(succeeded(await pipeline.tagflow(['status', 'dev', '--live', '-o', 'csv']))).toMatch(
      /,live,live_found\n.*,drift,V9\n/,
    );
    expect(succeeded(await pipeline.tagflow(['status', 'dev', '--live', '-o', 'md']))).toMatch(/\| *LIVE *\|/);
  });

  it('that is not what was released is a difference', async () => {
    expect((await pipeline.tagflow(['status', 'dev', '--live', '--exit-code'])).exit).toBe(10);
    expect((await pipeline.tagflow(['status', 'dev', '--exit-code'])).exit).toBe(0);
    const { exit, stdout } = await pipeline.tagflow(['diff', 'dev', '--live', '--exit-code']);
    expect(exit).toBe(10);
    expect(stdout).toMatch(/^live: dev runs django V9, the record says V4\.0: no release of dev had it/m);
  });

  it('has no place beside a second environment, and needs a source', async () => {
    expect(await pipeline.tagflow(['diff', 'dev', 'stg', '--live'])).toFail({ code: 'usage', exit: 2 });
    expect(await pipeline.tagflow(['diff', 'dev'])).toFail({ code: 'usage', exit: 2 });
    expect(await pipeline.tagflow(['diff', 'stg', '--live'])).toFail({
      code: 'usage',
      exit: 2,
      why: /live is not set/,
    });
    expect(await pipeline.tagflow(['status', '--live', '--at', '1d'])).toFail({ code: 'usage', exit: 2 });
  });

  it('with a configuration that is not the trunk’s is not asked', async () => {
    const before = server.requests.length;
    const { 'tagflow.yaml': config = '' } = await exampleFiles();
    const folder = await temporaryFolder('live-config');
    const live = `live: { http: { url: '${server.origin}/version', image: django } }`;
    await writeFile(`${folder}/tagflow.yaml`, config.replace(/^ {2}dev:.*$/m, `  dev: { ${live} }`));
    const { stdout } = await pipeline.tagflow(['status', 'dev', '--live', '--config', `${folder}/tagflow.yaml`]);
    expect(stdout).toMatch(/^unknown: what runs of django in dev: the configuration is a file of the caller/m);
    expect(server.requests).toHaveLength(before);
    await rm(folder, { recursive: true });
  });
});

describe('promote --wait-live', () => {
  it('ends once the new version answers', async () => {
    const started = Date.now();
    running = () => (Date.now() - started > 2500 ? 'V4.2' : 'V4.0');
    const { exit, stdout, stderr } = await pipeline.tagflow(['promote', 'dev', 'django=V4.2', '--wait-live', '30s']);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/committed [0-9a-f]{7} to dev[\s\S]*✓ live: release 2 of dev runs after \d+ s/);
    expect(stderr).toMatch(/^waiting until release 2 of dev is live: django V4\.2: V4\.0 runs$/m);
  });

  it('asked for a release that stands waits as well, and says so as data', async () => {
    const result = await pipeline.tagflow(['promote', 'dev', 'django=V4.2', '-o', 'json', '--wait-live']);
    expect(JSON.parse(succeeded(result))).toMatchObject({
      outcome: 'unchanged',
      live: { environment: 'dev', release: 2, isLive: true, seconds: 0, images: [{ image: 'django' }, {}] },
    });
  });

  it('ends with 9 when it is not live in time; the release stands, and it is not verified', async () => {
    const result = await pipeline.tagflow([
      'promote',
      'dev',
      'django=V4.0',
      '--allow-downgrade',
      '--reason',
      'x',
      '--wait-live=2s',
      '--verify',
      '-o',
      'json',
    ]);
    expect(result.exit).toBe(9);
    const document = JSON.parse(result.stdout) as object;
    expect(document).toMatchObject({ outcome: 'released', release: 3, live: { isLive: false } });
    expect(document).not.toHaveProperty('verification');
    expect(await releaseOf(pipeline, 'dev')).toMatchObject({ sequence: 3, django: 'V4.0', tagged: true });
    expect(await pipeline.tagflow(['promote', 'dev', '--wait-live=1s'])).toFail({
      code: 'not-live',
      exit: 9,
      why: /django V4\.0: V4\.2 runs/,
    });
  });

  it('that is asked to stop while it waits leaves the release whole', async () => {
    running = () => 'V1';
    const run = pipeline.start(['promote', 'dev', 'django=V4.2', '--wait-live', '60s']);
    const before = server.requests.length;
    while (server.requests.length < before + 2) await sleep(50);
    run.child.kill('SIGTERM');
    expect((await run.done).exit).toBe(143);
    expect(await releaseOf(pipeline, 'dev')).toMatchObject({ sequence: 4, django: 'V4.2', pinned: true, tagged: true });
  });

  it('takes no version for a span, and no several applications', async () => {
    expect(await pipeline.tagflow(['promote', 'dev', '--wait-live', 'django=V4.2'])).toFail({
      code: 'usage',
      exit: 2,
      why: /write --wait-live last/,
    });
  });
});
