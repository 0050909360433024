// Servers that fail, through the real command line: a registry and a Git server that are down, silent, confused, or refuse.
// Every run has two secrets to lose and is asked to be verbose; no run may print either.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../src/registry/layout/sample-image.ts';
import { CANARY, type CliOptions, type ExpectedFailure, runCli, succeeded } from '../support/cli.ts';
import { changesNothing, digestOfImage, exampleFiles, recordOf, release, releaseOf } from '../support/pipeline.ts';
import { sampled } from '../support/real.ts';
import {
  type ServerPipeline,
  type TestServers,
  closedPort,
  dockerConfig,
  startServers,
} from '../support/pipeline-servers.ts';

const FIRST = ['-v', 'promote', 'dev', 'django=V4.0', 'mariadb=V10.6'];

let servers: TestServers;

beforeAll(async () => {
  servers = await startServers();
});

afterAll(async () => {
  await servers.stop();
});

interface Fault {
  readonly name: string;
  /** Brings the fault about, and gives what the run needs beside. */
  readonly fault: (pipeline: ServerPipeline) => CliOptions | void | Promise<CliOptions | void>;
  readonly args?: readonly string[];
  readonly failure: ExpectedFailure;
}

const HTML = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html>welcome to the captive portal</html>',
};

const REGISTRY: readonly Fault[] = [
  {
    name: 'is down',
    fault: async ({ repository }) => {
      const files = await exampleFiles(`127.0.0.1:${await closedPort()}/acme`);
      await repository.commit('main', { 'tagflow.yaml': files['tagflow.yaml'] });
    },
    failure: { code: 'registry-unavailable', what: /127\.0\.0\.1:\d+/, why: /ECONNREFUSED|refused/ },
  },
  {
    name: 'accepts and never answers',
    fault: ({ intercept }) => intercept(/./, () => 'hang'),
    args: ['--timeout', '1', ...FIRST],
    failure: { code: 'registry-unavailable', what: /did not answer in time/, why: /within 1 s/ },
  },
  {
    name: 'answers with the page of a captive portal',
    fault: ({ intercept }) => intercept(/./, () => HTML),
    failure: { code: 'registry-answer-invalid' },
  },
  {
    name: 'cuts its JSON off',
    fault: ({ intercept }) =>
      intercept(/^GET/, (_request, next) => {
        const answer = next();
        return { ...answer, body: Buffer.from(answer.body ?? '').subarray(0, 100) };
      }),
    failure: { code: 'digest-mismatch', what: /does not match its digest/ },
  },
  {
    name: 'answers 500 to everything',
    fault: ({ intercept }) => intercept(/./, () => ({ status: 500, body: 'out of order' })),
    failure: { code: 'registry-unavailable', why: /500/ },
  },
  {
    name: 'does not know the password',
    fault: async ({ folder }) => ({
      env: { DOCKER_CONFIG: await dockerConfig(folder, servers.registry.host, 'wrong') },
    }),
    failure: { code: 'unauthorized', what: /127\.0\.0\.1:\d+/, fix: /log in|credential|password/i },
  },
  {
    name: 'wants a password, and there is none',
    fault: () => ({ env: { DOCKER_CONFIG: '/nonexistent' } }),
    failure: { code: 'unauthorized', fix: /docker login|log in/ },
  },
];

const GIT: readonly Fault[] = [
  {
    name: 'is down',
    fault: async () => ({ env: { TAGFLOW_REPO: `http://127.0.0.1:${await closedPort()}/acme.git` } }),
    failure: { code: 'remote-unavailable', why: /refused|connect/i },
  },
  {
    name: 'accepts and never answers',
    fault: (pipeline) => void (pipeline.gitFault = () => ({ kind: 'hang' })),
    args: ['--timeout', '1', ...FIRST],
    failure: { code: 'remote-unavailable', why: /did not answer in time|too slow|timed? ?out/i },
  },
  {
    name: 'answers with the page of a captive portal',
    fault: (pipeline) => void (pipeline.gitFault = () => ({ kind: 'rubbish' })),
    failure: { code: 'remote-unavailable', what: /what answers at .* is not a Git server/, fix: /login page/ },
  },
  {
    name: 'ends every fetch before a byte of it',
    fault: (pipeline) =>
      void (pipeline.gitFault = ({ method }) => (method === 'POST' ? { kind: 'drop-after' } : undefined)),
    failure: { code: 'remote-unavailable' },
  },
  {
    name: 'does not know the token',
    fault: () => ({ env: { TAGFLOW_GIT_TOKEN: 'wrong' } }),
    failure: { code: 'unauthorized', what: /does not accept the credentials/, fix: /token/ },
  },
  {
    name: 'wants a token, and there is none',
    fault: () => ({ env: { TAGFLOW_GIT_TOKEN: undefined } }),
    failure: { code: 'unauthorized' },
  },
  {
    name: 'lets this token read, and not write',
    fault: async ({ repository }) => void (await repository.git(['config', 'http.receivepack', 'false'])),
    failure: { code: 'push-denied', what: /refuses a push to dev/, fix: /read-only token/ },
  },
  {
    name: 'has a hook that denies',
    fault: ({ repository }) => repository.hook('pre-receive', 'echo "dev is protected" >&2; exit 1'),
    failure: {
      code: 'push-denied',
      what: /refuses a push to dev; branch and tags are as before/,
      why: /pre-receive hook declined: dev is protected/,
      fix: /allow this identity to push to dev \(protected branch, hook, or a read-only token\)/,
    },
  },
];

it('a run that prints a secret is found out', async () => {
  await expect(runCli(['completion', CANARY.gitToken])).rejects.toThrow(/printed gitToken/);
  const encoded = Buffer.from(`ci:${CANARY.registryPassword}`).toString('base64');
  await expect(runCli(['completion', encoded])).rejects.toThrow(/printed registryPassword/);
});

describe.concurrent('a registry that', () => {
  it.each(sampled(REGISTRY, 3))('$name', async ({ fault, args = FIRST, failure }) => {
    const pipeline = await servers.createPipeline();
    const options = (await fault(pipeline)) ?? undefined;
    expect(await changesNothing(pipeline, async () => pipeline.tagflow(args, options))).toFail(failure);
  });

  it('moves a version’s tag while it is promoted: what was read first is promoted, whole', async () => {
    const pipeline = await servers.createPipeline();
    const other = buildImage({ name: 'django', version: 'V4.0-rebuilt' });
    // Asked for the first time, it answers, and at once somebody pushes the tag again.
    const move = (): void => void servers.registry.publish(`${pipeline.name}/django`, other, 'V4.0');
    pipeline.intercept(/django\/manifests\/V4\.0$/, (_request, next) => {
      const answer = next();
      if (answer.status === 200) move();
      return answer;
    });
    succeeded(await pipeline.tagflow(FIRST));
    expect((await pipeline.snapshot()).tags['django:V4.0']).toBe(other.digest);
    expect((await recordOf(pipeline, 'dev')).images['django']?.digest).toBe(digestOfImage('django', 'V4.0'));
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(1, 'V4.0'));
  });

  it.each([
    { name: 'dies after the commit landed', outcome: 'drop' as const, args: FIRST },
    { name: 'falls silent after the commit landed', outcome: 'hang' as const, args: ['--timeout', '1', ...FIRST] },
    { name: 'lets these credentials read, and not write', outcome: { status: 403 }, args: FIRST },
  ])('$name: exit 8, and apply completes', async ({ outcome, args }) => {
    const pipeline = await servers.createPipeline();
    pipeline.intercept(/^PUT /, () => outcome);
    expect(await pipeline.tagflow(args)).toFail({
      code: 'tags-incomplete',
      what: /tags of dev are not verified/,
      fix: /tagflow apply dev/,
    });
    // Pins are right already: clusters run what was promoted.
    expect(await releaseOf(pipeline, 'dev')).toEqual({ ...release(1, 'V4.0'), tagged: false });
    pipeline.heal();
    expect(succeeded(await pipeline.tagflow(['apply', 'dev']))).toMatch(/^dev +django +dev +[0-9a-f]{12} +moved$/m);
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(1, 'V4.0'));
  });

  it('takes one image and not the other: each is reported, and what could be done is done', async () => {
    const pipeline = await servers.createPipeline();
    pipeline.intercept(/^PUT mariadb/, () => ({ status: 403 }));
    const result = await pipeline.tagflow(['-o', 'json', ...FIRST]);
    expect(result.exit).toBe(8);
    const { tags } = JSON.parse(result.stdout) as { tags: { image: string; tag: string; status: string }[] };
    expect(tags.map(({ image, tag, status }) => `${image}:${tag} ${status}`).sort()).toEqual([
      'django:dev moved',
      'django:dev-1 moved',
      'mariadb:dev-1 failed',
    ]);
    expect((await pipeline.snapshot()).tags['django:dev']).toBe(digestOfImage('django', 'V4.0'));
    // Until somebody repairs it, it is reported as what it is, with the command that completes it.
    const again = await pipeline.tagflow(['promote', 'dev']);
    expect(again).toFail({ code: 'tags-incomplete', why: /mariadb:dev-1: .*push/, fix: /tagflow apply dev$/ });
    expect(again.stdout).toMatch(/^mariadb +dev-1 +[0-9a-f]{12} +failed\nmariadb +dev +[0-9a-f]{12} +not tried$/m);
    const status = await pipeline.tagflow(['status', 'dev', '--exit-code']);
    expect(status.exit).toBe(10);
    expect(status.stdout).toMatch(
      /^unapplied: release 1 of dev is committed, and mariadb:dev is still absent, not [0-9a-f]{12} {3}fix: tagflow apply dev$/m,
    );
    pipeline.heal();
    succeeded(await pipeline.tagflow(['apply', '--all']));
    succeeded(await pipeline.tagflow(['status', 'dev', '--exit-code']));
  });
});

describe.concurrent('a Git server that', () => {
  it.each(sampled(GIT, 3))('$name', async ({ fault, args = FIRST, failure }) => {
    const pipeline = await servers.createPipeline();
    const options = (await fault(pipeline)) ?? undefined;
    expect(await changesNothing(pipeline, async () => pipeline.tagflow(args, options))).toFail(failure);
  });

  it.each([
    { name: 'cuts the connection', kind: 'drop-after' as const },
    { name: 'answers 502', kind: 'status-after' as const, status: 502 },
  ])('$name after a push landed: it is found to have landed, and is not done twice', async ({ kind, status = 0 }) => {
    const pipeline = await servers.createPipeline();
    let pushes = 0;
    pipeline.gitFault = ({ service, method }) => {
      if (service !== 'receive-pack' || method !== 'POST') return undefined;
      pushes += 1;
      return pushes === 1 ? (kind === 'drop-after' ? { kind } : { kind, status }) : undefined;
    };
    succeeded(await pipeline.tagflow(FIRST));
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(1, 'V4.0'));
    expect((await pipeline.repository.git(['rev-list', '--count', 'main..dev'])).trim()).toBe('1');
  });

  it('is gone permanently right after a push landed: not known is what is said, and a rerun completes', async () => {
    const pipeline = await servers.createPipeline();
    let gone = false;
    pipeline.gitFault = ({ service, method }) => {
      if (gone) return { kind: 'refuse' };
      gone = service === 'receive-pack' && method === 'POST';
      return gone ? { kind: 'drop-after' } : undefined;
    };
    const result = await pipeline.tagflow(['--timeout', '2', ...FIRST]);
    expect(result).toFail({
      code: 'push-outcome-unknown',
      what: /cannot tell whether commit .* landed on dev/,
      fix: /you can run a promotion again at once/,
    });
    pipeline.gitFault = undefined;
    // http-backend may still be writing when the client has given up.
    for (let wait = 0; wait < 100 && !(await recordExists(pipeline)); wait += 1) await delay(50);
    succeeded(await pipeline.tagflow(FIRST));
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(1, 'V4.0'));
  });

  it.each([
    { moment: 'before the plan is complete', line: /^GET django\/manifests\/V4\.2$/ },
    { moment: 'after the plan is complete', line: /^HEAD mariadb\/manifests\/dev-1$/ },
  ])('moves the branch on $moment: the promotion plans again, and both are in the history', async ({ line }) => {
    const pipeline = await servers.createPipeline();
    let rival: Promise<unknown> | undefined;
    pipeline.intercept(line, async (_request, next) => {
      const answer = next();
      if (answer.status === 401 || rival) return answer;
      rival = pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6', '--reason', 'rival']);
      await rival;
      return answer;
    });
    const result = await pipeline.tagflow(['-v', 'promote', 'dev', 'django=V4.2', 'mariadb=V10.11']);
    succeeded(result);
    expect(rival).toBeDefined();
    expect(result.stderr).toMatch(/dev moved on meanwhile: planning again/);
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(2, 'V4.2', 'V10.11'));
  });
});

async function recordExists({ repository }: ServerPipeline): Promise<boolean> {
  return (await repository.file('dev', '.tagflow/releases/dev.yaml')) !== undefined;
}
