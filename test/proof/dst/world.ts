// The world of a simulation: a Git remote and a registry with their whole past, so that replicas can answer from it.
import type { Heads } from '../../../src/ledger/ledger.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { Instant } from '../../../src/model/effects.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import type { Environment } from '../../../src/model/pipeline.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';
import { type MemoryRemote, createMemoryRemote } from '../../support/memory-ledger.ts';
import { IMAGE_NAMES } from './images.ts';
import type { Rewind, TagObservation } from '../checker/history.ts';

/** A moment's branches. */
interface Seen {
  readonly at: Instant;
  readonly branches: ReadonlyMap<BranchName, ObjectId>;
}

/** What a tag named from a moment on. */
interface Named {
  readonly at: Instant;
  readonly digest: Digest;
}

/** A rewind before the history's commits are read. */
export type RewoundBranch = Omit<Rewind, 'dropped'> & { readonly branch: BranchName };

/** A record that hands wrote, or took away. */
export interface Forged {
  readonly line: Environment;
  /** What was forged before is gone with it. */
  readonly isMended?: true;
  /** What the record would have to name to be the next release. */
  readonly previous: ReleaseRecord['previous'];
}

/** Where a simulation begins; it is never changed. */
export interface StartingPoint {
  readonly remote: MemoryRemote;
  /** By `repository:tag`. */
  readonly tags: ReadonlyMap<string, Digest>;
  /** `repository@digest`. */
  readonly images: ReadonlySet<string>;
}

/** Everything outside the processes. */
export class World {
  readonly remote: MemoryRemote;
  readonly images: Set<string>;
  /** Every change of a tag, in order. */
  readonly writes: TagObservation[] = [];
  readonly rewinds: RewoundBranch[] = [];
  /** Commits by which hands took what upstream had, without merging it. */
  readonly squashes = new Set<ObjectId>();
  /** Commits by which hands wrote, changed or removed the record of a line. */
  readonly forged = new Map<ObjectId, Forged>();
  readonly journal = 'tagflow-journal' as BranchName;
  /** Heads of the journal that hands put there. */
  readonly journalByHand = new Set<ObjectId | undefined>();
  /** Commits whose push arrived when nobody waited for it any more. */
  readonly late = new Set<ObjectId>();
  readonly #tags: Map<string, readonly Named[]>;
  readonly #heads: Seen[];
  readonly #now: () => Instant;
  readonly #names = new Map<string, string>();

  constructor(start: StartingPoint, now: () => Instant) {
    this.#now = now;
    this.remote = createMemoryRemote({ copyOf: start.remote });
    this.images = new Set(start.images);
    this.#tags = new Map([...start.tags].map(([key, digest]) => [key, [{ at: 0, digest }]]));
    this.#heads = [{ at: 0, branches: new Map(start.remote.branches) }];
  }

  /** A name for a commit or an image that is the same in every run of a seed, whatever its bytes. */
  nameOf(id: string | undefined): string {
    if (id === undefined) return 'nothing';
    const name = this.#names.get(id) ?? IMAGE_NAMES.get(id) ?? `c${this.#names.size + 1}`;
    this.#names.set(id, name);
    return name;
  }

  /** To be called after each change of a branch. */
  moved(): void {
    this.#heads.push({ at: this.#now(), branches: new Map(this.remote.branches) });
  }

  /** The remote's heads at a moment. */
  headsAt(moment: Instant): Heads {
    const seen = this.#heads.findLast(({ at }) => at <= moment) ?? this.#heads[0];
    return { trunk: this.remote.trunk, branches: new Map(seen?.branches) };
  }

  /** Every head that a branch had, in order. */
  headsOf(branch: BranchName): readonly { readonly at: Instant; readonly id: ObjectId }[] {
    const seen: { at: Instant; id: ObjectId }[] = [];
    for (const { at, branches } of this.#heads) {
      const id = branches.get(branch);
      if (id !== undefined && seen.at(-1)?.id !== id) seen.push({ at, id });
    }
    return seen;
  }

  /** What the branches were when a commit first was the head of one of them. */
  when(branch: BranchName, id: ObjectId): ReadonlyMap<BranchName, ObjectId> | undefined {
    return this.#heads.find(({ branches }) => branches.get(branch) === id)?.branches;
  }

  tagAt(repository: string, tag: string, moment: Instant): Digest | undefined {
    return this.#tags.get(`${repository}:${tag}`)?.findLast(({ at }) => at <= moment)?.digest;
  }

  put(repository: string, tag: string, digest: Digest): void {
    const key = `${repository}:${tag}`;
    this.#tags.set(key, [...(this.#tags.get(key) ?? []), { at: this.#now(), digest }]);
    this.writes.push({ at: this.#now(), repository, tag, digest });
  }

  /** Every tag now. */
  tags(): readonly { readonly repository: string; readonly tag: string; readonly digest: Digest }[] {
    return [...this.#tags].flatMap(([key, named]) => {
      const [repository, tag] = splitKey(key);
      const digest = named.at(-1)?.digest;
      return digest === undefined ? [] : [{ repository, tag, digest }];
    });
  }

  /** The tags of a repository. */
  tagsIn(repository: string): readonly string[] {
    return this.tags().flatMap((each) => (each.repository === repository ? [each.tag] : []));
  }
}

/** `registry.example.org/shop/app:prd` in its two parts. */
function splitKey(key: string): readonly [string, string] {
  const colon = key.lastIndexOf(':');
  return [key.slice(0, colon), key.slice(colon + 1)];
}
