// An index of histories: where files changed below a head, and which trees edits make. Each entry is a fact about objects
// that never change, found by reading them once; a head that is not known is one from which a known one is looked for.
import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { ObjectId } from '../../model/object-id.ts';
import { type FactKeeper, type KeptFacts, enoughToStore } from '../../model/kept-facts.ts';
import type { FileStep } from '../ledger.ts';
import type { PastStore } from './past-store.ts';
import { seal, unseal } from './seal.ts';

/** Facts about some files below a head; undefined if nobody has asked for them yet. */
export interface KnownPast {
  readonly head: ObjectId;
  /** As `walk` gives them, all of them. */
  readonly steps?: readonly FileStep[] | undefined;
  /** As `walkAside` gives them. */
  readonly aside?: readonly FileStep[] | undefined;
  /** Every commit that the head reaches, unless they are too many to be kept. */
  readonly reached?: ReadonlySet<ObjectId> | undefined;
}

/** Heads of which a history of the same files is kept: those of one repository that are read one after the other. */
const MOST_HEADS = 4;
/** Releases of a line whose past is kept: a shorter one is read in some milliseconds. */
const LEAST_RELEASES = 100;
/** Part of each name: what is written by another version of this file, or by a Node that spells values differently, is not found. */
const FORMAT = `1 ${process.versions.v8}`;

/** Facts of one repository, in a store that several processes may share. */
export class PastIndex implements FactKeeper {
  readonly #store: PastStore;
  readonly #key: Uint8Array;
  readonly #repository: string;
  readonly leastReleases: number;
  readonly #pasts = new Map<string, Promise<Entry>>();
  readonly #facts = new Map<string, Promise<StoredFacts>>();
  #any: Promise<boolean> | undefined;

  /** `key`: seals what is stored. `repository`: whose facts are kept together, by its URL. */
  constructor(store: PastStore, key: Uint8Array, repository: string, leastReleases = LEAST_RELEASES) {
    this.#store = store;
    this.#key = key;
    this.#repository = repository;
    this.leastReleases = leastReleases;
  }

  /** Whether anything is known of the repository. */
  async isFilled(): Promise<boolean> {
    this.#any ??= this.#read('any').then((value) => value === true);
    return this.#any;
  }

  /** Facts about files below heads, newest first. */
  async pasts(paths: readonly string[]): Promise<readonly KnownPast[]> {
    return (await this.#entry(paths)).known;
  }

  /** Adds facts about files below a head to those that are already stored. */
  async learn(paths: readonly string[], past: KnownPast): Promise<void> {
    const entry = await this.#entry(paths);
    const before = entry.known.find(({ head }) => head === past.head);
    const others = entry.known.filter((one) => one !== before);
    entry.known = [{ ...before, ...past }, ...others].slice(0, MOST_HEADS);
  }

  async facts(kind: string): Promise<KeptFacts> {
    return this.#factsOf(kind);
  }

  async store(kind: string): Promise<void> {
    const facts = await this.#factsOf(kind);
    await this.#write(`facts ${kind}`, facts.known);
    facts.wereStored();
  }

  /** Stores what was learnt, where that is worth it. */
  async save(): Promise<void> {
    const changed: (readonly [string, unknown])[] = [];
    for (const [name, entry] of this.#pasts) {
      const { known, stored } = await entry;
      if (isWorthwhile(known, stored)) changed.push([name, known]);
    }
    for (const [kind, entry] of this.#facts) {
      const facts = await entry;
      if (facts.isWorthwhile) changed.push([`facts ${kind}`, facts.known]);
    }
    if (changed.length > 0 && !(await this.isFilled())) changed.push(['any', true]);
    for (const [name, value] of changed) await this.#write(name, value);
  }

  async #write(name: string, value: unknown): Promise<void> {
    const place = this.#nameOf(name);
    await this.#store.write(place, seal(this.#key, place, serialize(value)));
  }

  async #entry(paths: readonly string[]): Promise<Entry> {
    const name = `past ${JSON.stringify(paths)}`;
    const entry =
      this.#pasts.get(name) ??
      this.#read(name).then((known) => {
        const stored = (known ?? []) as readonly KnownPast[];
        return { known: stored, stored };
      });
    this.#pasts.set(name, entry);
    return entry;
  }

  async #factsOf(kind: string): Promise<StoredFacts> {
    const facts =
      this.#facts.get(kind) ??
      this.#read(`facts ${kind}`).then((known) => new StoredFacts((known ?? new Map()) as Map<string, unknown>));
    this.#facts.set(kind, facts);
    return facts;
  }

  /** A value that was stored sealed; undefined for anything else. */
  async #read(name: string): Promise<unknown> {
    const place = this.#nameOf(name);
    const stored = await this.#store.read(place);
    const content = stored && unseal(this.#key, place, stored);
    return content && (deserialize(content) as unknown);
  }

  /** The name in the store, which reveals nothing about the content. */
  #nameOf(name: string): string {
    return createHash('sha256').update(`${FORMAT}\0${this.#repository}\0${name}`).digest('hex');
  }
}

interface Entry {
  known: readonly KnownPast[];
  readonly stored: readonly KnownPast[];
}

class StoredFacts implements KeptFacts {
  readonly known: Map<string, unknown>;
  #added = 0;

  constructor(known: Map<string, unknown>) {
    this.known = known;
  }

  learn(key: string, value: unknown): void {
    this.known.set(key, value);
    this.#added += 1;
  }

  wereStored(): void {
    this.#added = 0;
  }

  /** Whether storing them saves work. */
  get isWorthwhile(): boolean {
    const { size } = this.known;
    return this.#added > 0 && (this.#added === size || this.#added >= enoughToStore(size));
  }
}

/** Whether more is known of a head than of the one that was stored last, enough that storing it saves work. */
function isWorthwhile([now]: readonly KnownPast[], [before]: readonly KnownPast[]): boolean {
  if (!now || now.head === before?.head) return now !== undefined && now.aside !== undefined && !before?.aside;
  const steps = now.steps?.length ?? 0;
  const added = Math.abs(steps - (before?.steps?.length ?? 0));
  return before === undefined || (now.aside && !before.aside) || added >= enoughToStore(steps);
}
