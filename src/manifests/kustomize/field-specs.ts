// Fields beside containers that a kustomization's `configurations:` tell the image transformer to look at.
import type { Source } from '../source.ts';
import { textOf } from '../tree.ts';
import type { Element } from './elements.ts';

/** A place where the transformer looks too: `path: spec/sidecars[]/image`, in one kind or in all. */
export interface FieldSpec {
  readonly kind: string | undefined;
  readonly steps: readonly string[];
}

/** The places that a configuration adds under `images:`. */
export function fieldSpecs(source: Source | undefined): readonly FieldSpec[] {
  return (source?.trees ?? []).flatMap((tree) =>
    tree.items(tree.get(tree.root, ['images'])).flatMap((spec) => {
      const path = textOf(tree.get(spec, ['path']));
      if (path === undefined) return [];
      const steps = path.split('/').flatMap((step) => (step.endsWith('[]') ? [step.slice(0, -2), '[]'] : [step]));
      return [{ kind: textOf(tree.get(spec, ['kind'])), steps }];
    }),
  );
}

/** Whether the transformer looks at a field because of one of the specifications. */
export function matchesSpec({ reach, object, field }: Element, specs: readonly FieldSpec[]): boolean {
  if (reach !== 'field') return false;
  const steps = field.split('/').map((step) => (/^[0-9]+$/.test(step) ? '[]' : step));
  return specs.some(
    (spec) =>
      (spec.kind === undefined || object.startsWith(`${spec.kind}/`)) && spec.steps.join('/') === steps.join('/'),
  );
}
