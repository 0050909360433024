// The releases of a line, compared with what they claim: their order, where their configuration came from, the rules they were
// planned by, and what is in their trees.
import pLimit from 'p-limit';
import { CONFIG_FILE, applicationFolders } from '../../config/config.ts';
import { attempt } from '../../model/attempt.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import {
  type Environment,
  flowsInto,
  formerRecordPaths,
  isInScope,
  pinFiles,
  recordPath,
  recordPaths,
  signaturePaths,
} from '../../model/pipeline.ts';
import { sameImages } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { Reading, RecordReading } from '../context.ts';
import type { ReportFinding } from './findings.ts';
import { checkPins } from './release-pins.ts';
import { type Rules, type RulesOf, checkSources } from './sources.ts';
import { type ConfigText, pipelineOf } from '../read/pipeline.ts';
import { lineThen } from '../read/past-rules.ts';
import { namedNow, releaseMadeAt } from '../read/records.ts';
import { type ReleaseEntry, type Trail, releasesOf } from './trail.ts';
import { withoutPins } from './pinned-paths.ts';
import { bringReadable, isKept, isManifestPath } from '../tree/tree.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { readConfigText } from '../read/config-file.ts';

/** Commits whose trees are looked at together. */
const TREES_AT_ONCE = 64;

/** Checks the releases of a line. Resolves to those of their sources that upstream does not have. */
export async function checkReleases(
  context: Pick<Reading, 'ledger' | 'notify' | 'keeper'>,
  snapshot: Snapshot,
  trail: Trail,
  report: ReportFinding,
): Promise<ReadonlySet<ObjectId>> {
  await checkRecords(context, snapshot, trail, report);
  checkSequence(trail, report);
  checkRestored(trail, report);
  const today = await todaysRules(context, snapshot, trail.environment);
  const rules = await readRules(context, snapshot, { trail, today }, report);
  const lost = await checkSources(context, snapshot, { trail, rules }, report);
  await checkContent(context, trail, { lost, rules }, report);
  await checkPins(context, trail, { rules, today }, report);
  return lost;
}

async function checkRecords(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  { environment, entries }: Trail,
  report: ReportFinding,
): Promise<void> {
  const wrong = entries.filter(({ problem }) => problem !== undefined);
  const others = [...snapshot.pipeline.lines.values()].filter(({ name }) => name !== environment.name);
  const paths = others.flatMap(recordPaths);
  await bringReadable(
    context,
    wrong.map(({ commit }) => ({ commit: commit.id, paths })),
  );
  for (const { commit, problem = '', unsigned } of wrong) {
    if (unsigned) {
      report('signature', commit, problem);
      continue;
    }
    let owner: Environment | undefined;
    for (const other of others) if (await releaseMadeAt(context, other, commit)) owner ??= other;
    if (!owner) report('record', commit, problem);
    else if (flowsInto(snapshot.pipeline, owner.name, environment.name)) {
      report('record', commit, `it is a release of ${owner.name}: ${environment.branch} was moved onto it by hand`);
    } else report('direction', commit, `it is a release of ${owner.name}, and commits flow downstream only`);
  }
}

function checkSequence(trail: Trail, report: ReportFinding): void {
  const releases = releasesOf(trail);
  for (const [index, { commit, release }] of releases.entries()) {
    const before = releases[index + 1]?.release.sequence;
    const { sequence } = release;
    if (before === undefined ? !trail.whole || sequence === 1 : sequence === before + 1) continue;
    const missing = sequence - (before ?? 0) - 1;
    report(
      'sequence',
      commit,
      before === undefined
        ? `release ${sequence} is the first that is there: ${missing === 1 ? 'the one' : `${missing}`} before ${missing === 1 ? 'is' : 'are'} missing`
        : missing > 0
          ? `release ${sequence} follows release ${before}: ${missing === 1 ? 'one is' : `${missing} are`} missing in between`
          : `release ${sequence} stands above release ${before}: its number was given before`,
    );
  }
}

/** A rollback brings back what a release below it had. */
function checkRestored(trail: Trail, report: ReportFinding): void {
  const releases = releasesOf(trail);
  for (const [index, { commit, release }] of releases.entries()) {
    const { restored } = release;
    if (!restored) continue;
    const target = releases.slice(index + 1).find((below) => below.commit.id === restored.commit);
    const name = `release ${restored.sequence} (${shortId(restored.commit)})`;
    if (!target) {
      if (trail.whole) report('source', commit, `it says it restored ${name}, which is not a release below it`);
    } else if (target.release.sequence !== restored.sequence) {
      report('source', commit, `it says it restored ${name}, and that commit is release ${target.release.sequence}`);
    } else if (
      !sameImages(namedNow(trail.environment, target.release).images, namedNow(trail.environment, release).images)
    ) {
      report('source', commit, `it says it restored ${name}, and its images are others`);
    }
  }
}

async function todaysRules(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { pipeline, config }: Snapshot,
  environment: Environment,
): Promise<Rules> {
  const text = 'commit' in config ? await readConfigText(ledger, config.commit) : undefined;
  // Where applications are patterns, the text alone does not say which there are.
  const isWhole = text !== undefined && applicationFolders(text).length === 0;
  return { pipeline, environment, ...(isWhole && { text }) };
}

/** The rules of each release: tagflow.yaml of the trunk as it was then. */
async function readRules(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  { trail, today }: { readonly trail: Trail; readonly today: Rules },
  report: ReportFinding,
): Promise<RulesOf> {
  const { ledger } = context;
  const { trunk, config } = snapshot;
  const releases = releasesOf(trail);
  const commits = new Set(releases.flatMap(({ release }) => ('commit' in release.config ? release.config.commit : [])));
  const heads = new Set([trunk.head, ...('commit' in config ? [config.commit] : [])]);
  const places = await placesOnTrunk(context, heads, commits);
  const known = [...places.keys()];
  await ledger.bring(known.map((commit) => ({ commit, paths: [CONFIG_FILE] })));
  const parsed = new Map<string, Rules>();
  const rules = new Map<ObjectId, Rules>();
  // Where tagflow.yaml is as it was, a release's rules are today's.
  if (today.text !== undefined) parsed.set(today.text, today);
  for (const id of known) {
    const content = await readConfigText(ledger, id);
    const text = content ?? '';
    // Where applications are patterns, the commit beside the text says which there are.
    const key = applicationFolders(text).length > 0 ? `${id} ${text}` : text;
    const at = { text, file: CONFIG_FILE, commit: id, defaultBranch: trunk.branch };
    const found =
      parsed.get(key) ?? (content === undefined ? undefined : await rulesOf(context, at, trail.environment)) ?? today;
    parsed.set(key, found);
    rules.set(id, found);
  }
  reportForeignRules(releases, rules, report);
  const governing = notOlder(releases, places, report);
  return ({ release }) => rules.get(governing.get(release.sequence) ?? trunk.head) ?? today;
}

/** Places of commits on the trunk, the newest first. What was only merged into it was never on the trunk itself. */
async function placesOnTrunk(
  { ledger }: Pick<RecordReading, 'ledger'>,
  heads: Iterable<ObjectId>,
  commits: ReadonlySet<ObjectId>,
): Promise<ReadonlyMap<ObjectId, number>> {
  const places = new Map<ObjectId, number>();
  for (const head of heads) {
    for (const [place, id] of (await ledger.firstParents(head)).entries()) {
      if (commits.has(id) && !places.has(id)) places.set(id, place);
    }
  }
  return places;
}

/** Reports releases that were not planned by a tagflow.yaml of the trunk. */
function reportForeignRules(
  releases: readonly ReleaseEntry[],
  rules: ReadonlyMap<ObjectId, unknown>,
  report: ReportFinding,
): void {
  for (const { commit, release } of releases) {
    if ('file' in release.config) {
      report('rules', commit, 'it was planned by a configuration file, not by tagflow.yaml of the trunk');
    } else if (!rules.has(release.config.commit)) {
      report(
        'rules',
        commit,
        `it was planned by tagflow.yaml at ${shortId(release.config.commit)}, which is not on the trunk`,
      );
    }
  }
}

/**
 * The commit whose rules govern each release, by its number: its own, unless that is older than the one of a release below it.
 * A forged release would choose the rules it is judged by otherwise.
 */
function notOlder(
  releases: readonly ReleaseEntry[],
  places: ReadonlyMap<ObjectId, number>,
  report: ReportFinding,
): ReadonlyMap<number, ObjectId> {
  const governing = new Map<number, ObjectId>();
  let newest: ObjectId | undefined;
  for (const { commit, release } of releases.toReversed()) {
    const own = 'commit' in release.config ? release.config.commit : undefined;
    const [place, before] = [own && places.get(own), newest && places.get(newest)];
    if (own !== undefined && place !== undefined) {
      if (newest !== undefined && before !== undefined && place > before) {
        const older = `tagflow.yaml at ${shortId(own)}, which is older than that of the release below (${shortId(newest)})`;
        report('rules', commit, `it was planned by ${older}`);
      } else newest = own;
    }
    const rules = place === undefined ? undefined : newest;
    if (rules !== undefined) governing.set(release.sequence, rules);
  }
  return governing;
}

async function rulesOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  at: ConfigText,
  line: Environment,
): Promise<Rules | undefined> {
  const { value: pipeline } = await attempt(pipelineOf(ledger, at));
  const environment = pipeline && lineThen(pipeline, line);
  // Where applications are patterns, the text alone does not say which there are.
  const isWhole = applicationFolders(at.text).length === 0;
  return pipeline && environment && { pipeline, environment, ...(isWhole && { text: at.text }) };
}

/** A release's tree is its source's, or that of the release it restores, but for pins, the record and what the branch keeps. */
async function checkContent(
  context: Pick<RecordReading, 'ledger'>,
  trail: Trail,
  { lost, rules }: { readonly lost: ReadonlySet<ObjectId>; readonly rules: RulesOf },
  report: ReportFinding,
): Promise<void> {
  const ids = new Set(trail.entries.map(({ commit }) => commit.id));
  await pLimit(TREES_AT_ONCE).map(releasesOf(trail), async (entry) => {
    const { commit, release } = entry;
    const { restored, source } = release;
    const [base] = commit.parents;
    const from =
      restored?.imagesOnly === true || release.action === 'import' ? base : (restored?.commit ?? source.commit);
    // Without it there is nothing to compare with, and that has been reported.
    if (from === undefined) return;
    if (restored ? from !== base && !ids.has(from) : lost.has(from)) return;
    const { environment } = rules(entry);
    if (environment.carries === 'tree') await checkTree(context, trail, { entry, from, rules: rules(entry) }, report);
    else await checkScope(context, entry, rules(entry), report);
  });
}

/** What a release's tree is compared with. */
interface Compared {
  readonly entry: ReleaseEntry;
  readonly from: ObjectId;
  readonly rules: Rules;
}

/** A release that carries a tree differs from it in its manifests, its record and what the branch keeps. */
async function checkTree(
  context: Pick<RecordReading, 'ledger'>,
  trail: Trail,
  { entry, from, rules }: Compared,
  report: ReportFinding,
): Promise<void> {
  const {
    commit,
    release: { restored, source },
  } = entry;
  const { environment } = rules;
  const pinned = new Set(pinFiles(environment.pins));
  const own = trail.environment;
  const records = new Set([...recordPaths(own), ...signaturePaths(own), ...formerRecordPaths(environment)]);
  const mayDiffer = (path: string): boolean =>
    records.has(path) ||
    pinned.has(path) ||
    (isInScope(environment.scope, path) && isManifestPath(path)) ||
    isKept(environment, path);
  const { value: changed, problem } = await attempt(context.ledger.changedPaths(from, commit.id), 'tree-unsafe');
  if (problem) {
    report('content', commit, `its tree is not read: ${problem.message}`);
    return;
  }
  const differing = changed.filter((path) => !mayDiffer(path));
  const strange = await withoutPins(context, rules, commit.id, differing);
  if (strange.length === 0) return;
  const origin =
    restored?.imagesOnly === true ? 'the commit before' : restored ? `release ${restored.sequence}` : source.branch;
  report(
    'content',
    commit,
    `${someOf(strange)} ${strange.length === 1 ? 'is' : 'are'} not as ${origin} had ${strange.length === 1 ? 'it' : 'them'} (${shortId(from)})`,
  );
}

/** A release of a line changes its scope and its record, and what other lines' releases in the same commit change. */
async function checkScope(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { commit }: ReleaseEntry,
  { pipeline, environment }: Rules,
  report: ReportFinding,
): Promise<void> {
  const [base] = commit.parents;
  if (base === undefined) return;
  const changed = await ledger.changedPaths(base, commit.id);
  const together = [...pipeline.lines.values()].filter(
    (line) => line.name === environment.name || changed.includes(recordPath(line)),
  );
  const owned = (path: string): boolean =>
    together.some(
      (line) => recordPaths(line).includes(path) || signaturePaths(line).includes(path) || isInScope(line.scope, path),
    );
  const strange = changed.filter((path) => !owned(path));
  if (strange.length === 0) return;
  const verb = strange.length === 1 ? 'is' : 'are';
  report('content', commit, `${someOf(strange)} ${verb} changed with it, and ${verb} outside of its scope`);
}

function someOf(paths: readonly string[]): string {
  const shown = paths
    .slice(0, 3)
    .map((path) => plain(path, 200))
    .join(', ');
  return paths.length > 3 ? `${shown} and ${paths.length - 3} more` : shown;
}
