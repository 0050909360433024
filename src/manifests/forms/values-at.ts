// Values of a Helm chart inside an object: a mapping, or text that is YAML.
import { Embedded } from '../embedded.ts';
import type { Document, Site } from '../form.ts';
import { type Path, isEmpty } from '../tree.ts';
import { walkValues } from './walk.ts';

/** The images in values at a path below an object, written as a mapping or as text. */
export function valuesAt(document: Document, below: Path, label: string | undefined): readonly Site[] {
  const path = [...document.path, ...below];
  const value = document.tree.get(document.root, below);
  if (value === undefined || isEmpty(value)) return [];
  const text = Embedded.read(document, path, value);
  if (!text) return walkValues(document, value, path, { byKeys: true, label });
  const { document: inner } = text;
  return walkValues(inner, inner.root, [], { byKeys: true, label }).map((site) => text.site(site));
}
