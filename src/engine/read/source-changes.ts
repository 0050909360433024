// The commits of source repositories between two versions of images: what changed in what was built. An image says itself where it
// was built from, so nothing is asked of a repository that the trunk's tagflow.yaml does not list, and nothing is judged by the answer.
// Unknown commits are reported on a separate line: this never fails a command.
import { attempt } from '../../model/attempt.ts';
import {
  type BuildSource,
  type SourceHost,
  type SourceRange,
  compareLink,
  isListedSource,
  issuesIn,
  sourceHostOf,
} from '../../model/build-source.ts';
import type { Digest } from '../../model/digest.ts';
import { type ForgeKind, type ReleaseLine, type SourceRules, repositoryIn } from '../../model/pipeline.ts';
import type { Plan } from '../../model/plan.ts';
import type { Repository } from '../../model/reference.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { OutsideSources, Registries, RegistryMaker } from '../context.ts';
import type { Snapshot } from './snapshot.ts';

/** A change of one image of a line: from one digest to another. */
export interface ImageStep {
  readonly name: string;
  /** What ran before; undefined for an image that is new. */
  readonly before: Digest | undefined;
  readonly after: Digest;
}

/** A commit, as it is shown: every text is one plain line. */
export interface ShownCommit {
  readonly id: string;
  readonly subject: string;
  readonly author: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** The commits between two versions of an image, as far as they are known. */
export interface SourceChange {
  readonly image: string;
  /** The repository, and what it was built from before and after; undefined where the images do not say. */
  readonly repository: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** What says so: `annotation`, `label`, `provenance`. */
  readonly told: BuildSource['told'] | undefined;
  readonly direction: SourceRange['direction'] | undefined;
  /** Newest first; `total` is how many there are. */
  readonly commits: readonly ShownCommit[];
  readonly total: number;
  readonly issues: readonly string[];
  /** The forge's page that compares the two. */
  readonly link: string | undefined;
  /** Why there are no commits: one plain line. */
  readonly missing: string | undefined;
}

/** What asking takes. */
export type SourceAsking = Partial<RegistryMaker> & {
  readonly outside: Pick<OutsideSources, 'compareSource'>;
};

/** The images of a plan, as steps. */
export function planSteps({ images }: Pick<Plan, 'images'>): readonly ImageStep[] {
  return images.map(({ name, digest, before }) => ({ name, before: before?.digest, after: digest }));
}

/** The images of a release, as steps from the release before it. */
export function releaseSteps(record: ReleaseRecord, before: ReleaseRecord | undefined): readonly ImageStep[] {
  return record.images.map(({ name, digest }) => ({
    name,
    before: before?.images.find((image) => image.name === name)?.digest,
    after: digest,
  }));
}

/** Maximum number of images of which commits are asked for at once. */
const MAX_IMAGES = 20;
/** Maximum length of a subject, of a name, and of a reason, in characters. */
const MAX_SUBJECT = 200;
const MAX_AUTHOR = 100;
const MAX_REASON = 300;

/**
 * Returns the known commits between versions of the images that changed; undefined where the configuration has no
 * `sources`. Throws `interrupted` alone.
 */
export async function sourceChanges(
  asking: SourceAsking,
  { pipeline }: Pick<Snapshot, 'pipeline'>,
  line: ReleaseLine,
  steps: readonly ImageStep[],
): Promise<readonly SourceChange[] | undefined> {
  const { sources: rules, forge } = pipeline;
  const {
    outside: { compareSource },
  } = asking;
  if (!rules || !compareSource) return undefined;
  const readBuildSource = asking.registriesFor?.(pipeline.plainHttpHosts).readBuildSource;
  if (!readBuildSource) return undefined;
  const changed = steps.filter(({ before, after }) => before !== after);
  const reader = new SourceReader({ readBuildSource, compareSource, rules, forge }, line);
  return Promise.all(
    changed.map(async (step, index) =>
      index < MAX_IMAGES
        ? reader.change(step)
        : { ...unknownOf(step), missing: `only ${MAX_IMAGES} images are asked about` },
    ),
  );
}

interface Asking
  extends Required<Pick<OutsideSources, 'compareSource'>>, Required<Pick<Registries, 'readBuildSource'>> {
  readonly rules: SourceRules;
  readonly forge: ForgeKind | undefined;
}

class SourceReader {
  readonly #asking: Asking;
  readonly #line: ReleaseLine;

  constructor(asking: Asking, line: ReleaseLine) {
    this.#asking = asking;
    this.#line = line;
  }

  async change(step: ImageStep): Promise<SourceChange> {
    const unknown = unknownOf(step);
    const missing = (why: string): SourceChange => ({ ...unknown, missing: plain(why, MAX_REASON) });
    if (step.before === undefined) return missing('the image is new here');
    const [before, after] = [await this.#sourceOf(step, step.before), await this.#sourceOf(step, step.after)];
    if (typeof after === 'string') return missing(after);
    if (typeof before === 'string') return missing(`of the version before: ${before}`);
    const { url, commit: to, told } = after;
    const known = { ...unknown, repository: url, from: before.commit, to, told };
    if (before.url !== url) {
      return {
        ...known,
        missing: plain(`the version before was built from another repository, ${before.url}`, MAX_REASON),
      };
    }
    if (!isListedSource(url, this.#asking.rules.repositories)) {
      return { ...known, missing: plain(`${url} is not listed under sources in tagflow.yaml`, MAX_REASON) };
    }
    return this.#compared(known, { url, from: before.commit, to: after.commit });
  }

  async #compared(
    known: SourceChange,
    {
      url,
      from,
      to,
    }: { readonly url: string; readonly from: BuildSource['commit']; readonly to: BuildSource['commit'] },
  ): Promise<SourceChange> {
    const { compareSource, rules, forge } = this.#asking;
    const linked = { ...known, link: compareLink(url, { from, to }, sourceHost(url, rules, forge)) };
    const { value: range, problem } = await attempt(compareSource(url, { from, to }, forge));
    if (problem) {
      const why = problem.why === undefined ? '' : `: ${problem.why}`;
      return { ...linked, missing: plain(`${problem.message}${why}`, MAX_REASON) };
    }
    if (!range) return { ...linked, missing: `${url} does not have these commits, or does not show them` };
    const commits = range.commits.map(({ id, author, time, message }) => ({
      id,
      subject: plain(message.trim().split('\n', 1)[0] ?? '', MAX_SUBJECT),
      author: plain(author, MAX_AUTHOR),
      time,
    }));
    const { direction, total } = range;
    return { ...linked, direction, commits, total, issues: issuesIn(range.commits, rules.issues) };
  }

  /** Where an image was built from, or why that is not known. It is looked for where the line runs it, then where it is published. */
  async #sourceOf({ name }: ImageStep, digest: Digest): Promise<BuildSource | string> {
    const image = this.#line.images.get(name);
    if (!image) return 'tagflow.yaml does not know the image';
    let why = '';
    for (const repository of placesOf(this.#line, image)) {
      const { value, problem } = await attempt(this.#asking.readBuildSource(repository, digest));
      if (value?.kind === 'told') return value.source;
      why = value?.why ?? problem?.message ?? 'it cannot be read';
    }
    return why;
  }
}

function placesOf(line: ReleaseLine, image: Parameters<typeof repositoryIn>[1]): readonly Repository[] {
  const own = repositoryIn(line, image);
  return own.name === image.repository.name ? [own] : [own, image.repository];
}

function unknownOf({ name }: ImageStep): SourceChange {
  return {
    image: name,
    repository: undefined,
    from: undefined,
    to: undefined,
    told: undefined,
    direction: undefined,
    commits: [],
    total: 0,
    issues: [],
    link: undefined,
    missing: undefined,
  };
}

/** The software that hosts a repository: from tagflow.yaml, from the host name, or from the forge of the GitOps repository. */
function sourceHost(url: string, { hosts }: SourceRules, forge: ForgeKind | undefined): SourceHost | undefined {
  return hosts.get(URL.parse(url)?.host ?? '') ?? sourceHostOf(url) ?? forge;
}
