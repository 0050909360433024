// Patches that stand as text in what applies them: in Flux's Kustomization, in a kustomization.
import { Embedded } from '../embedded.ts';
import type { Document, Form, Site } from '../form.ts';
import type { Source } from '../source.ts';
import type { Path } from '../tree.ts';
import { jsonPatch } from './json-patch.ts';
import { objects } from './objects.ts';

/** The images that a patch at a path below a document's root brings. `reached`: offsets in its text that something else pins. */
export function patchSites(
  document: Document,
  below: Path,
  reached: (patch: Source) => ReadonlySet<number> = () => new Set(),
): readonly Site[] {
  const text = Embedded.read(document, [...document.path, ...below], document.tree.get(document.root, below));
  if (!text) return [];
  const form = [jsonPatch, objects].find((each: Form) => each.claims(text.document));
  const others = reached(text.document.source);
  const sites = form?.sites(text.document).filter(({ offset }) => !others.has(offset)) ?? [];
  return sites.map((site) => text.site(site));
}
