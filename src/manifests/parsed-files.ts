// Files that one release reads several times (what they build on, what they say, what they build), each parsed once.
import type { Caps } from './caps.ts';
import { type ReadFailure, type Source, readSource } from './source.ts';

/** What was parsed of files, by their content. It lives as long as one release is planned. */
export class ParsedFiles {
  readonly #read = new Map<Uint8Array, Source | ReadFailure>();

  /** The file of this text, parsed. */
  read(
    { path, content }: { readonly path: string; readonly content: Uint8Array },
    text: string,
    caps: Caps,
  ): Source | ReadFailure {
    const known = this.#read.get(content);
    if (known && (!('path' in known) || known.path === path)) return known;
    const read = readSource(path, text, caps);
    this.#read.set(content, read);
    return read;
  }

  /** Lets go of all that was parsed. */
  forget(): void {
    this.#read.clear();
  }
}
