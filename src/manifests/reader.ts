// Which files of a folder are parsed, and what happens to those that cannot be. A file that holds none of the names is
// left alone, whatever is wrong with it; a broken one that names an image we look for is `manifest-invalid`.
import { isScalar } from 'yaml';
import { TagflowError } from '../model/errors.ts';
import type { ConfiguredPin } from '../model/pipeline.ts';
import { type Caps, capsFor } from './caps.ts';
import { readDotenv } from './dotenv.ts';
import type { NameIndex, NamedImage } from './image-name.ts';
import { isKustomization } from './kustomize.ts';
import { ParsedFiles } from './parsed-files.ts';
import { type ReadFailure, type Source, decode, decodeLoosely, isSource } from './source.ts';
import { isEmpty } from './tree.ts';
import type { ManifestFile, ReadOptions } from './values.ts';

/**
 * Whether tools read a file of this name as a manifest, so that one that is broken is a fault. Other files are read too, and
 * are manifests where they hold one.
 */
function isNamedManifest(path: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(path) || isKustomization(path);
}

/** What knows whether the values that a file inherits may name an image. */
interface SharedNames {
  mayName(path: string, index: NameIndex<NamedImage>): boolean;
}

const NO_SHARED_VALUES: SharedNames = { mayName: () => false };

/** Opens files of one folder for one set of images. */
export class Reader {
  readonly caps: Caps;
  readonly #index: NameIndex<NamedImage>;
  readonly parsed: ParsedFiles;
  readonly #required: ReadonlySet<string>;
  /** Files that are read as text alone: what they hold is not YAML, whatever it looks like. */
  readonly #texts: ReadonlySet<string>;

  /** Files with configured pins are always read; others when they may name an image. */
  constructor(
    index: NameIndex<NamedImage>,
    configured: readonly ConfiguredPin[],
    { maxBytes, parsed = new ParsedFiles() }: Pick<ReadOptions, 'maxBytes' | 'parsed'>,
  ) {
    this.caps = capsFor(maxBytes);
    this.parsed = parsed;
    this.#index = index;
    this.#texts = new Set(configured.flatMap(({ file, text }) => (text ? [file] : [])));
    this.#required = new Set(configured.flatMap(({ file, also = [] }) => [file, ...also.map((field) => field.file)]));
  }

  /**
   * The file, parsed; undefined when it holds no pin. Throws `manifest-invalid` when it may hold one and cannot be read.
   * `shared` knows the values that it inherits, which may name an image for it.
   */
  open(file: ManifestFile, shared: SharedNames = NO_SHARED_VALUES): Source | undefined {
    if (this.#texts.has(file.path)) return undefined;
    const required = this.#required.has(file.path);
    const text = decode(file.content);
    if (!required && !this.#mayMention(file, text) && !shared.mayName(file.path, this.#index)) return undefined;
    const read = this.#read(file, text);
    if (isSource(read)) return required || holdsManifests(file.path, read) ? read : undefined;
    const variables = text !== undefined && readDotenv(text) !== undefined;
    if (!required && !variables && !isNamedManifest(file.path)) return undefined;
    const mention = this.#index.mention(text ?? decodeLoosely(file.content), bareNames(file.path));
    if (!required && !variables && !mention) return undefined;
    throw unreadable(file.path, { ...read, line: read.line ?? mention?.line }, text, mention?.image.image);
  }

  /** Whether a file may hold a pin: its text names an image, or it is called as one. */
  #mayMention({ path, content }: ManifestFile, text: string | undefined): boolean {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return this.#index.mayMention(text ?? decodeLoosely(content)) || this.#index.mayMention(name);
  }

  /** The file, parsed, whatever it holds. Throws `manifest-invalid`. */
  openAlways(file: ManifestFile): Source {
    const text = decode(file.content);
    const read = this.#read(file, text);
    if (isSource(read)) return read;
    throw unreadable(file.path, read, text, undefined);
  }

  /** The file, parsed, whatever it holds; undefined when it cannot be read. */
  openIfReadable(file: ManifestFile): Source | undefined {
    const read = this.#read(file, decode(file.content));
    return isSource(read) ? read : undefined;
  }

  #read(file: ManifestFile, text: string | undefined): Source | ReadFailure {
    if (text === undefined) return { reason: 'it is not UTF-8 text', line: undefined };
    if (file.content.length > this.caps.bytes) {
      return {
        reason: `it has ${file.content.length} bytes, and ${this.caps.bytes} are read at most`,
        line: undefined,
      };
    }
    return this.parsed.read(file, text, this.caps);
  }
}

/**
 * Whether a file that was read holds manifests: prose and programs that pass for YAML are text without keys. What
 * stands behind a last `---` may be empty.
 */
export function holdsManifests(path: string, { trees }: Source): boolean {
  return isNamedManifest(path) || trees.every(({ root }) => !isScalar(root) || isEmpty(root));
}

/** Lines on which a name without a slash is an image and no common word. */
function bareNames(path: string): RegExp {
  return isKustomization(path) ? /\b(?:name|newName)["']?\s*:/ : /\bimage["']?\s*:/;
}

function unreadable(
  path: string,
  failure: { readonly reason: string; readonly line: number | undefined },
  text: string | undefined,
  image: string | undefined,
): TagflowError {
  const place = failure.line === undefined ? path : `${path}:${failure.line}`;
  const template = text !== undefined && text.includes('{{');
  return new TagflowError('manifest-invalid', {
    what: `${place} cannot be read as YAML${image === undefined ? '' : `, and it names ${image}`}`,
    why: failure.reason,
    fix: fixFor(failure.reason, template),
    details: { path, line: failure.line, image },
  });
}

function fixFor(reason: string, template: boolean): string {
  if (template)
    return 'name the line of the template with file: and text: under pins: in tagflow.yaml, or the field of a values file that the template reads';
  if (reason.includes('bytes')) return 'split the file, or raise maxFileSize in tagflow.yaml';
  return reason.includes('UTF-8') ? 'save the file as UTF-8' : 'correct the file';
}
