// Which files of a folder are parsed, and what becomes of those that cannot be. A file that holds none of the names is
// left alone, whatever is wrong with it; a broken one that names an image we look for is `manifest-invalid`.
import { TagflowError } from '../model/errors.ts';
import type { ConfiguredPin } from '../model/pipeline.ts';
import { type Caps, capsFor } from './caps.ts';
import type { NameIndex, NamedImage } from './image-name.ts';
import { isKustomization } from './kustomize.ts';
import { type Source, decode, decodeLoosely, isSource, readSource } from './source.ts';
import type { ManifestFile } from './values.ts';

/** Whether a file of this name may hold manifests. */
export function isManifest(path: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(path) || isKustomization(path);
}

/** Opens files of one folder for one set of images. */
export class Reader {
  readonly caps: Caps;
  readonly #index: NameIndex<NamedImage>;
  readonly #required: ReadonlySet<string>;

  /** Files with configured pins are always read; others when they may name an image. */
  constructor(index: NameIndex<NamedImage>, configured: readonly ConfiguredPin[], maxBytes: number) {
    this.caps = capsFor(maxBytes);
    this.#index = index;
    this.#required = new Set(configured.flatMap(({ file, also = [] }) => [file, ...also.map((field) => field.file)]));
  }

  /** The file, parsed; undefined when it holds no pin. Throws `manifest-invalid` when it may hold one and cannot be read. */
  open(file: ManifestFile): Source | undefined {
    const required = this.#required.has(file.path);
    if (!required && !isManifest(file.path)) return undefined;
    const text = decode(file.content);
    if (!required && !this.#index.mayMention(text ?? decodeLoosely(file.content))) return undefined;
    const read = this.#read(file, text);
    if (isSource(read)) return read;
    const mention = this.#index.mention(text ?? decodeLoosely(file.content), bareNames(file.path));
    if (!required && !mention) return undefined;
    throw unreadable(file.path, { ...read, line: read.line ?? mention?.line }, text, mention?.image.image);
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

  #read(file: ManifestFile, text: string | undefined): ReturnType<typeof readSource> {
    if (text === undefined) return { reason: 'it is not UTF-8 text', line: undefined };
    if (file.content.length > this.caps.bytes) {
      return {
        reason: `it has ${file.content.length} bytes, and ${this.caps.bytes} are read at most`,
        line: undefined,
      };
    }
    return readSource(file.path, text, this.caps);
  }
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
    return 'move the template out of the environment folder, and name the values file and path under pins: in tagflow.yaml';
  if (reason.includes('bytes')) return 'split the file, or raise maxFileBytes in tagflow.yaml';
  return reason.includes('UTF-8') ? 'save the file as UTF-8' : 'correct the file';
}
