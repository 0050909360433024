// Copies an image from one repository to another, whichever registries or layouts they are in: digests kept, nothing
// decompressed, converted or signed again.
//
// Order: blobs before the manifests that name them, children before their index, the image's own manifest last; then what
// is about it. So whatever a target has under a digest is whole, an interrupted copy shows nowhere, and a repeat sends only
// what is missing. No tag of the image is written here. Within one registry blobs are mounted, which needs no look first: the
// answer to a mount says that the blob is there.
// Any number of copies may run at once: they share the limits, and tell of their progress together.
// Memory: blobs pass in chunks; manifests are held while an image is copied (walk.ts bounds them).
import pLimit, { type LimitFunction } from 'p-limit';
import type { Digest } from '../../model/digest.ts';
import type { ReportProgress } from '../../model/effects.ts';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import { ownershipKey, type Repository } from '../../model/reference.ts';
import type { NamedBlob } from '../image/manifest-graph.ts';
import type { ContentStore, CopyImage, CopyRequest, CopySummary } from '../registry.ts';
import { copyCompanions } from './companions.ts';
import { type CopyProgress, createCopyProgress } from './progress.ts';
import { type Copying, type Node, type Root, walk } from './walk.ts';

/** What a copier works with. */
export interface CopierOptions {
  readonly contentOf: (repository: Repository) => ContentStore;
  readonly notify: ReportProgress;
  /** Aborts when the run shall stop: nothing new is started. */
  readonly signal: AbortSignal;
  /** Blobs on their way at a time, over all copies. Default: 4. */
  readonly concurrency?: number;
  /** Called after every few MiB, so that the caller can free memory sooner than the JavaScript engine would. */
  readonly collect?: () => void;
}

/** Bytes that pass between two calls of `collect`. */
const COLLECT_AFTER = 8 * 1024 * 1024;

/** Requests without content at a time, over all copies; a host has a limit of its own. */
const ASK_AT_ONCE = 8;

/** A copier; its copies share the limits. See `CopyImage` for what it promises. */
export function createCopier(options: CopierOptions): CopyImage {
  const send = pLimit(options.concurrency ?? 4);
  const ask = pLimit(ASK_AT_ONCE);
  const progress = createCopyProgress(options.notify);
  const passed = countPassing(options.collect);
  return async (request) => {
    const counts = { manifests: 0, blobsSent: 0, blobsMounted: 0, blobsPresent: 0, bytes: 0 };
    if (ownershipKey(request.from) === ownershipKey(request.to)) return counts;
    const signal = request.signal ? AbortSignal.any([options.signal, request.signal]) : options.signal;
    const own = progress.start(request.label);
    try {
      const state = { send, ask, passed, signal, counts, progress: own, settled: new Set<Digest>() };
      const copying = new ImageCopy(options, request, state);
      const nodes = await copying.copyGraph(request);
      await copyCompanions(copying, nodes, request.label);
      if (nodes.at(-1)?.present === false) await readBack(copying, request);
    } finally {
      own.end();
    }
    return counts;
  };
}

interface State {
  readonly send: LimitFunction;
  readonly ask: LimitFunction;
  readonly passed: (bytes: number) => void;
  readonly signal: AbortSignal;
  readonly counts: { -readonly [K in keyof CopySummary]: CopySummary[K] };
  readonly progress: CopyProgress;
  /** Blobs that the target has by now: one that is wanted twice is sent once. */
  readonly settled: Set<Digest>;
}

/** One copy: its blobs, then its manifests from the lowest to the highest. */
class ImageCopy implements Copying {
  readonly source: ContentStore;
  readonly target: ContentStore;
  readonly from: Repository;
  readonly to: Repository;
  readonly notify: ReportProgress;
  readonly #state: State;

  constructor({ contentOf, notify }: CopierOptions, { from, to }: CopyRequest, state: State) {
    this.source = contentOf(from);
    this.target = contentOf(to);
    this.from = from;
    this.to = to;
    this.notify = notify;
    this.#state = state;
  }

  async copyGraph(root: Root): Promise<readonly Node[]> {
    throwIfStopped(this.#state.signal);
    const nodes = await walk(this, root);
    const absent = nodes.filter(({ present }) => !present);
    await this.#copyBlobs(absent, root);
    await this.#putManifests(absent);
    return nodes;
  }

  async #copyBlobs(nodes: readonly Node[], root: Root): Promise<void> {
    const { signal, progress, settled, ask, send } = this.#state;
    const blobs = new Map(nodes.flatMap((node) => node.blobs).map((blob) => [blob.digest, blob]));
    const wanted = [...blobs.values()].filter(({ digest }) => !settled.has(digest));
    const lacking: NamedBlob[] = [];
    await all(wanted, ask, signal, async (blob) => {
      if (!(await this.#has(blob))) lacking.push(blob);
    });
    for (const { size } of lacking) progress.expect(size);
    // The largest first: the last one to end then ends soonest.
    lacking.sort((a, b) => b.size - a.size || (a.digest < b.digest ? -1 : 1));
    await all(lacking, send, signal, async (blob, failed) => this.#send(blob, root, failed));
    for (const { digest } of wanted) settled.add(digest);
  }

  /** Whether the target has a blob by now. */
  async #has(blob: NamedBlob): Promise<boolean> {
    const { counts } = this.#state;
    if (await this.target.mountBlob?.(this.to, blob, this.from)) counts.blobsMounted += 1;
    else if (await this.target.hasBlob(this.to, blob)) counts.blobsPresent += 1;
    else return false;
    return true;
  }

  async #send(blob: NamedBlob, root: Root, failed: () => boolean): Promise<void> {
    const { signal, progress, passed, counts } = this.#state;
    const ended = (): boolean => failed() || signal.aborted;
    const open = async (): Promise<AsyncIterable<Uint8Array>> => {
      const chunks = await this.source.openBlob(this.from, blob);
      if (chunks) return progress.count(until(ended, chunks, passed));
      throw blobMissing(this.from, blob, root);
    };
    await this.target.putBlob(this.to, blob, open, this.from);
    counts.blobsSent += 1;
    counts.bytes += blob.size;
  }

  async #putManifests(nodes: readonly Node[]): Promise<void> {
    const { ask, signal, counts } = this.#state;
    for (const level of byHeight(nodes)) {
      await all(level, ask, signal, async ({ manifest }) => {
        if (!manifest) return;
        await this.target.putManifest(this.to, manifest);
        counts.manifests += 1;
      });
    }
  }
}

function byHeight(nodes: readonly Node[]): readonly (readonly Node[])[] {
  const levels = new Map<number, Node[]>();
  for (const node of nodes) levels.set(node.height, [...(levels.get(node.height) ?? []), node]);
  return [...levels].sort(([a], [b]) => a - b).map(([, level]) => level);
}

/**
 * Does work for each item, as many at once as the limit lets. After a failure nothing new is started, what runs is asked
 * by `failed` to end, and the failure is thrown when nothing runs any more.
 */
async function all<T>(
  items: readonly T[],
  limit: LimitFunction,
  signal: AbortSignal,
  work: (item: T, failed: () => boolean) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const failed = (): boolean => failures.length > 0;
  await Promise.all(
    items.map(async (item) =>
      limit(async () => {
        if (failed()) return;
        try {
          throwIfStopped(signal);
          await work(item, failed);
        } catch (error) {
          failures.push(error);
        }
      }),
    ),
  );
  if (failed()) throw failures[0];
}

function countPassing(collect: (() => void) | undefined): (bytes: number) => void {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < COLLECT_AFTER) return;
    since = 0;
    collect?.();
  };
}

/** The same chunks, until something else has failed. */
async function* until(
  failed: () => boolean,
  chunks: AsyncIterable<Uint8Array>,
  passed: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    passed(chunk.length);
    if (failed()) throw new TagflowError('interrupted', { what: 'the copy stopped because another part of it failed' });
    yield chunk;
  }
}

async function readBack({ target, to }: Copying, { digest, label }: CopyRequest): Promise<void> {
  // It was not there, so nothing in this run has it in memory: this asks the target, and what tags it next need not.
  const found = await target.readManifest(to, digest);
  if (found?.digest === digest) return;
  throw new TagflowError('registry-answer-invalid', {
    what: `${to.name} does not have ${label} after it was copied there`,
    why: `it accepted the manifest ${digest} but does not return it: it serves outdated responses, or something deletes untagged images`,
    fix: 'run the same command again; when it persists, check the clean-up policies of that registry',
    details: { repository: to.name, digest },
  });
}

function blobMissing(from: Repository, { digest, foreign }: NamedBlob, root: Root): TagflowError {
  const details = { repository: from.name, digest };
  if (foreign) {
    return new TagflowError('digest-not-found', {
      what: `${root.label} has a layer that is not in ${from.name}: ${digest}`,
      why: 'its manifest points to a web address for it, and tagflow never follows such addresses',
      fix: 'push that layer to the target (docker push with allow-nondistributable-artifacts), or build the image without it',
      details,
    });
  }
  return new TagflowError('digest-not-found', {
    what: `${root.label} is incomplete in ${from.name}: it lacks the blob ${digest}`,
    why: 'its manifest refers to that blob, which was deleted or never pushed',
    fix: 'push the image again',
    details,
  });
}

function throwIfStopped(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (isTagflowError(signal.reason)) throw signal.reason;
  throw new TagflowError('interrupted', {
    what: 'the copy was interrupted',
    why: 'tagflow was asked to stop; no tag was written',
    fix: 'run the same command again: content that arrived is not sent again',
    cause: signal.reason,
  });
}
