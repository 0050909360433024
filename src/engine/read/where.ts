// Where an image is or was: which environments had it, from when to when.
import { advise } from '../../model/advice.ts';
import { type Digest, parseDigest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import { sameVersion } from '../../model/nearest.ts';
import { type ReleaseLine as Line, imageOf } from '../../model/pipeline.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import { counted } from '../../model/text.ts';
import { joinSpans } from '../../model/spans.ts';
import type { Reading } from '../context.ts';
import type { FoundSpan } from './found-changes.ts';
import { namedLines } from './named-lines.ts';
import { type Past, type Release, readPasts } from './past.ts';
import { type PastLine, leftWords } from './past-lines.ts';
import type { EnvironmentProblem } from './problem.ts';
import { type Snapshot, readSnapshot } from './snapshot.ts';

/** A span of time during which an environment had an image. */
export interface Span {
  readonly environment: string;
  readonly image: string;
  readonly version: string;
  readonly digest: Digest;
  readonly from: Instant;
  /** Undefined: it runs now. */
  readonly until: Instant | undefined;
  /** First and last release of the span. */
  readonly releases: readonly [number, number];
  /** Who brought it, for whom, and why: the first release of the span. */
  readonly by: Pick<ReleaseRecord, 'actor' | 'onBehalfOf' | 'reason'>;
  /** Set where today's configuration does not have its line any more. */
  readonly left?: PastLine;
}

/** Which environments have or had an image: a digest (or at least 7 of its hexadecimal digits), or `IMAGE@VERSION`. */
export async function where(context: Reading, what: string, problems?: EnvironmentProblem[]): Promise<readonly Span[]> {
  const snapshot = await readSnapshot(context, [], Infinity);
  const wanted = parseWanted(what);
  const { today, past } = await namedLines(context, snapshot, [], true);
  const chosen = {
    today: today.filter((line) => isOf(snapshot, line, wanted)),
    past: past.filter(({ line }) => isOf(snapshot, line, wanted)),
  };
  const pasts = await readPasts(context, snapshot, chosen, { isNamed: false, problems });
  for (const one of past) if (!one.head) context.notify({ level: 'warning', text: leftWords(one) });
  const spans = pasts.flatMap(({ environment, releases }) => spansOf(releases, matcherFor(environment, wanted)));
  if (spans.length > 0) return spans;
  requireKnown(snapshot, pasts, wanted);
  const [broken] = problems ?? [];
  if (broken) throw broken.problem;
  throw new TagflowError('release-not-found', {
    what: `no environment has or had ${what}`,
    why: `looked through ${pasts.map(({ environment, releases }) => `${counted(releases.length, 'release')} of ${environment.name}`).join(', ')}`,
    fix: versionMeant(pasts, what) ?? advise`look at what was released: ${{ act: 'history' }}`,
  });
}

/** The question whether a release with another spelling of the version was meant. */
function versionMeant(pasts: readonly Past[], what: string): string | undefined {
  const [name = '', version = ''] = what.split('@');
  const own = pasts.flatMap(({ releases }) => releases.flatMap(({ record }) => record.images));
  const image = name.slice(name.indexOf('/') + 1);
  const known = own.filter((one) => one.name === image).map((one) => one.version);
  const meant = sameVersion(version, known);
  return meant === undefined ? undefined : `did you mean ${name}@${meant}?`;
}

/** Whether a pin that was found is what `IMAGE@VERSION`, or a digest, names. */
export function isPinOf({ environment, image, version }: FoundSpan, what: string): boolean {
  const slash = environment.indexOf('/');
  const name = slash < 0 ? image : `${environment.slice(slash + 1)}/${image}`;
  return what === `${name}@${version}` || what === version;
}

/** What is looked for: a digest or its beginning, or an image by its name. */
type Wanted =
  | { readonly hex: string; readonly algorithm?: string }
  | { readonly image: string; readonly application?: string; readonly is: (image: ReleaseImage) => boolean };

/** What somebody may have meant who wrote an image as `promote` or a registry has it; else an example. */
function meant(what: string): string {
  const [, name, version] = /^([\w./-]+)[=:]([\w.+-]+)$/.exec(what) ?? [];
  return name === undefined || version === undefined ? 'django@V4.2' : `${name}@${version}`;
}

function parseWanted(what: string): Wanted {
  const [, algorithm, hex] = /^(?:(sha256|sha512):)?([0-9a-f]{7,128})$/.exec(what) ?? [];
  if (hex !== undefined) return { hex, ...(algorithm !== undefined && { algorithm }) };
  const at = what.indexOf('@');
  if (at <= 0) {
    throw new TagflowError('usage', {
      what: `${JSON.stringify(what)} does not name an image`,
      why: 'where takes a digest, at least 7 of its hexadecimal digits, or IMAGE@VERSION',
      fix: advise`name it so: ${{ act: 'find', image: meant(what) }}`,
    });
  }
  const [name, version] = [what.slice(0, at), what.slice(at + 1)];
  const slash = name.indexOf('/');
  const digest = version.startsWith('sha') ? parseDigest(version) : undefined;
  return {
    image: name.slice(slash + 1),
    ...(slash > 0 && { application: name.slice(0, slash) }),
    is: (image) => (digest === undefined ? image.version === version : image.digest === digest),
  };
}

/** Whether a line may have what is looked for: it is of the application that was named, or was of one of that name. */
function isOf({ pipeline }: Snapshot, { application }: Line, wanted: Wanted): boolean {
  if (!('image' in wanted) || wanted.application === undefined) return true;
  return application === (pipeline.renamed.applications.get(wanted.application) ?? wanted.application);
}

/** Matches images of a line's releases, which have the names that they have today. */
function matcherFor({ formerImages, application }: Line, wanted: Wanted): (image: ReleaseImage) => boolean {
  if (!('image' in wanted)) {
    const { hex, algorithm } = wanted;
    return ({ digest }) => {
      const colon = digest.indexOf(':');
      return (algorithm === undefined || digest.startsWith(`${algorithm}:`)) && digest.startsWith(hex, colon + 1);
    };
  }
  // Without its application an image of one is not named.
  if (application !== undefined && wanted.application === undefined) return () => false;
  const name = formerImages?.get(wanted.image) ?? wanted.image;
  return (image) => image.name === name && wanted.is(image);
}

/** Refuses the name of an image that tagflow.yaml does not have and no release had. Throws `image-not-found`. */
function requireKnown({ pipeline }: Snapshot, pasts: readonly Past[], wanted: Wanted): void {
  if (!('image' in wanted)) return;
  const { image, application } = wanted;
  const key = application === undefined ? image : `${application}/${image}`;
  const isPast = pasts.some(({ environment, releases }) => {
    const known = environment.application === undefined || environment.application === application;
    return known && releases.some(({ record }) => record.images.some(({ name }) => name === image));
  });
  if (!isPast && !pipeline.renamed.images.has(key)) imageOf(pipeline, key);
}

/** Joins releases that follow one another with the same image into spans, newest first. */
function spansOf(releases: readonly Release[], matches: (image: ReleaseImage) => boolean): readonly Span[] {
  const joined = joinSpans(releases, ({ record }) => record.images.filter(matches));
  return joined.map(({ image: { name, version, digest }, first, last }) => ({
    environment: first.environment,
    image: name,
    version,
    digest,
    from: first.since,
    until: last.until,
    releases: [first.record.sequence, last.record.sequence],
    by: first.record,
    ...(first.left && { left: first.left }),
  }));
}
