// Doctor: whether everything that promotions and rollbacks need is there, and will be: programs, the remote, the branches and
// their records, and every configured repository. By dry means only: nothing is changed, and nothing is left behind.
import { type Environment, repositoryIn } from '../../model/pipeline.ts';
import { type Repository, parseRepository } from '../../model/reference.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import { retained } from '../../model/retention.ts';
import {
  configured,
  type CommitPorts,
  type Given,
  type PastReading,
  type RecordReading,
  type ReleasePorts,
} from '../context.ts';
import { type Needed, type RepositoryUse, examineRepository } from './repository.ts';
import { type Diagnosis, diagnosisOf } from './diagnosis.ts';
import { examineForge } from './forge.ts';
import { examineProtection } from './protection.ts';
import { examineJournal } from './journal.ts';
import { examineSigning } from './signing.ts';
import { presentLines } from '../read/named-lines.ts';
import { type Past, readPast } from '../read/past.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';

/** The programs tagflow runs on; `undefined`: not found. */
export interface Machine {
  /** `24.8.1` */
  readonly node: string;
  /** What `git --version` says, `2.39.5`. */
  readonly git: string | undefined;
}

/** The oldest programs that will do. */
const NEEDED = { node: '22.21', git: '2.36' } as const;

/**
 * Examines one environment or all, and the repositories they use. Throws `environment-not-found`, `interrupted`; everything
 * else that fails is a finding.
 */
export async function doctor(given: ReleasePorts, machine: Machine, name?: string): Promise<readonly Diagnosis[]> {
  const findings = examineMachine(machine);
  const { value: snapshot, problem } = await attempt(readSnapshot(given, name === undefined ? [] : [name]));
  if (problem) return [...findings, diagnosisOf(problem, 'remote', 'git')];
  const context = configured(given, snapshot);
  const { lines } = snapshot.pipeline;
  const chosen = name === undefined ? [...lines.values()] : await presentLines(given, snapshot, [name]);
  const { branch } = snapshot.trunk;
  findings.push({
    severity: 'ok',
    check: 'remote',
    subject: 'git',
    what: `the remote was read, and tagflow.yaml on ${branch} is valid`,
  });
  findings.push(...(await examineCommon(context, snapshot, chosen)));
  const examined: Examined[] = [];
  for (const environment of chosen) examined.push(await examineEnvironment(context, snapshot, environment));
  const uses = usesOf(snapshot, examined);
  const repositories = await Promise.all(uses.map(async (use) => examineRepository(context, use)));
  return [...findings, ...examined.flatMap((each) => each.findings), ...repositories.flat()];
}

/** What all environments have in common: where is pushed to, the forge, signing keys, the journal. */
async function examineCommon(
  context: ReleasePorts,
  snapshot: Snapshot,
  chosen: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  return [
    ...(await examinePush(context, snapshot, chosen)),
    ...(await examineForge(context.outside, snapshot, chosen)),
    ...(await examineProtection(context, snapshot, chosen)),
    ...(await examineSigning(context, snapshot, chosen)),
    ...(await examineJournal(context, snapshot, chosen)),
  ];
}

function examineMachine({ node, git }: Machine): Diagnosis[] {
  const judge = (program: string, found: string | undefined, needed: string): Diagnosis => {
    if (found === undefined) {
      return {
        severity: 'error',
        check: 'programs',
        subject: program,
        what: `there is no program ${program}`,
        fix: `install ${program} ${needed} or newer`,
      };
    }
    const isOld = compareNumbers(found, needed) < 0;
    const what = `${program} ${found}${isOld ? ' is too old' : ''}`;
    const fix = isOld ? `install ${program} ${needed} or newer` : undefined;
    return { severity: isOld ? 'error' : 'ok', check: 'programs', subject: program, what, fix };
  };
  return [judge('node', node, NEEDED.node), judge('git', git, NEEDED.git)];
}

/** The order of dotted numbers; what is not a number counts as 0. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let at = 0; at < 3; at += 1) {
    const order = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** Whether this identity may write to the remote; one branch stands for all, as far as that can be asked. */
async function examinePush(
  context: Pick<CommitPorts, 'ledger'>,
  snapshot: Snapshot,
  environments: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  const present = environments.find(({ branch }) => snapshot.branches.has(branch));
  const head = present && snapshot.branches.get(present.branch);
  if (!present || !head) return [];
  const tried = await attempt(context.ledger.mayPush(present.branch, head));
  if (tried.problem) return [diagnosisOf(tried.problem, 'push', 'git')];
  return [pushFinding(tried.value)];
}

function pushFinding({ granted, how: why }: Awaited<ReturnType<Given['ledger']['mayPush']>>): Diagnosis {
  const finding = { check: 'push', subject: 'git', why } as const;
  if (granted === 'yes') {
    const what = 'the remote accepts pushes; rules for single branches show only when one is pushed';
    return { ...finding, severity: 'ok', what };
  }
  return {
    ...finding,
    severity: granted === 'no' ? 'error' : 'warning',
    what: granted === 'no' ? 'the remote denies pushes' : 'cannot tell whether the remote accepts pushes',
    fix: 'give this identity the right to push to the environments’ branches: TAGFLOW_GIT_TOKEN, a deploy key, a CI variable',
  };
}

/** Tells of a line whose folders and files are not there: no release can be made of it. */
async function emptyScope(
  { ledger }: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  { name, branch, scope, carries }: Environment,
): Promise<Diagnosis | undefined> {
  // What carries a whole tree takes its folder from there.
  if (carries === 'tree') return undefined;
  const places = [...scope.folders, ...scope.files];
  const found = await Promise.all(
    places.map(async (place) => ledger.listFiles(snapshot.branches.get(branch) ?? snapshot.trunk.head, place)),
  );
  if (found.some((files) => files.length > 0)) return undefined;
  return {
    severity: 'error',
    check: 'scope',
    subject: name,
    what: `${branch} has nothing at ${places.join(', ')}`,
    why: 'the manifests of a line stand in its folders and files',
    fix: `add them to ${branch}, or correct the path in tagflow.yaml`,
  };
}

interface Examined {
  readonly environment: Environment;
  readonly findings: readonly Diagnosis[];
  /** The releases whose images have to be there: the one that runs first. */
  readonly releases: readonly ReleaseRecord[];
  /** The number of its newest release, 0 where it has none; undefined where that could not be read. */
  readonly newest?: number;
}

async function examineEnvironment(
  context: PastReading,
  snapshot: Snapshot,
  environment: Environment,
): Promise<Examined> {
  const { name, branch } = environment;
  if (!snapshot.branches.has(branch)) return { environment, findings: [noBranch(environment)], releases: [] };
  const state = await attempt(snapshot.release(environment));
  const past = state.problem ? state : await attempt(readPast(context, snapshot, environment));
  if (past.problem) return { environment, findings: [diagnosisOf(past.problem, 'record', name)], releases: [] };
  const records = past.value.releases.map(({ record }) => record);
  const [current] = records;
  const findings = past.value.unverified.slice(0, 3).map((one) => writtenByHand(name, one));
  if (!current) {
    const empty = await emptyScope(context, snapshot, environment);
    findings.push(
      empty ?? {
        severity: 'info',
        check: 'record',
        subject: name,
        what: 'it has no release yet',
        // What takes from the trunk has no images to take.
        fix: advise`${{ act: 'promote', line: name, version: environment.from === undefined ? 'IMAGE=VERSION' : undefined }}`,
      },
    );
    return { environment, findings, releases: [], newest: 0 };
  }
  findings.push(...holdsOf(name, current), ...configOf(name, current));
  const { kept } = retained(records, environment.retain);
  const releases = records.filter(({ sequence }) => kept.has(sequence));
  const what = `release ${current.sequence}: ${describe(current.images)}; ${releases.length} of ${records.length} releases are retained`;
  findings.push({ severity: 'ok', check: 'record', subject: name, what });
  return { environment, findings, releases, newest: current.sequence };
}

function noBranch({ name, branch }: Environment): Diagnosis {
  return {
    severity: 'error',
    check: 'branch',
    subject: name,
    what: `the remote has no branch ${branch}`,
    fix: advise`create it with: ${{ act: 'create branches' }}, or correct environments.${name}.branch in tagflow.yaml`,
  };
}

function writtenByHand(name: string, { commit, author, problem }: Past['unverified'][number]): Diagnosis {
  return {
    severity: 'warning',
    check: 'record',
    subject: name,
    what: `commit ${commit.slice(0, 7)} by ${author} changed the release record by hand`,
    why: problem,
    fix: advise`only tagflow writes records; look at what came in with it: ${{ act: 'check' }}`,
    details: { commit },
  };
}

function holdsOf(name: string, { held }: ReleaseRecord): readonly Diagnosis[] {
  return held.map(({ release, images, reason }) => ({
    severity: 'info',
    check: 'held',
    subject: name,
    what: `release ${release}${images.length > 0 ? ` (${images.map((image) => `${image.name} ${image.version}`).join(', ')})` : ''} is held: promotions do not put it back`,
    why: reason,
    fix: advise`when it is right again: ${{ act: 'promote', line: name, despite: 'held' }}`,
    details: { release },
  }));
}

function configOf(name: string, { config, sequence }: ReleaseRecord): readonly Diagnosis[] {
  if ('commit' in config) return [];
  return [
    {
      severity: 'warning',
      check: 'record',
      subject: name,
      what: `release ${sequence} was made with a configuration file, not with the trunk’s tagflow.yaml`,
      fix: advise`make the release again with the trunk’s: ${{ act: 'promote', line: name }}`,
    },
  ];
}

interface Gathered extends RepositoryUse {
  readonly needed: Needed[];
  readonly targets: Environment[];
  readonly newest: Map<Environment, number>;
}

/** Every repository that is configured or holds an image of a retained release, with what it is needed for. */
function usesOf(snapshot: Snapshot, examined: readonly Examined[]): readonly RepositoryUse[] {
  const uses = new Map<string, Gathered>();
  const useOf = (repository: Repository): Gathered => {
    const use = uses.get(repository.name) ?? { repository, needed: [], targets: [], newest: new Map() };
    uses.set(repository.name, use);
    return use;
  };
  for (const { environment, releases, newest } of examined) {
    for (const image of environment.images.values()) {
      useOf(image.repository);
      const target = useOf(repositoryIn(environment, image));
      target.targets.push(environment);
      if (newest !== undefined) target.newest.set(environment, newest);
    }
    for (const [index, record] of releases.entries()) {
      for (const image of record.images) {
        const runs = index === 0;
        useOf(parseRepository(image.repository)).needed.push({ environment, record, image, runs });
      }
    }
  }
  return [...uses.values()];
}

function describe(images: readonly ReleaseImage[]): string {
  return images.map(({ name, version }) => `${name} ${version}`).join(', ');
}
