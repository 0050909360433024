// Releases that tagflow did not make: commits written onto a bench's branch as somebody with the right to push could write
// them, and what every command must then say.
import { expect } from 'vitest';
import { check } from '../../src/engine/audit/check.ts';
import { history, show } from '../../src/engine/read/history.ts';
import { promote } from '../../src/engine/release/promote.ts';
import { rollback } from '../../src/engine/release/rollback.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { formatRecord } from '../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../src/model/release.ts';
import { formatCommit, makeObject } from '../../src/ledger/object.ts';
import { type Bench, recordOf } from './engine.ts';
import type { SeedOptions } from './memory-ledger.ts';

/** The version that forgers want to run; it is published, so that nothing else keeps it out. */
export const EVIL = 'V6.6';

/** What a forged release is made of, where it differs from a perfect one. */
export interface Forgery extends SeedOptions {
  readonly record?: Partial<ReleaseRecord>;
  /** Changes the record's text. */
  readonly text?: (text: string) => string;
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly beside?: Readonly<Record<string, string | undefined>>;
}

/** The tree that a commit would have with some files changed, without the record of an environment and its signature. */
export function scopeAfter(
  bench: Bench,
  environment: string,
  files: Readonly<Record<string, string | undefined>> = {},
  parents: readonly ObjectId[] = [bench.head(environment)],
): ObjectId {
  const path = recordOf(environment);
  const commit = bench.remote.commit(
    'scratch',
    { ...files, [path]: undefined, [`${path}.sig`]: undefined },
    { parents },
  );
  bench.remote.branches.delete('scratch' as BranchName);
  return bench.remote.read(commit).tree;
}

/** The commit that made the release of an environment: the newest at which its record changed. */
export function releaseCommit(bench: Bench, environment: string): ObjectId {
  const path = recordOf(environment);
  const text = (id: ObjectId | undefined): string =>
    id === undefined ? '' : Buffer.from(bench.remote.filesOf(id).get(path) ?? '').toString();
  const made = bench.remote.history(environment).find(({ id, parents }) => text(id) !== text(parents[0]));
  if (!made) throw new Error(`${environment} has no release`);
  return made.id;
}

/** The record of a next release of stg that would run the forger's image: right in everything. */
export function forgedRecord(bench: Bench, change: Partial<ReleaseRecord> = {}): string {
  const current = bench.record('stg');
  const images = current.images.map((image) =>
    image.name === 'django'
      ? {
          ...image,
          version: EVIL as typeof image.version,
          digest: bench.registry.tagsOf(repositoryOfImage(image.repository)).get(EVIL as never)!,
        }
      : image,
  );
  const { sequence } = current;
  const previous = { sequence, commit: releaseCommit(bench, 'stg') };
  const next = { sequence: sequence + 1, previous, scope: scopeAfter(bench, 'stg') };
  return formatRecord({ ...current, ...next, images, ...change });
}

function repositoryOfImage(repository: string): Parameters<Bench['registry']['tagsOf']>[0] {
  const [host = '', ...path] = repository.split('/');
  return { kind: 'remote', name: repository, host, path: path.join('/') };
}

/** Puts a forged release on stg, its manifests pinned as its record says. `beside`: files that its record knows nothing of. */
export function forge(bench: Bench, { record, text = (same) => same, files, beside, ...how }: Forgery = {}): ObjectId {
  const overlay = 'environments/stg/kustomization.yaml';
  const current = bench.record('stg').images.find(({ name }) => name === 'django')!;
  const evil = /version: V6\.6\n +digest: (\S+)/.exec(forgedRecord(bench, record))?.[1] ?? current.digest;
  const pinned = bench.remote.file('stg', overlay)!.replaceAll(current.digest, evil).replaceAll(current.version, EVIL);
  const changed = { [overlay]: pinned, ...files };
  const wanted = forgedRecord(bench, { scope: scopeAfter(bench, 'stg', changed, how.parents), ...record });
  const time = bench.clock.now();
  return bench.remote.commit(
    'stg',
    { ...changed, ...beside, [recordOf('stg')]: text(wanted) },
    { time, author: 'eve <eve@example.org>', ...how },
  );
}

/** Writes the head of a branch again with further files, or without some, and the same parents. */
export function amend(bench: Bench, branch: string, files: Readonly<Record<string, string | undefined>>): ObjectId {
  const head = bench.remote.read(bench.head(branch));
  const { tree } = bench.remote.read(bench.remote.commit('scratch', files, { parents: [head.id] }));
  bench.remote.branches.delete('scratch' as BranchName);
  const object = makeObject('commit', formatCommit({ ...head, tree }), 'sha1');
  bench.remote.objects.set(object.id, object);
  bench.remote.branches.set(branch as BranchName, object.id);
  return object.id;
}

/** Writes the head of a branch again, as other bytes. */
export function rewrite(
  bench: Bench,
  branch: string,
  change: (content: string) => string | Promise<string>,
): Promise<ObjectId> {
  const content = Buffer.from(bench.remote.objects.get(bench.head(branch))!.content).toString('latin1');
  return Promise.resolve(change(content)).then((changed) => {
    const object = makeObject('commit', Buffer.from(changed, 'latin1'), 'sha1');
    bench.remote.objects.set(object.id, object);
    bench.remote.branches.set(branch as BranchName, object.id);
    return object.id;
  });
}

/** What happens to be said about a branch with a forgery on it; nothing of it may be the forger's. */
export async function expectUnmasked(bench: Bench, forged: ObjectId, genuine: ObjectId): Promise<void> {
  const context = bench.context();
  const { releases, unverified } = await history(context, { environment: 'stg', limit: 100 });
  expect(releases.map(({ commit }) => commit)).not.toContain(forged);
  expect(releases[0]?.commit, 'the newest release is the genuine one').toBe(genuine);
  expect(unverified.map(({ commit }) => commit)).toContain(forged);
  expect((await show(bench.context(), 'stg', { now: true })).commit).toBe(genuine);
  const { findings } = await check(bench.context(), { environments: ['stg'], registry: false });
  expect(
    findings.filter(({ rule }) => rule === 'record' || rule === 'signature').map(({ commit }) => commit),
  ).toContain(forged);

  // All in one moment of the bench's clock: what was verified in it is not verified again.
  const planned = { dryRun: true };
  const goBack = { kind: 'rollback', environment: 'stg' } as const;
  const back = await outcomeOf(rollback(bench.context(), goBack, planned));
  expect(back, 'a rollback goes to a genuine release').toMatchObject({
    restored: expect.not.stringMatching(forged),
    evil: false,
  });
  const byName = await outcomeOf(rollback(bench.context(), { ...goBack, to: EVIL }, planned));
  expect(byName, 'not even when it is asked for').toBe('release-not-found');
  const goOn = (environment: string) => ({ kind: 'promote', environment, versions: {} }) as const;
  const next = await outcomeOf(promote(bench.context(), goOn('prd'), planned));
  expect(next, 'nothing of it is carried downstream').toMatch(/^(?:record|signature)-invalid$/);
  const onTop = await outcomeOf(promote(bench.context(), goOn('stg'), planned));
  expect(onTop, 'nothing is promoted on top of it').toMatch(/^(?:record|signature)-invalid$/);
}

async function outcomeOf(
  work: ReturnType<Bench['promote']>,
): Promise<string | { restored: string | undefined; evil: boolean }> {
  try {
    const outcome = await work;
    if (outcome.kind !== 'planned') return outcome.kind;
    const { plan } = outcome;
    return { restored: plan.restored?.commit, evil: JSON.stringify(plan).includes(EVIL) };
  } catch (error) {
    if (isTagflowError(error)) return error.code;
    throw error;
  }
}
