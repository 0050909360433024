// A verification through the real command line, over Git, an OCI layout and HTTP on loopback: a release that is live, one that is
// not and rolls back by itself, and a run that is stopped in the middle.
import type http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestPipeline, createLayoutPipeline, exampleFiles, releaseOf } from '../support/pipeline.ts';
import { succeeded } from '../support/cli.ts';
import { type SmallServer, startSmallServer } from '../support/verifier.ts';

let pipeline: TestPipeline;
let server: SmallServer;
let live = 'V4.0';

const RUN = { env: { TAGFLOW_RUN: '1' } };

beforeAll(async () => {
  server = await startSmallServer((_: http.IncomingMessage, response) => response.end(`shop ${live}`));
  pipeline = await createLayoutPipeline();
  const { 'tagflow.yaml': config = '' } = await exampleFiles();
  const verify = `verify: { timeout: 3s, onFailure: rollback, steps: [{ name: version, http: '${server.origin}/version', expect: { contains: '{version:django}' } }, { name: smoke, command: [sh, verify/smoke.sh], junit: out.xml }] }`;
  await pipeline.repository.commit('main', {
    'tagflow.yaml': config.replace(/^ {2}dev:.*$/m, (line) =>
      line.includes('{}') ? `  dev: { ${verify} }` : `${line}\n    ${verify}`,
    ),
    'verify/smoke.sh': '#!/bin/sh\necho \'<testsuite><testcase name="cart"/></testsuite>\' > out.xml\n',
  });
}, 60_000);

afterAll(async () => {
  await server.stop();
  await pipeline.remove();
});

describe('a deploy that checks itself', () => {
  it('is looked at once the new version answers', async () => {
    const output = succeeded(
      await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6', '--verify'], RUN),
    );
    expect(output).toMatch(/committed [0-9a-f]{7} to dev/);
    expect(output).toMatch(/version +✓ passed +status 200, V4\.0/);
    expect(output).toMatch(/✓ passed release 1 of dev/);
  });

  it('knows the result afterwards, and does not ask again', async () => {
    const asked = server.requests.length;
    const output = succeeded(await pipeline.tagflow(['verify', 'dev', '--wait', '-o', 'json'], RUN));
    const document = JSON.parse(output) as object;
    expect(Object.keys(document)).toEqual([
      'schemaVersion',
      'environment',
      'release',
      'commit',
      'result',
      'steps',
      'entry',
      'time',
      'isOld',
      'followUp',
    ]);
    expect(document).toMatchObject({ release: 1, result: 'passed', isOld: true, followUp: null });
    expect(server.requests).toHaveLength(asked);
  });

  it('rolls back by itself when the new version never answers', async () => {
    const result = await pipeline.tagflow(['promote', 'dev', 'django=V4.2', '--verify', '-o', 'json'], RUN);
    expect(result.exit).toBe(9);
    const document = JSON.parse(result.stdout) as object;
    expect(document).toMatchObject({
      outcome: 'released',
      release: 2,
      verification: {
        result: 'failed',
        steps: [
          { name: 'version', result: 'failed' },
          { name: 'smoke', result: 'inconclusive' },
        ],
        followUp: { action: 'rollback', outcome: 'released', release: 3 },
      },
    });
    expect(await releaseOf(pipeline, 'dev')).toMatchObject({ sequence: 3, django: 'V4.0', pinned: true, tagged: true });
  });

  it('is shown where releases are shown', async () => {
    expect(succeeded(await pipeline.tagflow(['history', 'dev']))).toMatch(
      /^failed: the verification of release 2 of dev: version: the body does not hold V4\.2/m,
    );
    expect(succeeded(await pipeline.tagflow(['show', 'dev', '--release', '1']))).toMatch(/^verified +passed, /m);
    const failed = JSON.parse(
      succeeded(await pipeline.tagflow(['show', 'dev', '--release', '2', '-o', 'json'])),
    ) as object;
    expect(failed).toMatchObject({
      verification: { result: 'failed', steps: [{ name: 'version', result: 'failed' }, {}] },
    });
    expect(succeeded(await pipeline.tagflow(['journal', 'dev']))).toMatch(/verify +dev: release 2: failed/);
  });

  it('starts no program without the caller’s permission, and says so', async () => {
    live = 'V4.0';
    const result = await pipeline.tagflow(['verify', 'dev', '--wait']);
    expect(result).toFail({ code: 'verification-inconclusive', exit: 9, why: /TAGFLOW_RUN=1/ });
  });
});
