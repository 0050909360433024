// Evidence that programs and the forge give: commit statuses, and what programs of the trunk say.
import type { Forge, Review } from '../../forge/forge.ts';
import { type ProgramVerdict, type ReviewEvidence, type Subject, isSamePerson } from '../../gates/gates.ts';
import { type TreeEntry, isRegularFile } from '../../ledger/ledger.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { ProgramFile, VerifyTarget } from '../../verify/verify.ts';
import type { LiveReading, OutsideSources, ReadSettings, RecordReading } from '../context.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';

/** Files whose content is fetched together. */
const AT_ONCE = 500;

/** What the forge says of commits. Throws `not-supported` where a library's user gave none, `forge-unknown`, `unauthorized`. */
export async function forgeReader(
  { forgeOf }: Pick<OutsideSources, 'forgeOf'>,
  { pipeline }: Snapshot,
): Promise<Pick<Forge, 'statuses' | 'reviews'>> {
  if (forgeOf) return forgeOf(pipeline.forge);
  throw new TagflowError('not-supported', {
    what: 'tagflow.yaml asks for what the forge says, and this run cannot read it',
    why: 'the program that uses tagflow as a library gave it no `forgeOf` in its context',
  });
}

/** Reads what people said of the pull request that brought a commit. Resolves to undefined where no pull request did. */
export async function reviewEvidence(
  context: Pick<OutsideSources, 'forgeOf'>,
  snapshot: Snapshot,
  { branch }: Pick<EnvironmentState['environment'], 'branch'>,
  { commit, by }: { readonly commit: ObjectId; readonly by: readonly string[] },
): Promise<ReviewEvidence | undefined> {
  const found = await (await forgeReader(context, snapshot)).reviews(commit, branch);
  if (!found) return undefined;
  const { authors, reviews, pullRequest } = found;
  const isOwn = ({ by: login, names }: Review): boolean =>
    [...authors, ...by].some((name) => [login, ...names].some((one) => isSamePerson(one, name)));
  const namesOf = (some: readonly Review[]): readonly string[] => some.map((one) => one.by);
  const consents = reviews.filter(({ verdict }) => verdict === 'approved');
  return {
    approved: namesOf(consents.filter((one) => !isOwn(one))),
    objected: namesOf(reviews.filter(({ verdict }) => verdict === 'objected')),
    own: namesOf(consents.filter(isOwn)),
    url: pullRequest.url,
  };
}

/** Why no program of a configuration is started; nothing where the trunk says what it says. */
export function distrustOf({ config }: ReadSettings): Pick<VerifyTarget, 'distrust'> {
  return config ? { distrust: 'the configuration is a file of the caller, and not that of the trunk' } : {};
}

/** The regular files of a commit, read as they are taken. Links and submodules are left out: nothing leads out of the copy. */
export async function* trunkFiles(
  { ledger, signal }: Pick<RecordReading, 'ledger' | 'signal'>,
  commit: ObjectId,
): AsyncIterable<ProgramFile> {
  await ledger.fetch([commit]);
  const files = (await ledger.listFiles(commit, '')).filter(isRegularFile);
  for (let index = 0; index < files.length; index += AT_ONCE) {
    signal.throwIfAborted();
    const some = files.slice(index, index + AT_ONCE);
    const contents = await ledger.readFiles(
      commit,
      some.map(({ path }) => path),
    );
    for (const { path, mode } of some as readonly TreeEntry[]) {
      const content = contents.get(path);
      if (content) yield { path, content, isExecutable: mode === '100755' };
    }
  }
}

/** Runs the programs of a policy, one after the other. They know the release by the number that it would get. */
export async function programVerdicts(
  context: LiveReading,
  snapshot: Snapshot,
  { environment, record }: EnvironmentState,
  { images, commit, policy }: Subject,
): Promise<ReadonlyMap<string, ProgramVerdict>> {
  const {
    outside: { verifier },
  } = context;
  if (!verifier) throw new TypeError('this context cannot run programs');
  const probe = verifier.open({
    environment: environment.environment,
    application: environment.application,
    images,
    release: { sequence: (record?.sequence ?? 0) + 1, commit },
    ...distrustOf(context.settings),
    files: () => trunkFiles(context, snapshot.trunk.head),
    statuses: async () => [],
  });
  const found = new Map<string, ProgramVerdict>();
  try {
    for (const { name, command, timeoutMs, env } of policy.run ?? []) {
      const step = { kind: 'command', name, command, env, junit: undefined } as const;
      const { exitCode, seen } = await probe.ask(step, timeoutMs);
      found.set(name, { exitCode, seen });
    }
    return found;
  } finally {
    await probe.close();
  }
}
