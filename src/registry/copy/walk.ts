// What an image consists of, and how much of it a target has: every manifest below its digest, children first.
import pLimit from 'p-limit';
import type { Digest } from '../../model/digest.ts';
import type { ReportProgress } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { Repository } from '../../model/reference.ts';
import { type Named, namedIn } from '../image/manifest-graph.ts';
import { isIndexType } from '../image/manifest-type.ts';
import type { ContentSource, ContentStore, ContentTarget, Manifest } from '../registry.ts';

/** A manifest of an image. */
export interface Node extends Named {
  readonly digest: Digest;
  /** Undefined for an image that the target has: nobody needs its bytes. */
  readonly manifest: Manifest | undefined;
  readonly present: boolean;
  /** 0 for an image; more than that of every child for an index. */
  readonly height: number;
}

/** From where to where. */
export interface Route {
  readonly source: ContentSource;
  readonly target: ContentTarget & Pick<ContentSource, 'readManifest'>;
  readonly from: Repository;
  readonly to: Repository;
}

/** A manifest to begin with. */
export interface Root {
  readonly digest: Digest;
  readonly mediaType?: string;
  readonly label: string;
}

/** Requests of one walk at a time. */
const AT_ONCE = 8;
/** Bytes of manifests that one image may have in memory: a hundred times what images have. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The manifests of an image, each once. Throws `digest-not-found` for one that neither side has (a sparse index),
 * `manifest-too-large`, and what reading throws.
 */
export async function walk(route: Route, root: Root): Promise<readonly Node[]> {
  return new Walk(route, root).run();
}

class Walk {
  readonly #route: Route;
  readonly #root: Root;
  readonly #limit = pLimit(AT_ONCE);
  readonly #visits = new Map<Digest, Promise<Node>>();
  #bytes = 0;

  constructor(route: Route, root: Root) {
    this.#route = route;
    this.#root = root;
  }

  async run(): Promise<readonly Node[]> {
    await this.#once(this.#root, [], 'unknown');
    const nodes = await Promise.all(this.#visits.values());
    return nodes.sort((a, b) => a.height - b.height);
  }

  async #once(each: Below, above: readonly Digest[], guess: Guess): Promise<Node> {
    // Asked for on its own way down, a manifest would wait for itself.
    if (above.includes(each.digest)) throw cycle(this.#route, each.digest);
    const known = this.#visits.get(each.digest) ?? this.#visit(each, above, guess);
    this.#visits.set(each.digest, known);
    return known;
  }

  async #visit(each: Below, above: readonly Digest[], guess: Guess): Promise<Node> {
    const { digest } = each;
    const { present, manifest } = await this.#limit(async () => this.#find(each, guess));
    if (!manifest) {
      if (present) return { digest, manifest, present, height: 0, children: [], blobs: [] };
      throw missing(this.#route, this.#root, each, above.at(-1));
    }
    const named = namedIn(manifest, this.#route.from.name);
    const path = [...above, digest];
    const [eldest, ...others] = named.children;
    const first = eldest && (await this.#once(eldest, path, 'unknown'));
    // Children arrive together: where an index and its first child are not there, the others hardly are. One that is all
    // the same costs a look at its blobs.
    const rest: Guess = present || first?.present ? 'unknown' : 'absent';
    const younger = await Promise.all(others.map(async (child) => this.#once(child, path, rest)));
    const children = first ? [first, ...younger] : younger;
    const height = 1 + Math.max(-1, ...children.map((child) => child.height));
    return { ...named, digest, manifest, present, height };
  }

  /** Whether the target has a manifest; the manifest too, where something below it has to be looked at. */
  async #find({ digest, mediaType }: Below, guess: Guess): Promise<Pick<Node, 'present' | 'manifest'>> {
    if (guess === 'absent') {
      const manifest = await this.#read(digest, false);
      if (manifest) return { present: false, manifest };
    }
    const present = await this.#route.target.hasManifest(this.#route.to, digest);
    const known = present && mediaType !== undefined && !isIndexType(mediaType);
    return { present, manifest: known ? undefined : await this.#read(digest, present) };
  }

  async #read(digest: Digest, present: boolean): Promise<Manifest | undefined> {
    const { source, target, from, to } = this.#route;
    const manifest = present ? await target.readManifest(to, digest) : await source.readManifest(from, digest);
    this.#bytes += manifest?.size ?? 0;
    if (this.#bytes > MOST_BYTES) throw tooMuch(this.#route, this.#root);
    return manifest;
  }
}

/** Whether a target has a manifest: to be asked, or taken as not so. */
type Guess = 'unknown' | 'absent';

type Below = Pick<Root, 'digest' | 'mediaType'> & { readonly platform?: string | undefined };

function missing({ from }: Route, root: Root, { digest, platform }: Below, parent: Digest | undefined): TagflowError {
  const details = { repository: from.name, digest, ...(parent && { index: parent }) };
  if (parent === undefined) {
    return new TagflowError('digest-not-found', {
      what: `${from.name} does not have ${root.label} (${digest})`,
      why: 'it was never pushed, or a person or a clean-up policy deleted it',
      fix: 'push the image again, or choose a version whose image is still there',
      details,
    });
  }
  return new TagflowError('digest-not-found', {
    what: `${root.label} is incomplete in ${from.name}: it lacks ${platform ?? 'a manifest'} (${digest})`,
    why: `the index ${parent} lists it, but it was never pushed there or has been cleaned up`,
    fix: 'push the image again with all its platforms; nothing was copied in part',
    details,
  });
}

function cycle({ from }: Route, digest: Digest): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `${digest} in ${from.name} lists itself`,
    why: 'no manifest can contain its own digest: the registry serves content that does not match its digests',
    fix: 'do not use this registry until its operator has explained it',
  });
}

function tooMuch({ from }: Route, root: Root): TagflowError {
  return new TagflowError('manifest-too-large', {
    what: `the manifests of ${root.label} in ${from.name} exceed ${MOST_BYTES} bytes in total`,
    why: 'no ordinary image comes near that size',
    fix: 'check what is stored there, or push the image with fewer platforms',
  });
}

/** One copy under way. */
export interface Copying extends Route {
  readonly source: ContentStore;
  readonly target: ContentStore;
  readonly notify: ReportProgress;
  /** Copies what is at a digest, with everything below it. Resolves to its manifests. */
  readonly copyGraph: (root: Root) => Promise<readonly Node[]>;
}
