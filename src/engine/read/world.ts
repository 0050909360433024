// Reading: the heads, the configuration from the trunk, and the release an environment has.
import { CONFIG_FILE } from '../../config/config.ts';
import { digestOf } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { type Environment, type Pipeline, type ReleaseLine, lineName } from '../../model/pipeline.ts';
import type { ReleaseRecord, ReleaseSource } from '../../model/release.ts';
import type { Reading } from '../context.ts';
import { pipelineOf } from './pipeline.ts';
import { readRelease } from './current.ts';

/** The remote at one moment: its heads, and the configuration its trunk holds. */
export interface World {
  readonly branches: ReadonlyMap<BranchName, ObjectId>;
  readonly trunk: { readonly branch: BranchName; readonly head: ObjectId };
  readonly pipeline: Pipeline;
  /** Where the configuration was read, as a record states it. */
  readonly config: ReleaseRecord['config'];
}

/** An environment's branch at one moment. */
export interface EnvironmentState {
  readonly environment: Environment;
  readonly head: ObjectId;
  /** The release it has; undefined before the first one. */
  readonly record: ReleaseRecord | undefined;
  /** The commit that made the release. */
  readonly commit: ObjectId | undefined;
}

/** With so many branches or fewer all come at once: which ones are needed is known only from the configuration. */
const FEW_BRANCHES = 8;

/** Reads the heads and the configuration. Branches named in `likely`, and all where there are few, come in the same fetch. */
export async function readWorld(context: Reading, likely: readonly string[] = []): Promise<World> {
  const { ledger } = context;
  const { trunk: defaultBranch, branches } = await ledger.heads();
  const defaultHead = headOf(branches, defaultBranch);
  const wanted =
    branches.size <= FEW_BRANCHES
      ? branches.values()
      : likely.flatMap((name) => branches.get(name as BranchName) ?? []);
  await ledger.fetch([...new Set([defaultHead, ...wanted])]);
  const { pipeline, config } = await readConfig(context, defaultHead, defaultBranch);
  context.allowPlainHttp(pipeline.plainHttpHosts);
  const branch = pipeline.trunk ?? defaultBranch;
  return { branches, trunk: { branch, head: headOf(branches, branch) }, pipeline, config };
}

/**
 * Reads the release of an environment. Throws `branch-not-found`, `branch-rewound`, `record-invalid`, and `signature-invalid`.
 */
export async function readEnvironment(
  context: Reading,
  world: World,
  environment: Environment,
): Promise<EnvironmentState> {
  const head = headOf(world.branches, environment.branch, environment);
  await context.ledger.fetch([head]);
  const release = await readRelease(context, environment, head);
  return { environment, head, record: release?.record, commit: release?.commit };
}

/** The line that another takes from: `from` names it, or its environment. Throws `environment-not-found`. */
export function upstreamLine({ pipeline }: Pick<World, 'pipeline'>, line: ReleaseLine, from: string): ReleaseLine {
  const upstream = pipeline.lines.get(from) ?? pipeline.lines.get(lineName(from, line.application));
  if (upstream) return upstream;
  throw new TagflowError('environment-not-found', {
    what: `there is no environment ${JSON.stringify(from)} to take from`,
    why: `tagflow.yaml has: ${[...pipeline.environments.keys()].join(', ')}`,
    fix: `name one of those with --from`,
  });
}

/** What an environment takes from: the head of the upstream environment's branch, or of the trunk. */
export function upstreamOf(world: World, environment: Environment, from = environment.from): ReleaseSource {
  if (from === undefined) return { branch: world.trunk.branch, commit: world.trunk.head };
  const upstream = upstreamLine(world, environment, from);
  return {
    environment: upstream.environment,
    branch: upstream.branch,
    commit: headOf(world.branches, upstream.branch, upstream),
  };
}

/** The head of a branch. Throws `branch-not-found`. */
export function headOf(
  branches: ReadonlyMap<BranchName, ObjectId>,
  branch: BranchName,
  environment?: Environment,
): ObjectId {
  const head = branches.get(branch);
  if (head) return head;
  const known = [...branches.keys()];
  throw new TagflowError('branch-not-found', {
    what: `the remote has no branch ${branch}`,
    why:
      known.length === 0
        ? 'it has no branch at all'
        : `it has: ${known.slice(0, 10).join(', ')}${known.length > 10 ? ` and ${known.length - 10} more` : ''}`,
    fix: environment
      ? `create it with: tagflow init --yes, or correct environments.${environment.name}.branch in ${CONFIG_FILE}`
      : `push the trunk first, or correct trunk in ${CONFIG_FILE}`,
  });
}

async function readConfig(
  context: Reading,
  head: ObjectId,
  branch: BranchName,
): Promise<Pick<World, 'pipeline' | 'config'>> {
  const override = context.config;
  if (override) {
    const read = await pipelineOf(context.ledger, { ...override, commit: head, defaultBranch: branch });
    const pipeline = await withTrust(context, read, head, branch);
    return { pipeline, config: { file: digestOf(override.text) } };
  }
  const content = (await context.ledger.readFiles(head, [CONFIG_FILE])).get(CONFIG_FILE);
  if (!content) {
    throw new TagflowError('config-missing', {
      what: `the trunk (${branch}) has no ${CONFIG_FILE}`,
      why: `the configuration is read from the head of ${branch} at the remote, not from the working directory`,
      fix: 'write one with: tagflow init; then commit and push it',
    });
  }
  const text = new TextDecoder().decode(content);
  const found = { text, file: CONFIG_FILE, commit: head, defaultBranch: branch };
  const pipeline = await pipelineOf(context.ledger, found);
  return { pipeline: await withTrust(context, pipeline, head, branch), config: { commit: head } };
}

/** The pipeline with the signers that the trunk lists, where releases are signed. Throws `config-missing`. */
async function withTrust(context: Reading, pipeline: Pipeline, head: ObjectId, branch: BranchName): Promise<Pipeline> {
  if (!pipeline.signing) return pipeline;
  const { signers: file, revoked: revokedFile } = pipeline.signing;
  const files = await context.ledger.readFiles(head, [file, ...(revokedFile === undefined ? [] : [revokedFile])]);
  const read = (path: string): Uint8Array => {
    const content = files.get(path);
    if (content) return content;
    throw new TagflowError('config-missing', {
      what: `the trunk (${branch}) has no ${path}`,
      why: `${CONFIG_FILE} says signing: ${pipeline.signing?.method}, and that file says whose signatures count`,
      fix: 'add it to the trunk, or correct its path: see docs/how-to/sign-releases.md',
    });
  };
  const [signers, revoked] = [read(file), revokedFile === undefined ? undefined : read(revokedFile)];
  const trusted = (lines: ReadonlyMap<string, Environment>): ReadonlyMap<string, Environment> =>
    new Map(
      [...lines].map(([name, line]) => [
        name,
        line.signing ? { ...line, trust: { ...line.signing, file, signers, revoked } } : line,
      ]),
    );
  return { ...pipeline, environments: trusted(pipeline.environments), lines: trusted(pipeline.lines) };
}
