// SIGINT and SIGTERM at the worst moments, on the real process: it ends within five seconds with 130 or 143, the environment
// has the old release or the new one, whole, and running tagflow again completes what was begun.
import { readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, succeeded } from '../support/cli.ts';
import { release, releaseOf } from '../support/pipeline.ts';
import { sampled } from '../support/real.ts';
import { type ServerPipeline, type TestServers, startServers } from '../support/pipeline-servers.ts';

/** Longest time from a signal to the end of the process, in milliseconds. */
const LIMIT = 5_000;

type Signal = 'SIGINT' | 'SIGTERM';
const EXITS: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 };

let servers: TestServers;

beforeAll(async () => {
  servers = await startServers();
});

afterAll(async () => {
  await servers.stop();
});

/** A moment that a fault announces: a run is asked to stop when it is `reached`, and `told` is when it says that it heard. */
interface Meeting {
  readonly moment: Promise<void>;
  readonly reached: () => void;
  readonly told: Promise<void>;
  readonly heard: () => void;
}

/** A pipeline whose dev has release 1, and a meeting. */
async function prepare(): Promise<Meeting & { readonly pipeline: ServerPipeline }> {
  const pipeline = await servers.createPipeline();
  succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']));
  const { promise: moment, resolve: reached } = Promise.withResolvers<void>();
  const { promise: told, resolve: heard } = Promise.withResolvers<void>();
  return { pipeline, moment, reached, told, heard };
}

interface Stopped extends CliResult {
  /** Milliseconds from the signal to the end. */
  readonly took: number;
}

async function stopAt(
  { pipeline, moment, heard }: Awaited<ReturnType<typeof prepare>>,
  signal: Signal,
  args: readonly string[],
): Promise<Stopped> {
  const { child, done } = pipeline.start(args);
  child.stderr.on('data', (chunk: string) => chunk.includes(`${signal}: finishing`) && heard());
  await Promise.race([moment, done.then(({ stderr }) => Promise.reject(new Error(`it ended before: ${stderr}`)))]);
  const begun = performance.now();
  child.kill(signal);
  return { ...(await done), took: performance.now() - begun };
}

const isPush = ({ service, method }: { service: string | undefined; method: string }): boolean =>
  service === 'receive-pack' && method === 'POST';
const isFetch = ({ service, method }: { service: string | undefined; method: string }): boolean =>
  service === 'upload-pack' && method === 'POST';

interface Moment {
  readonly name: string;
  readonly signal: Signal;
  /** Brings the moment about: calls `reached` when it is there. */
  readonly arrange: (pipeline: ServerPipeline, reached: () => void, told: Promise<void>) => void;
  /** What dev has afterwards. */
  readonly leaves: 'old' | 'new';
  /** What the run knows of that. */
  readonly knows: keyof typeof SAYS;
  /** What completes it. */
  readonly again: readonly string[];
}

/** What a run that was stopped says is true now, and what to type. */
const SAYS = {
  nothing: { why: /^no release of dev was committed$/, fix: /^run the command again$/ },
  landed: { why: /^commit [0-9a-f]{7} landed on dev; some of its tags may be missing/, fix: /^tagflow apply dev$/ },
  unknown: {
    why: /^commit [0-9a-f]{7} was on its way to dev; it is unknown whether it landed$/,
    fix: /^tagflow show dev tells its commit: .*tagflow apply dev; if not, run the command again$/,
  },
} as const;

const PROMOTE = ['-v', 'promote', 'dev', 'django=V4.2'];

const MOMENTS: readonly Moment[] = [
  {
    name: 'while Git is asked for the heads',
    signal: 'SIGTERM',
    arrange: (pipeline, reached) => {
      pipeline.gitFault = () => (reached(), { kind: 'hang' });
    },
    leaves: 'old',
    knows: 'nothing',
    again: PROMOTE,
  },
  {
    name: 'while Git fetches',
    signal: 'SIGINT',
    arrange: (pipeline, reached) => {
      pipeline.gitFault = (request) => (isFetch(request) ? (reached(), { kind: 'hang' }) : undefined);
    },
    leaves: 'old',
    knows: 'nothing',
    again: PROMOTE,
  },
  {
    name: 'while the registry is asked for the version',
    signal: 'SIGTERM',
    arrange: ({ intercept }, reached) => intercept(/V4\.2$/, () => (reached(), 'hang')),
    leaves: 'old',
    knows: 'nothing',
    again: PROMOTE,
  },
  {
    name: 'while a push is on its way',
    signal: 'SIGINT',
    arrange: (pipeline, reached, told) => {
      pipeline.gitFault = (request) => (isPush(request) ? (reached(), { kind: 'delay', until: told }) : undefined);
    },
    leaves: 'new',
    knows: 'landed',
    again: ['apply', 'dev'],
  },
  {
    name: 'while a push is on its way, and its answer never comes',
    signal: 'SIGTERM',
    arrange: (pipeline, reached) => {
      pipeline.gitFault = (request) => (isPush(request) ? (reached(), { kind: 'hang' }) : undefined);
    },
    leaves: 'old',
    knows: 'unknown',
    again: PROMOTE,
  },
  {
    name: 'while the first tag is put',
    signal: 'SIGINT',
    arrange: ({ intercept }, reached, told) =>
      intercept(/^PUT django\/manifests\/dev-2$/, async (_request, next) => {
        reached();
        await told;
        return next();
      }),
    leaves: 'new',
    knows: 'landed',
    again: ['apply', 'dev'],
  },
  {
    name: 'between the per-release tags and the target tags',
    signal: 'SIGTERM',
    arrange: ({ intercept }, reached) =>
      intercept(/^PUT mariadb\/manifests\/dev-2$/, (_request, next) => {
        const answer = next();
        if (answer.status === 201) reached();
        return answer;
      }),
    leaves: 'new',
    knows: 'landed',
    again: ['promote', 'dev'],
  },
  {
    name: 'while a tag is put, and its answer never comes',
    signal: 'SIGTERM',
    arrange: ({ intercept }, reached) => intercept(/^PUT django\/manifests\/dev$/, () => (reached(), 'hang')),
    leaves: 'new',
    knows: 'landed',
    again: ['apply', 'dev'],
  },
];

// Each starts several processes, and many run at once.
const PATIENCE = { timeout: 60_000 };

describe.concurrent('a promotion that is stopped', PATIENCE, () => {
  it.each(sampled(MOMENTS, 2))('$name ($signal)', async ({ signal, arrange, leaves, knows, again }) => {
    const prepared = await prepare();
    const { pipeline, reached, told } = prepared;
    arrange(pipeline, reached, told);
    const stopped = await stopAt(prepared, signal, PROMOTE);
    expect(stopped).toFail({ code: 'interrupted', exit: EXITS[signal], what: new RegExp(signal), ...SAYS[knows] });
    expect(stopped.took).toBeLessThan(LIMIT);
    expect(stopped.stderr).toMatch(new RegExp(`${signal}: finishing what is being written`));
    expect(stopped.stderr).not.toMatch(/^ {4}at /m);
    expect(await processesIn(join(pipeline.folder, 'work'))).toEqual([]);
    pipeline.gitFault = undefined;
    pipeline.heal();
    const { tagged: _, ...after } = await releaseOf(pipeline, 'dev');
    const { tagged: __, ...expected } = leaves === 'old' ? release(1, 'V4.0') : release(2, 'V4.2');
    expect(after).toEqual(expected);
    succeeded(await pipeline.tagflow(again));
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(2, 'V4.2'));
  });

  it('finishes the write in flight before it ends', async () => {
    const prepared = await prepare();
    const { pipeline, reached, told } = prepared;
    let putting = 0;
    pipeline.intercept(/^PUT [a-z]+\/manifests\/dev-2$/, async (_request, next) => {
      putting += 1;
      const turn = putting;
      if (turn === 2) reached();
      await told;
      // One write is slower than the other: the process must wait for both.
      if (turn === 2) await delay(300);
      return next();
    });
    const stopped = await stopAt(prepared, 'SIGTERM', PROMOTE);
    expect(stopped.exit).toBe(143);
    const { tags } = await pipeline.snapshot();
    expect(
      Object.keys(tags)
        .filter((tag) => tag.endsWith(':dev-2'))
        .sort(),
    ).toEqual(['django:dev-2', 'mariadb:dev-2']);
  });

  it('ends at once when it is reported twice: says what is known, leaves no folder, and no Git that continues', async () => {
    const { pipeline, moment, reached, told, heard } = await prepare();
    pipeline.gitFault = (request) => (isPush(request) ? (reached(), { kind: 'hang' }) : undefined);
    const work = join(pipeline.folder, 'work-twice');
    const { child, done } = pipeline.start(PROMOTE, { env: { TAGFLOW_CACHE_DIR: work } });
    child.stderr.on('data', (chunk: string) => chunk.includes('SIGINT: finishing') && heard());
    await moment;
    child.kill('SIGINT');
    await told;
    const begun = performance.now();
    child.kill('SIGINT');
    const ended = await done;
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(ended).toFail({ code: 'interrupted', exit: 130, what: /^stopped at once by SIGINT$/, ...SAYS.unknown });
    expect(await readdir(work)).toEqual([]);
    expect(await processesIn(work)).toEqual([]);
  });

  it('leaves a folder when it is killed, and Git ends; the next run removes that folder, and no other', async () => {
    const { pipeline, moment, reached } = await prepare();
    pipeline.gitFault = (request) => (isPush(request) ? (reached(), { kind: 'hang' }) : undefined);
    const work = join(pipeline.folder, 'work-killed');
    const env = { TAGFLOW_CACHE_DIR: work };
    const killed = pipeline.start(PROMOTE, { env });
    await moment;
    killed.child.kill('SIGKILL');
    await killed.done;
    const [left = ''] = await readdir(work);
    expect(left).toMatch(/^tagflow-git-/);
    // Beside it a job that is still going, in the same folder.
    const { promise: again, resolve: reachedAgain } = Promise.withResolvers<void>();
    const { promise: looked, resolve: hasLooked } = Promise.withResolvers<void>();
    pipeline.gitFault = (request) => (isPush(request) ? (reachedAgain(), { kind: 'delay', until: looked }) : undefined);
    const going = pipeline.start(PROMOTE, { env });
    await again;
    const live = (await readdir(work)).find((name) => name !== left);
    pipeline.gitFault = undefined;
    succeeded(await pipeline.tagflow(['status'], { env: { TAGFLOW_CACHE_DIR: join(work, 'other') } }));
    expect(await readdir(work)).toContain(live);
    expect(await readdir(work)).not.toContain(left);
    hasLooked();
    succeeded(await going.done);
    expect((await readdir(work)).filter((name) => name.startsWith('tagflow-git-'))).toEqual([]);
  });

  it('tells so as JSON', async () => {
    const prepared = await prepare();
    prepared.pipeline.intercept(/V4\.2$/, () => (prepared.reached(), 'hang'));
    const stopped = await stopAt(prepared, 'SIGINT', ['-o', 'json', 'promote', 'dev', 'django=V4.2']);
    expect(stopped.exit).toBe(130);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ error: { code: 'interrupted', exit: 130, retryable: true } });
  });
});

describe.concurrent('a rollback that is stopped', PATIENCE, () => {
  it('while its push is on its way has happened or not, and apply completes it', async () => {
    const prepared = await prepare();
    const { pipeline, reached, told } = prepared;
    succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.2']));
    pipeline.gitFault = (request) => (isPush(request) ? (reached(), { kind: 'delay', until: told }) : undefined);
    const stopped = await stopAt(prepared, 'SIGTERM', ['rollback', 'dev', '--reason', 'INC-412']);
    expect(stopped.exit).toBe(143);
    expect(stopped.took).toBeLessThan(LIMIT);
    pipeline.gitFault = undefined;
    succeeded(await pipeline.tagflow(['apply', 'dev']));
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(3, 'V4.0'));
  });
});

/** The processes of this machine that work in a folder below this one: their command lines. */
async function processesIn(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^[0-9]+$/.test(name));
  const found = pids.map(async (pid) => {
    // A process may end at any moment.
    const at = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    return at.startsWith(folder) ? [await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] : [];
  });
  return (await Promise.all(found)).flat();
}
