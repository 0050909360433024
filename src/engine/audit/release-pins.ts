// What manifests say at each commit of a line, held against the release that the commit has: by the tagflow.yaml that the release
// was planned with, and by today's where files moved since.
import pLimit from 'p-limit';
import type { Commit, TreeEntry } from '../../ledger/ledger.ts';
import { sharedValuesOf } from '../../manifests/manifests.ts';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import { digestOf } from '../../model/digest.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { formerRecordPaths, pinFiles } from '../../model/pipeline.ts';
import type { PastReading } from '../context.ts';
import { namedNow } from '../read/records.ts';
import { branchCheck } from '../status.ts';
import { type Pinned, readPinned } from '../tree/pins.ts';
import { bringReadable, manifestPaths, mayHoldPins } from '../tree/tree.ts';
import type { Report } from './findings.ts';
import type { Rules, RulesOf } from './sources.ts';
import type { ReleaseEntry, Trail, TrailEntry } from './trail.ts';

/** That many commits' manifests come in one request, at most. */
const AT_ONCE = 500;

/** Commits whose trees are looked at together. */
const TREES_AT_ONCE = 64;

/** Checks that manifests name the images of the release that each commit has. */
export async function checkPins(
  context: Pick<PastReading, 'ledger' | 'keeper'>,
  trail: Trail,
  { rules, today }: { readonly rules: RulesOf; readonly today: Rules },
  report: Report,
): Promise<void> {
  const governed = governedBy(trail, rules);
  const read = await readAllPins(context, governed);
  const differing = governed.filter((one) => differencesOf(read(one.id), one.release, one.rules) !== '');
  // Files that moved since the release are where today's configuration says.
  const moved = await readAllPins(
    context,
    differing.filter((one) => one.rules !== today).map((one) => ({ ...one, rules: today })),
  );
  let told = '';
  let last: ReleaseEntry | undefined;
  for (const { id, commit, release, rules: own } of governed) {
    if (release !== last) [last, told] = [release, ''];
    const differences = differencesOf(read(id), release, own);
    const isMoved =
      differences !== '' &&
      own !== today &&
      release.commit.id !== id &&
      differencesOf(moved(id), inToday(release, today), today) === '';
    // A commit that leaves wrong pins as they were did not make them wrong.
    if (differences !== '' && !isMoved && differences !== told)
      report('pins', commit, differencesOf(read(id), release, own, true));
    told = isMoved ? '' : differences;
  }
}

/** A release as today's configuration calls what is in it. */
function inToday(entry: ReleaseEntry, { environment }: Rules): ReleaseEntry {
  return { ...entry, release: namedNow(environment, entry.release) };
}

/** What manifests say otherwise than a release. `places`: with file and line, which move while what is said stays. */
function differencesOf(pinned: Pinned, { release }: ReleaseEntry, { environment }: Rules, places = false): string {
  if (pinned instanceof Error) {
    return `its manifests cannot be read: ${pinned.message}${pinned.why === undefined ? '' : `: ${pinned.why}`}`;
  }
  const wrong = release.images.flatMap((image) => {
    const check = environment.images.has(image.name)
      ? branchCheck(pinned, image, environment, release.action)
      : undefined;
    if (check?.state !== 'drift') return [];
    const place = check.place === undefined || !places ? '' : ` (${check.place})`;
    return [`${image.name} is ${saidOf(check.found)}, not ${image.digest}${place}`];
  });
  return wrong.length === 0
    ? ''
    : `its manifests differ from the record of release ${release.sequence}: ${wrong.join('; ')}`;
}

function saidOf(found: string | undefined): string {
  if (found === undefined) return 'not pinned by its digest';
  return /@|^sha(?:256|512):/.test(found) ? found : `${found}, not pinned by its digest`;
}

/** A commit that has a release, and the rules of that. */
interface Governed {
  readonly id: ObjectId;
  readonly commit: Commit;
  readonly release: ReleaseEntry;
  readonly rules: Rules;
}

/** The commits that have a release, the oldest first. */
function governedBy(trail: Trail, rules: RulesOf): readonly Governed[] {
  const governed: Governed[] = [];
  let release: ReleaseEntry | undefined;
  for (const entry of trail.entries.toReversed()) {
    if (isReleaseEntry(entry)) release = entry;
    if (release) governed.push({ id: entry.commit.id, commit: entry.commit, release, rules: rules(release) });
  }
  return governed;
}

/** A commit, and the files of it that may hold pins. */
interface Listed {
  readonly id: ObjectId;
  readonly rules: Rules;
  /** Each as its path, id and mode; the error where its tree is not read. */
  readonly manifests: readonly string[] | TagflowError;
}

/** The files that may hold pins at each commit. */
async function listManifests(
  { ledger }: Pick<PastReading, 'ledger' | 'keeper'>,
  governed: readonly Governed[],
): Promise<readonly Listed[]> {
  return pLimit(TREES_AT_ONCE).map(governed, async ({ id, rules }) => {
    const { environment } = rules;
    const { folders, files: single } = environment.scope;
    const places = [...folders, ...single, ...pinFiles(environment.pins)];
    const listAll = async (paths: readonly string[]): Promise<readonly TreeEntry[]> =>
      (await Promise.all(paths.map(async (path) => ledger.listFiles(id, path)))).flat();
    const { value: listed, problem } = await attempt(listAll(places), 'tree-unsafe');
    if (problem) return { id, rules, manifests: problem };
    const own = listed.filter(
      ({ path }) => (mayHoldPins(path) || places.includes(path)) && !formerRecordPaths(environment).includes(path),
    );
    // What values share may lie beside the folder.
    const paths = new Set(own.map(({ path }) => path));
    const shared = new Set(own.flatMap(({ path }) => sharedValuesOf(path)).filter((path) => !paths.has(path)));
    const beside = await attempt(listAll([...shared]), 'tree-unsafe');
    if (beside.problem) return { id, rules, manifests: beside.problem };
    return { id, rules, manifests: [...own, ...beside.value].map(({ path, id, mode }) => `${path} ${id} ${mode}`) };
  });
}

/** The pins at each commit. Commits with the same manifests are read once, and the content of many comes in one request. */
async function readAllPins(
  context: Pick<PastReading, 'ledger' | 'keeper'>,
  governed: readonly Governed[],
): Promise<(id: ObjectId) => Pinned> {
  const keys = new Map<ObjectId, string>();
  const distinct = new Map<string, { readonly commit: ObjectId; readonly rules: Rules }>();
  const numbers = new Map<Rules, number>();
  /** Commits whose trees are not read. */
  const refused = new Map<ObjectId, TagflowError>();
  for (const { id, rules, manifests } of await listManifests(context, governed)) {
    if (manifests instanceof TagflowError) {
      refused.set(id, manifests);
      continue;
    }
    numbers.set(rules, numbers.get(rules) ?? numbers.size);
    const key = [numbers.get(rules), ...manifests].join('\n');
    keys.set(id, key);
    if (!distinct.has(key)) distinct.set(key, { commit: id, rules });
  }
  const pins = await readKept(context, distinct);
  return (id) => refused.get(id) ?? pins.get(keys.get(id) ?? '') ?? new Map();
}

/** The pins of commits by key, those that were read in an earlier run from there. */
async function readKept(
  context: Pick<PastReading, 'ledger' | 'keeper'>,
  distinct: ReadonlyMap<string, { readonly commit: ObjectId; readonly rules: Rules }>,
): Promise<ReadonlyMap<string, Pinned>> {
  const pins = new Map<string, Pinned>();
  const facts = await context.keeper?.facts('pins');
  const open: Wanted[] = [];
  for (const [key, { commit, rules }] of distinct) {
    // Of the key all but the number of the rules, which is one of this run.
    const fact =
      rules.text === undefined
        ? undefined
        : digestOf(`${rules.environment.name}\n${rules.text}\n${key.slice(key.indexOf('\n') + 1)}`);
    const known = fact === undefined ? undefined : facts?.known.get(fact);
    if (known) pins.set(key, known as Pinned);
    else open.push({ key, commit, rules, fact });
  }
  for (let at = 0; at < open.length; at += AT_ONCE) {
    const some = open.slice(at, at + AT_ONCE);
    const wanted = some.map(async ({ commit, rules }) => ({
      commit,
      paths: await manifestPaths(context, rules.environment, commit),
    }));
    await bringReadable(context, await Promise.all(wanted));
    await pLimit(TREES_AT_ONCE).map(some, async ({ key, commit, rules, fact }) => {
      const pinned = await readPinned(context, rules.pipeline, rules.environment, commit);
      pins.set(key, pinned);
      if (fact !== undefined && !(pinned instanceof Error)) facts?.learn(fact, pinned);
    });
  }
  return pins;
}

/** Manifests that are to be read. */
interface Wanted {
  readonly key: string;
  readonly commit: ObjectId;
  readonly rules: Rules;
  /** What their pins are kept under; undefined where they are not. */
  readonly fact: string | undefined;
}

function isReleaseEntry(entry: TrailEntry): entry is ReleaseEntry {
  return entry.release !== undefined;
}
