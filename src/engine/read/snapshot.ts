// Reading: the heads, the configuration from the trunk, and the release an environment has.
import { CONFIG_FILE } from '../../config/config.ts';
import { digestOf } from '../../model/digest.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { askMeant } from '../../model/nearest.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { type Environment, type Pipeline, type ReleaseLine, environmentOf, lineName } from '../../model/pipeline.ts';
import type { ReleaseRecord, ReleaseSource } from '../../model/release.ts';
import type { Reading, RecordReading } from '../context.ts';
import { pipelineOf } from './pipeline.ts';
import { readRelease } from './current.ts';
import { readConfigText } from './config-file.ts';
import { bringLikely } from './likely-files.ts';

/** An environment's branch at one moment. */
export interface EnvironmentState {
  readonly environment: Environment;
  readonly head: ObjectId;
  /** The release it has; undefined before the first one. */
  readonly record: ReleaseRecord | undefined;
  /** The commit that made the release. */
  readonly commit: ObjectId | undefined;
}

/** With that many branches or fewer all come at once: which ones are needed is known only from the configuration. */
export const FEW_BRANCHES = 64;

/** What a snapshot holds. */
interface Contents {
  readonly branches: ReadonlyMap<BranchName, ObjectId>;
  readonly trunk: { readonly branch: BranchName; readonly head: ObjectId };
  readonly pipeline: Pipeline;
  readonly config: ReleaseRecord['config'];
}

/** One read of the remote: its heads, and the configuration that its trunk holds. What they lead to is read when asked for. */
export class Snapshot implements Contents {
  readonly branches: Contents['branches'];
  readonly trunk: Contents['trunk'];
  readonly pipeline: Pipeline;
  /** Where the configuration was read, as a record states it. */
  readonly config: ReleaseRecord['config'];
  readonly #reading: RecordReading;

  constructor(reading: RecordReading, { branches, trunk, pipeline, config }: Contents) {
    this.#reading = reading;
    this.branches = branches;
    this.trunk = trunk;
    this.pipeline = pipeline;
    this.config = config;
  }

  /** The same heads under another configuration of the trunk. */
  under(pipeline: Pipeline): Snapshot {
    const { branches, trunk, config } = this;
    return new Snapshot(this.#reading, { branches, trunk, pipeline, config });
  }

  /** The environment of a name. Throws `environment-not-found`. */
  environment(name: string): Environment {
    return environmentOf(this.pipeline, name);
  }

  /** The head of an environment's branch. Throws `branch-not-found`. */
  head(environment: Environment): ObjectId {
    return headOf(this.branches, environment.branch, environment);
  }

  /** Reads the release of an environment. Throws `branch-not-found`, `branch-rewound`, `record-invalid`, `signature-invalid`. */
  async release(environment: Environment): Promise<EnvironmentState> {
    const head = this.head(environment);
    await this.#reading.ledger.fetch([head]);
    const release = await readRelease(this.#reading, environment, head);
    return { environment, head, record: release?.record, commit: release?.commit };
  }

  /** What an environment takes from: the head of the upstream environment's branch, or of the trunk. */
  upstream(environment: Environment, from = environment.from): ReleaseSource {
    if (from === undefined) return { branch: this.trunk.branch, commit: this.trunk.head };
    const upstream = upstreamLine(this, environment, from);
    return { environment: upstream.environment, branch: upstream.branch, commit: this.head(upstream) };
  }
}

/**
 * Reads the heads and the configuration. Branches named in `likely`, and all where there are few, come in the same fetch, with so
 * many generations of their history; where one is named, so do the files that are most likely read of it.
 */
export async function readSnapshot(
  context: Reading,
  likely: readonly string[] = [],
  generations?: number,
): Promise<Snapshot> {
  const { ledger } = context;
  const { trunk: defaultBranch, branches } = await ledger.heads();
  const defaultHead = headOf(branches, defaultBranch);
  const wanted =
    branches.size <= FEW_BRANCHES
      ? branches.values()
      : likely.flatMap((name) => branches.get(name as BranchName) ?? []);
  await ledger.fetch([...new Set([defaultHead, ...wanted])], generations);
  const [name] = likely;
  if (likely.length === 1 && name !== undefined) await bringLikely(ledger, { branches, trunk: defaultHead }, name);
  const { pipeline, config } = await readConfig(context, defaultHead, defaultBranch);
  const branch = pipeline.trunk ?? defaultBranch;
  const trunk = { branch, head: headOf(branches, branch) };
  return new Snapshot(context, { branches, trunk, pipeline, config });
}

/** The line that another takes from: `from` names it, or its environment. Throws `environment-not-found`. */
export function upstreamLine({ pipeline }: Pick<Snapshot, 'pipeline'>, line: ReleaseLine, from: string): ReleaseLine {
  const upstream = pipeline.lines.get(from) ?? pipeline.lines.get(lineName(from, line.application));
  if (upstream) return upstream;
  throw new TagflowError('environment-not-found', {
    what: `there is no environment ${JSON.stringify(from)} to take from`,
    why: `tagflow.yaml defines: ${[...pipeline.environments.keys()].join(', ')}`,
    fix: askMeant(
      from,
      pipeline.environments.keys(),
      advise`name one of those with ${{ act: 'say', what: 'upstream' }}`,
    ),
  });
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
      ? advise`create it with: ${{ act: 'create branches' }}, or correct environments.${environment.name}.branch in ${CONFIG_FILE}`
      : `push the trunk first, or correct trunk in ${CONFIG_FILE}`,
  });
}

async function readConfig(
  context: Pick<Reading, 'settings' | 'ledger'>,
  head: ObjectId,
  branch: BranchName,
): Promise<Pick<Snapshot, 'pipeline' | 'config'>> {
  const override = context.settings.config;
  if (override) {
    const read = await pipelineOf(context.ledger, { ...override, commit: head, defaultBranch: branch });
    const pipeline = await withTrust(context, read, head, branch);
    return { pipeline, config: { file: digestOf(override.text) } };
  }
  const text = await readConfigText(context.ledger, head);
  if (text === undefined) {
    throw new TagflowError('config-missing', {
      what: `the trunk (${branch}) has no ${CONFIG_FILE}`,
      why: `the configuration is read from the head of ${branch} at the remote, not from the working directory`,
      fix: advise`commit ${CONFIG_FILE} and push it to ${branch}; to write one: ${{ act: 'init' }}`,
    });
  }
  const found = { text, file: CONFIG_FILE, commit: head, defaultBranch: branch };
  const pipeline = await pipelineOf(context.ledger, found);
  return { pipeline: await withTrust(context, pipeline, head, branch), config: { commit: head } };
}

/** The pipeline with the signers that the trunk lists, where releases are signed. Throws `config-missing`. */
async function withTrust(
  context: Pick<RecordReading, 'ledger'>,
  pipeline: Pipeline,
  head: ObjectId,
  branch: BranchName,
): Promise<Pipeline> {
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
