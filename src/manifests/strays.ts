// Places that name an image's repository with a tag or a digest, and that no pin changes: an argument, a template, a field of a form
// that is not known. They run what they say, whatever is released.
import { NameIndex, splitImage } from './image-name.ts';
import { isKustomization } from './kustomize.ts';
import { decode } from './source.ts';
import type { ImageNames, ManifestFile, ReadPin } from './values.ts';

/** A place that names an image, and is not a pin. */
export interface Stray {
  readonly image: string;
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/** Maximum number of strays that are listed for each image. */
const MAX_STRAYS = 5;

/** The strays in files, beside the pins that were read from them. */
export function findStrays(
  files: readonly ManifestFile[],
  images: readonly ImageNames[],
  pins: readonly ReadPin[],
): readonly Stray[] {
  const index = new NameIndex(images);
  const pinned = new Set(pins.map(({ path, line }) => `${path}:${line}`));
  const found: Stray[] = [];
  const counts = new Map<string, number>();
  for (const { path, content } of files) {
    // what a kustomization's patches name is pinned by its entries
    const text = isKustomization(path) ? undefined : decode(content);
    if (text === undefined || !index.mayMention(text)) continue;
    const lines = text.split('\n');
    for (const [row, line] of lines.entries()) {
      if (pinned.has(`${path}:${row + 1}`)) continue;
      const version = versionBeside(lines, row);
      const beside = version !== undefined && !pinned.has(`${path}:${version.row + 1}`) ? version.text : undefined;
      for (const { image, text: written } of strayIn(line, index, beside)) {
        const count = (counts.get(image) ?? 0) + 1;
        counts.set(image, count);
        if (count <= MAX_STRAYS) found.push({ image, path, line: row + 1, text: written });
      }
    }
  }
  return found;
}

/** Lines around one in which its mapping may have a `version`. */
const AROUND = 4;

/** The `version` in the mapping of a line, for a form that is not known: `image: REPOSITORY` above `version: V4.0`. */
function versionBeside(
  lines: readonly string[],
  row: number,
): { readonly row: number; readonly text: string } | undefined {
  const own = /^(?<indent>[\s-]*)(?:image|repository|name): \S*\/\S*\s*$/.exec(lines[row] ?? '')?.groups?.['indent'];
  if (own === undefined) return undefined;
  const first = Math.max(0, row - AROUND);
  for (const [offset, line] of lines.slice(first, row + AROUND + 1).entries()) {
    const { indent, text } = /^(?<indent>[\s-]*)version: ["']?(?<text>[^\s"']+)["']?\s*$/.exec(line)?.groups ?? {};
    if (indent?.length === own.length && text !== undefined) return { row: first + offset, text };
  }
  return undefined;
}

/** Texts of a line that begin with a repository's whole name and have a tag or a digest behind it, or a version beside it. */
function strayIn(
  line: string,
  index: NameIndex<ImageNames>,
  version: string | undefined,
): readonly { readonly image: string; readonly text: string }[] {
  const code = /^\s*#/.test(line) ? '' : line.replace(/\s#.*$/, '');
  return [...code.matchAll(/[^\s"'`,[\]{}()<>|=]+/g)].flatMap(([text]) => {
    const written = splitImage(text);
    if (!written || !written.name.includes('/') || (written.tag ?? written.digest ?? version) === undefined) return [];
    const said = (written.tag ?? written.digest) === undefined ? `${text} with version ${version}` : text;
    return index.find([written.name]).map(({ image }) => ({ image, text: said }));
  });
}
