// What manifests say at each commit of a line, compared with the release at that commit, under the tagflow.yaml that the release
// was planned with, and by today's where files moved since.
import pLimit from 'p-limit';
import type { Commit, TreeEntry } from '../../ledger/ledger.ts';
import { ParsedFiles, sharedValuesOf } from '../../manifests/manifests.ts';
import { attempt } from '../../model/attempt.ts';
import { digestOf } from '../../model/digest.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { formerRecordPaths, pinFiles } from '../../model/pipeline.ts';
import type { PastReading } from '../context.ts';
import { namedNow } from '../read/records.ts';
import { branchCheck } from '../status.ts';
import { type Pinned, readPinned } from '../tree/pins.ts';
import { bringReadable, manifestPaths, mayHoldPins } from '../tree/tree.ts';
import type { ReportFinding } from './findings.ts';
import type { Rules, RulesOf } from './sources.ts';
import type { ReleaseEntry, Trail, TrailEntry } from './trail.ts';

/** That many commits' manifests come in one request, at most. */
const AT_ONCE = 500;

/** Files of which content is held at once; one commit may have more. */
const FILES_AT_ONCE = 20_000;

/** Files that commits made by hand may list together, and bytes that are parsed of them: a second and a half each, about. */
const MOST_BY_HAND = { files: 100_000, bytes: 4 * 2 ** 20 } as const;

/** Commits whose trees are looked at together. */
const TREES_AT_ONCE = 64;

/** Checks that manifests name the images of the release that each commit has. */
export async function checkPins(
  context: Pick<PastReading, 'ledger' | 'keeper'>,
  trail: Trail,
  { rules, today }: { readonly rules: RulesOf; readonly today: Rules },
  report: ReportFinding,
): Promise<void> {
  const governed = governedBy(trail, rules);
  const read = new PinsOfCommits(context);
  await read.readAll(governed);
  const differing = governed.filter((one) => differencesOf(read.of(one.id), one.release, one.rules) !== '');
  // Files that moved since the release are where today's configuration says.
  const moved = new PinsOfCommits(context);
  await moved.readAll(differing.filter((one) => one.rules !== today).map((one) => ({ ...one, rules: today })));
  let told = '';
  let last: ReleaseEntry | undefined;
  for (const { id, commit, release, rules: own } of governed) {
    if (release !== last) [last, told] = [release, ''];
    if (!read.of(id)) continue;
    const differences = differencesOf(read.of(id), release, own);
    const isMoved =
      differences !== '' &&
      own !== today &&
      release.commit.id !== id &&
      differencesOf(moved.of(id), inToday(release, today), today) === '';
    // A commit that leaves wrong pins as they were did not make them wrong.
    if (differences !== '' && !isMoved && differences !== told)
      report('pins', commit, differencesOf(read.of(id), release, own, true));
    told = isMoved ? '' : differences;
  }
  const [newest, ...older] = read.unread;
  if (newest) report('pins', newest, unreadWords(older.length));
}

function unreadWords(older: number): string {
  const others =
    older === 0 ? '' : `, nor are those of ${older} older ${older === 1 ? 'commit' : 'commits'} made by hand`;
  return `its manifests are not read${others}: those of commits made by hand are too many, or too large together`;
}

/** A release as today's configuration calls what is in it. */
function inToday(entry: ReleaseEntry, { environment }: Rules): ReleaseEntry {
  return { ...entry, release: namedNow(environment, entry.release) };
}

/** What manifests say otherwise than a release. `places`: with file and line, which move while what is said stays. */
function differencesOf(
  pinned: Pinned | undefined,
  { release }: ReleaseEntry,
  { environment }: Rules,
  places = false,
): string {
  if (!pinned) return '';
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

/**
 * The pins of commits, read from the newest commit to the oldest. Commits with the same manifests are read once, content of many
 * commits comes in one request, and what is held at once is bounded by the files that it lists.
 */
class PinsOfCommits {
  readonly #context: Pick<PastReading, 'ledger' | 'keeper'>;
  readonly #numbers = new Map<Rules, number>();
  readonly #scopes = new Map<string, Listed>();
  readonly #keys = new Map<ObjectId, string>();
  readonly #pins = new Map<string, Pinned>();
  readonly #open = new Map<string, Wanted>();
  #files = 0;
  #filesByHand = 0;
  #bytesByHand = 0;
  /** Commits made by hand that are not read, the newest first. */
  readonly unread: Commit[] = [];

  constructor(context: Pick<PastReading, 'ledger' | 'keeper'>) {
    this.#context = context;
  }

  /** The pins of a commit; undefined where it is not read. */
  of(id: ObjectId): Pinned | undefined {
    return this.#pins.get(this.#keys.get(id) ?? '');
  }

  async readAll(governed: readonly Governed[]): Promise<void> {
    for (const one of governed.toReversed()) {
      const { value: manifests, problem } = await attempt(this.#list(one), 'tree-unsafe');
      if (manifests) await this.#take(one, manifests);
      else if (problem) this.#set(one.id, one.id, problem);
      else this.unread.push(one.commit);
    }
    await this.#readOpen();
  }

  #set(id: ObjectId, key: string, pinned: Pinned): void {
    this.#keys.set(id, key);
    this.#pins.set(key, pinned);
  }

  /** The files that may hold pins, and those that lie beside the folder and are shared; undefined where too much was listed. */
  async #list(one: Governed): Promise<Manifests | undefined> {
    const scope = await this.#listScope(one);
    if (!scope) return undefined;
    const beside = await this.#listPlaces(one.id, scope.shared);
    return { digest: digestOf([scope.digest, ...beside.map(lineOf)].join('\n')), files: scope.files + beside.length };
  }

  /** What a scope lists: once for all commits that have the same one. */
  async #listScope(one: Governed): Promise<Listed | undefined> {
    const { id, rules } = one;
    const { environment } = rules;
    const { folders, files: single } = environment.scope;
    const places = [...folders, ...single, ...pinFiles(environment.pins)];
    const { ledger } = this.#context;
    const tree = await ledger.treeId(id, [], places.includes('') ? undefined : places);
    const key = `${this.#numberOf(rules)} ${tree}`;
    const known = this.#scopes.get(key);
    if (known) return known;
    if (!isMade(one) && this.#filesByHand >= MOST_BY_HAND.files) return undefined;
    const listed = await this.#listPlaces(id, places);
    if (!isMade(one)) this.#filesByHand += listed.length;
    const former = formerRecordPaths(environment);
    const own = listed.filter(({ path }) => (mayHoldPins(path) || places.includes(path)) && !former.includes(path));
    // What values share may lie beside the folder.
    const paths = new Set(own.map(({ path }) => path));
    const shared = [...new Set(own.flatMap(({ path }) => sharedValuesOf(path)))].filter((path) => !paths.has(path));
    const scope = { digest: digestOf(own.map(lineOf).join('\n')), files: own.length, shared };
    this.#scopes.set(key, scope);
    return scope;
  }

  async #listPlaces(id: ObjectId, paths: readonly string[]): Promise<readonly TreeEntry[]> {
    return (await Promise.all(paths.map(async (path) => this.#context.ledger.listFiles(id, path)))).flat();
  }

  #numberOf(rules: Rules): number {
    const number = this.#numbers.get(rules) ?? this.#numbers.size;
    this.#numbers.set(rules, number);
    return number;
  }

  /** Takes the pins from an earlier run or commit, or puts the commit among those that are to be read. */
  async #take(one: Governed, { digest, files }: Manifests): Promise<void> {
    const { id, rules } = one;
    const key = `${this.#numberOf(rules)} ${digest}`;
    this.#keys.set(id, key);
    if (this.#pins.has(key) || this.#open.has(key)) return;
    const { text, environment } = rules;
    const fact = text === undefined ? undefined : digestOf(`${environment.name}\n${text}\n${digest}`);
    const facts = await this.#context.keeper?.facts('pins');
    const kept = fact === undefined ? undefined : facts?.known.get(fact);
    if (kept) {
      this.#pins.set(key, kept as Pinned);
      return;
    }
    this.#open.set(key, { key, fact, ...one });
    this.#files += files;
    if (this.#open.size >= AT_ONCE || this.#files >= FILES_AT_ONCE) await this.#readOpen();
  }

  async #readOpen(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#files = 0;
    const wanted = open.map(async ({ id, rules }) => ({
      commit: id,
      paths: await manifestPaths(this.#context, rules.environment, id),
    }));
    await bringReadable(this.#context, await Promise.all(wanted));
    const [made, byHand] = [open.filter(isMade), open.filter((one) => !isMade(one))];
    await pLimit(TREES_AT_ONCE).map(made, async (one) => this.#read(one));
    // One after the other: what each costs is known behind it.
    for (const one of byHand) {
      if (this.#bytesByHand < MOST_BY_HAND.bytes) this.#bytesByHand += await this.#read(one);
      else this.unread.push(one.commit);
    }
  }

  /** Reads the pins of a commit. Resolves to how much was parsed for that. */
  async #read({ key, id, rules, fact }: Wanted): Promise<number> {
    const parsed = new ParsedFiles();
    const pinned = await readPinned(this.#context, { ...rules, parsed }, id);
    this.#pins.set(key, pinned);
    const facts = await this.#context.keeper?.facts('pins');
    if (fact !== undefined && !(pinned instanceof Error)) facts?.learn(fact, pinned);
    return parsed.bytes;
  }
}

/** Whether a commit is the release that it has, and not one made by hand above it. */
function isMade({ id, release }: Governed): boolean {
  return release.commit.id === id;
}

/** A file that may hold pins, as what it is known by. */
function lineOf({ path, id, mode }: TreeEntry): string {
  return `${path} ${id} ${mode}`;
}

/** What a scope lists. */
interface Listed extends Manifests {
  /** Files beside it that its values share. */
  readonly shared: readonly string[];
}

/** Files that may hold pins: what they are known by, and how many they are. */
interface Manifests {
  readonly digest: string;
  readonly files: number;
}

/** Manifests that are to be read. */
interface Wanted extends Governed {
  readonly key: string;
  /** What their pins are kept under; undefined where they are not. */
  readonly fact: string | undefined;
}

function isReleaseEntry(entry: TrailEntry): entry is ReleaseEntry {
  return entry.release !== undefined;
}
