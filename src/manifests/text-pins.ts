// Pins in files of any text: jsonnet, Go templates, HCL, properties. tagflow.yaml says with a pattern which line holds one, and
// where in it. The pattern matches exactly one line; the parts that its groups match are replaced, and nothing else.
import { isDigest } from '../model/digest.ts';
import { TagflowError } from '../model/errors.ts';
import type { ConfiguredField, ConfiguredPin, ConfiguredText } from '../model/pipeline.ts';
import { isTag } from '../model/reference.ts';
import type { Target } from './form.ts';
import { type NameIndex, hasPlaceholder, joinImage, splitImage } from './image-name.ts';
import { noField } from './matches.ts';
import { retarget } from './retarget.ts';
import { isAmbiguous } from './scalar-text.ts';
import { decode, LineStarts, lineAt } from './source.ts';
import { type Splice, type TextFile, applySplices, unsafe } from './splice.ts';
import { targetOf } from './target.ts';
import type { ManifestFile, Pin, PinOptions, PinResult, PinnedField } from './values.ts';

/** Maximum number of characters of a line that a pattern is tried on. */
const MAX_LINE = 400;

/** Whether a pin is a field of YAML or JSON. */
export function isField(pin: ConfiguredPin): pin is ConfiguredField {
  return pin.path !== undefined;
}

/** Whether a pin is a part of a line of any text. */
export function isText(pin: ConfiguredPin): pin is ConfiguredText {
  return pin.text !== undefined;
}

/** A part of a line. */
interface Part {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The line that a pattern matches. */
interface Place {
  readonly line: string;
  readonly offset: number;
  readonly version: Part | undefined;
  readonly digest: Part | undefined;
}

/** What a line says of an image. */
export interface ReadText {
  /** 1-based. */
  readonly line: number;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** What the line of a pattern says; undefined where the pattern does not match exactly one. */
export function readTextPin(
  file: ManifestFile,
  { text: pattern }: ConfiguredText,
  maxBytes: number,
): ReadText | undefined {
  const text = textOf(file, maxBytes);
  const [place, second] = text ? placesIn(text, pattern) : [];
  if (!text || !place || second) return undefined;
  const { tag, digest } = saidBy(place);
  return { line: lineAt(text, place.offset), tag, digest };
}

/** What the pins are, and how they are written. */
interface Wanted {
  readonly pins: readonly Pin[];
  readonly index: NameIndex<Pin>;
  readonly options: PinOptions;
}

/** The outcome, with the files that were read and the pins that stand in them. */
interface PinnedTexts extends Omit<PinResult, 'unnamed'> {
  readonly files: readonly string[];
  readonly pins: ReadonlySet<Pin>;
}

/** Pins every configured line of text. Throws `pin-not-found` and `manifest-unsafe-edit`. */
export function pinTexts(
  files: readonly ManifestFile[],
  configured: readonly ConfiguredText[],
  wanted: Wanted,
): PinnedTexts {
  const byFile = Map.groupBy(configured, ({ file }) => file);
  const results = files.flatMap((file) => {
    const here = byFile.get(file.path);
    return here ? [{ path: file.path, ...pinFile(file, here, wanted) }] : [];
  });
  return {
    files: results.map(({ path }) => path),
    pins: new Set(results.flatMap(({ pins }) => pins)),
    edits: results.flatMap(({ edits }) => edits),
    fields: results.flatMap(({ fields }) => fields),
    warnings: results.flatMap(({ warnings }) => warnings),
  };
}

/** One line to pin, and what it shall say. */
interface TextPin {
  readonly configured: ConfiguredText;
  readonly pin: Pin;
  readonly place: Place;
  readonly version: string | undefined;
  readonly digest: string | undefined;
}

function pinFile(
  file: ManifestFile,
  configured: readonly ConfiguredText[],
  { pins, index, options }: Wanted,
): Omit<PinResult, 'unnamed'> & { readonly pins: readonly Pin[] } {
  const text = textOf(file, options.maxBytes);
  if (!text) throw unreadable(file.path, options.maxBytes);
  const wanted = configured.flatMap((each): TextPin[] => {
    const pin = pins.find(({ image }) => image === each.image);
    if (!pin) return [];
    const target = targetOf(pin, each.pin ?? pin.style ?? options.style);
    const place = onlyPlace(text, each);
    refuseOther(text, place, { pin, index, target });
    return [{ configured: each, pin, place, ...valuesFor(text, place, target) }];
  });
  const after = applySplices(text, wanted.flatMap(splicesOf));
  verify({ ...text, text: after, lines: new LineStarts(after) }, wanted);
  return {
    pins: wanted.map(({ pin }) => pin),
    edits: after === text.text ? [] : [{ path: file.path, content: new TextEncoder().encode(after) }],
    fields: wanted.map((each) => fieldOf(text, each)),
    warnings: wanted.flatMap((each) => movingTag(text, each)),
  };
}

function textOf({ path, content }: ManifestFile, maxBytes: number): TextFile | undefined {
  const text = content.length <= maxBytes ? decode(content) : undefined;
  return text === undefined ? undefined : { path, text, lines: new LineStarts(text) };
}

function placesIn({ text, lines: { starts } }: TextFile, pattern: RegExp): readonly Place[] {
  return starts.flatMap((offset, index) => {
    const line = text.slice(offset, (starts[index + 1] ?? text.length + 1) - 1).replace(/^\uFEFF|\r$/g, '');
    const start = text.startsWith('\uFEFF', offset) ? offset + 1 : offset;
    const match = line.length <= MAX_LINE ? pattern.exec(line) : null;
    if (!match) return [];
    const part = (name: string): Part | undefined => {
      const [from, to] = match.indices?.groups?.[name] ?? [];
      if (from === undefined || to === undefined) return undefined;
      return { text: line.slice(from, to), start: start + from, end: start + to };
    };
    return [{ line, offset: start, version: part('version'), digest: part('digest') }];
  });
}

/** The one line that a pattern matches, with what a pin may replace in it. */
function onlyPlace(text: TextFile, { image, text: pattern }: ConfiguredText): Place {
  const [place, second] = placesIn(text, pattern);
  if (!place) throw noField(image, text.path, `no line matches ${pattern.source}`);
  if (second) {
    const lines = `lines ${lineAt(text, place.offset)} and ${lineAt(text, second.offset)}`;
    throw unsafe(text, second.offset, {
      what: `is not the only line that matches ${pattern.source}`,
      why: `${lines} do, and tagflow.yaml does not say which of them holds the pin`,
      fix: 'make the pattern under text: match more of the line',
    });
  }
  const { version, digest } = place;
  const [tag = '', behind, more] = (version?.text ?? '').split('@');
  const isPin = (tag === '' || isTag(tag)) && (behind === undefined || isDigest(behind)) && more === undefined;
  const wrong = version && !isPin && !isDigest(version.text) ? version : digest;
  if (wrong && wrong.text !== '' && !isDigest(wrong.text)) throw refusePart(text, wrong);
  return place;
}

function refusePart(text: TextFile, { text: found, start }: Part): TagflowError {
  return hasPlaceholder(found)
    ? unsafe(text, start, {
        what: `has ${JSON.stringify(found)} where a pin belongs, which another tool fills in`,
        why: 'a pin would replace the placeholder, and the tool would lose its field',
        fix: 'pin the value that the tool inserts',
      })
    : unsafe(text, start, {
        what: `has ${JSON.stringify(found)} where a pin belongs`,
        why: 'a pin replaces an empty value, a tag or a digest; anything else would be lost',
        fix: 'correct the groups of the pattern under text: in tagflow.yaml',
      });
}

/** Refuses a line that names another image, or a repository that the environment does not run the image from. */
function refuseOther(
  text: TextFile,
  place: Place,
  { pin, index, target }: { readonly pin: Pin; readonly index: NameIndex<Pin>; readonly target: Target },
): void {
  for (const [name, start] of namesAround(place)) {
    // the rest of the name follows a placeholder for the registry
    const whole = name.startsWith('/') ? (pin.names.find((known) => known.endsWith(name)) ?? name) : name;
    const meant = index.find([whole]);
    if (meant.includes(pin) && (!/[.:].*\//.test(whole) || retarget(whole, target) === whole)) continue;
    if (meant.length === 0 && !name.includes('/')) continue;
    if (meant.includes(pin)) {
      const what = `names ${whole}, and the environment runs ${pin.image} from ${target.name}`;
      throw unsafe(text, start, { what, why: NAME_STAYS, fix: `write ${target.name} there first` });
    }
    const fix = `correct text: in tagflow.yaml; where it is another name of the image, list that under the image's names:`;
    throw unsafe(text, start, {
      what: `names ${name}, which is another image than ${pin.image}`,
      why: NAME_STAYS,
      fix,
    });
  }
}

const NAME_STAYS = 'a pattern replaces a version or a digest, and the name would stay as it is';

/** Names that stand in one word with the parts of a line that are replaced, and their offsets. */
function namesAround({ line, offset, version, digest }: Place): readonly (readonly [string, number])[] {
  return [...line.matchAll(/[^\s"'`,[\]{}()<>|=]+/g)].flatMap((match) => {
    const start = offset + match.index;
    const end = start + match[0].length;
    const isAround = [version, digest].some((part) => part && part.start > start && part.end <= end);
    const name = isAround && !match[0].includes('://') ? splitImage(match[0])?.name : undefined;
    return name === undefined ? [] : [[name, start] as const];
  });
}

/** What the groups shall say. */
function valuesFor(
  text: TextFile,
  place: Place,
  target: Target,
): { readonly version: string | undefined; readonly digest: string | undefined } {
  const { version, digest } = place;
  if (!version) {
    if (target.digest === undefined)
      throw noDigest(text, place, 'has a group for a digest alone, and the pin style writes none');
    return { version: undefined, digest: target.digest };
  }
  if (digest) {
    const [tag, own] = [target.tag ?? '', target.digest ?? ''];
    const isJoined = text.text[digest.start - 1] === '@';
    if (isJoined && own === '') throw noDigest(text, place, 'has @ before its digest, and the pin style writes none');
    if (isJoined && version.end === digest.start - 1 && tag === '')
      throw noDigest(text, place, 'has @ behind its version, and the pin style writes a digest alone');
    return { version: tag, digest: own };
  }
  if (target.tag === undefined)
    throw noDigest(text, place, 'has a group for a version alone, and the pin style writes a digest alone');
  const wanted = joinImage('', target.tag, target.digest).slice(1);
  if (isAmbiguous(wanted) && wanted !== version.text && /:\s*$/.test(text.text.slice(place.offset, version.start))) {
    throw unsafe(text, version.start, {
      what: `has no quotes around the version, and ${wanted} would not be read as text`,
      why: 'readers of YAML take it for a number or a word',
      fix: 'write quotes around the version, and into the pattern under text:',
    });
  }
  return { version: wanted, digest: undefined };
}

function noDigest(text: TextFile, { offset }: Place, what: string): TagflowError {
  return unsafe(text, offset, {
    what,
    why: 'the line has no place for what the style writes',
    fix: 'add the other group to the pattern under text:, or choose another pin style',
  });
}

function splicesOf({ place, version, digest }: TextPin): readonly Splice[] {
  const splice = (part: Part | undefined, text: string | undefined): Splice[] =>
    part && text !== undefined && part.text !== text ? [{ start: part.start, end: part.end, text }] : [];
  return [...splice(place.version, version), ...splice(place.digest, digest)];
}

/** Each pattern still matches one line, and its groups say what they shall. */
function verify(after: TextFile, wanted: readonly TextPin[]): void {
  for (const { configured, place, version, digest } of wanted) {
    const [found, second] = placesIn(after, configured.text);
    if (found && !second && says(found, { version, digest })) continue;
    throw unsafe(after, place.offset, {
      what: 'cannot be pinned by its pattern',
      why: `the line with the pin would not be the one line that ${configured.text.source} matches, with the pin in its groups`,
      fix: 'let the groups under text: match every version and digest: (?<version>[^"]*)',
    });
  }
}

/**
 * Whether the groups of a line say what they shall. A group for the digest that had nothing to match, `(@(?<digest>.*))?`, takes it
 * from behind the version once it is there.
 */
function says(found: Place, { version, digest }: Pick<TextPin, 'version' | 'digest'>): boolean {
  if (found.version?.text === version && found.digest?.text === digest) return true;
  const joined = found.digest && found.version?.end === found.digest.start - 1 && digest === undefined;
  return joined === true && `${found.version?.text}@${found.digest?.text}` === version;
}

function saidBy({ version, digest }: Place): { readonly tag: string | undefined; readonly digest: string | undefined } {
  const text = version?.text ?? '';
  const at = text.indexOf('@');
  const tag = isDigest(text) ? '' : at < 0 ? text : text.slice(0, at);
  const own = [digest?.text, isDigest(text) ? text : at < 0 ? '' : text.slice(at + 1)].find((each) => each);
  return { tag: tag === '' ? undefined : tag, digest: own };
}

function fieldOf(text: TextFile, { pin, place, version, digest }: TextPin): PinnedField {
  const { tag: oldTag, digest: oldDigest } = saidBy(place);
  return {
    image: pin.image,
    path: text.path,
    line: lineAt(text, place.offset),
    field: place.version ? 'version' : 'digest',
    before: joinImage('', oldTag, oldDigest).replace(/^:/, ''),
    after: [version, digest].filter((part) => part !== undefined && part !== '').join('@'),
  };
}

/** A tag that moves is the same text after a release. */
function movingTag(text: TextFile, { configured, pin, place, version, digest }: TextPin): readonly string[] {
  const style = configured.pin ?? pin.style;
  const isTold = configured.also?.some(({ value }) => value.includes('{digest}')) ?? false;
  if (version === undefined || version !== pin.targetTag || digest || isTold || style === 'version') return [];
  return [
    `${text.path}:${lineAt(text, place.offset)} names the moving tag ${version}, and nothing there changes with the image: a deploy will not notice. Add a field with the digest under also: in tagflow.yaml`,
  ];
}

function unreadable(path: string, maxBytes: number): TagflowError {
  return new TagflowError('manifest-invalid', {
    what: `${path} cannot be read as text`,
    why: `it is not UTF-8, or has more than ${maxBytes} bytes`,
    fix: 'save the file as UTF-8, or raise maxFileSize in tagflow.yaml',
    details: { path },
  });
}
