// A scalar that holds a whole reference, `NAME[:TAG][@DIGEST]`, as a place.
import { isScalar } from 'yaml';
import type { Document, Site, Target } from './form.ts';
import { hasPlaceholder, joinImage, splitImage } from './image-name.ts';
import { refuseFlux, refusePlaceholder } from './refusals.ts';
import { retarget } from './retarget.ts';
import { type Change, holds, isFluxSetter, replaceScalar } from './splice.ts';
import { type Path, type Value, textOf } from './tree.ts';

/**
 * The place of a scalar that holds a whole reference, `NAME[:TAG][@DIGEST]`; undefined for one that names nothing. `lead`: what stands
 * before the reference, and stays.
 */
export function referenceSite(
  { source, index: document }: Pick<Document, 'source' | 'index'>,
  path: Path,
  value: Value | undefined,
  lead = '',
): Site | undefined {
  const text = textOf(value)?.trim().slice(lead.length);
  const written = text === undefined ? undefined : splitImage(text);
  if (!isScalar(value) || text === undefined || !written) return undefined;
  const offset = value.range?.[0] ?? 0;
  return {
    document,
    path,
    names: [written.name],
    tag: written.tag,
    digest: written.digest,
    text,
    offset,
    nodes: [value],
    pin(target: Target): Change {
      const name = retarget(written.name, target);
      const wanted = lead + joinImage(name, target.tag, target.digest);
      if (holds(value, wanted)) return { splices: [], intents: [{ document, path, value: wanted }] };
      if (hasPlaceholder(text)) throw refusePlaceholder(source, offset, path, text);
      if (isFluxSetter(source, value)) throw refuseFlux(source, offset, path);
      return { splices: [replaceScalar(source, value, wanted)], intents: [{ document, path, value: wanted }] };
    },
  };
}
