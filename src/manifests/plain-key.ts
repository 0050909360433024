// Fields outside the known forms: any file, any path, named in tagflow.yaml. What the field means is decided there; what
// it holds is kept: a whole reference stays one, a digest stays a digest, a bare tag gets the digest behind it.
import { isScalar } from 'yaml';
import { isDigest } from '../model/digest.ts';
import type { Site, Target } from './form.ts';
import { hasPlaceholder, splitImage } from './image-name.ts';
import { refuseFlux, refusePlaceholder } from './refusals.ts';
import type { Source } from './source.ts';
import { type Change, holds, isFluxSetter, replaceScalar } from './splice.ts';
import { type Path, type Value, formatPath, isEmpty, textOf } from './tree.ts';
import { referenceSite } from './workloads.ts';

/** What stands at a configured path: its places, one for each document that has it, or why there is none. */
export type PlainKey = { readonly sites: readonly Site[] } | { readonly missing: string };

/** The places of a configured path in a file. `isName`: whether text without tag and digest is a name of the image. */
export function plainKey(source: Source, path: Path, isName: (name: string) => boolean): PlainKey {
  const values = source.trees.map((tree) => tree.get(tree.root, path));
  const sites = values.flatMap((value, document) => {
    const site = siteOf(source, document, path, value, isName);
    return site ? [site] : [];
  });
  if (sites.length > 0) return { sites };
  const other = values.some((value) => value !== undefined);
  return { missing: other ? `${formatPath(path)} holds no single value` : `the file has no ${formatPath(path)}` };
}

function siteOf(
  source: Source,
  document: number,
  path: Path,
  value: Value | undefined,
  isName: (name: string) => boolean,
): Site | undefined {
  if (!isScalar(value)) return undefined;
  const text = isEmpty(value) ? '' : (textOf(value) ?? '').trim();
  if (isReference(text, path, isName)) return referenceSite(source, document, path, value);
  const [before = '', after] = text.split('@', 2);
  const digest = isDigest(before) ? before : after;
  const tag = before === '' || isDigest(before) ? undefined : before;
  const offset = value.range?.[0] ?? 0;
  return {
    document,
    path,
    names: [],
    tag,
    digest,
    text,
    offset,
    nodes: [value],
    pin(target: Target): Change {
      const bare = target.style === 'digest' || isDigest(text);
      const wanted = bare ? target.digest : `${target.version}@${target.digest}`;
      const intents = [{ document, path, value: wanted }];
      if (holds(value, wanted)) return { splices: [], intents };
      if (hasPlaceholder(text)) throw refusePlaceholder(source, offset, path, text);
      if (isFluxSetter(source, value)) throw refuseFlux(source, offset, path);
      return { splices: [replaceScalar(source, value, wanted)], intents };
    },
  };
}

/**
 * Whether text names a repository: by a slash or a colon, by being a name of the image, or by its key. `redis@sha256:…`
 * alone could as well be a tag with its digest, as this room writes it.
 */
function isReference(text: string, path: Path, isName: (name: string) => boolean): boolean {
  if (text === '' || isDigest(text)) return false;
  const name = splitImage(text)?.name;
  if (name === undefined) return false;
  const beforeDigest = text.split('@', 1)[0] ?? '';
  return (
    beforeDigest.includes('/') || beforeDigest.includes(':') || isName(name) || /image$/i.test(String(path.at(-1)))
  );
}
