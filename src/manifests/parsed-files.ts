// Files that one release reads several times (what they build on, what they say, what they build), each parsed once.
import { TagflowError } from '../model/errors.ts';
import { type Caps, LARGEST_TOGETHER } from './caps.ts';
import { type ReadFailure, type Source, readSource } from './source.ts';

/** What was parsed of files, by their content. It lives as long as one release is planned. */
export class ParsedFiles {
  readonly #read = new Map<Uint8Array, Source | ReadFailure>();
  #bytes = 0;

  /** The file of this text, parsed. Throws `manifest-invalid` where it and those before it are too large together. */
  read(
    { path, content }: { readonly path: string; readonly content: Uint8Array },
    text: string,
    caps: Caps,
  ): Source | ReadFailure {
    const known = this.#read.get(content);
    if (known && (!('path' in known) || known.path === path)) return known;
    this.#bytes += content.length;
    if (this.#bytes > LARGEST_TOGETHER * caps.bytes) throw tooMuch(path, caps);
    const read = readSource(path, text, caps);
    this.#read.set(content, read);
    return read;
  }

  /** The bytes of what was parsed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Lets go of all that was parsed. */
  forget(): void {
    this.#read.clear();
    this.#bytes = 0;
  }
}

function tooMuch(path: string, caps: Caps): TagflowError {
  const most = LARGEST_TOGETHER * caps.bytes;
  return new TagflowError('manifest-invalid', {
    what: `${path} is not read: the manifests that may name an image are too large together`,
    why: `up to ${Math.ceil(most / 2 ** 20)} MB of them are read of one commit, ${LARGEST_TOGETHER} times maxFileSize`,
    fix: 'remove what does not belong there from the branch, or name a smaller folder as the environment’s path; where they are really that large, raise maxFileSize in tagflow.yaml',
    details: { path, limit: 'maxFileSize', most },
  });
}
