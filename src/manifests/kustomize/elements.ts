// The image names that reach a kustomization's `images:` entries, each with the place that it comes from.
import type { ImageField, Reach } from './fields.ts';

/** A name on its way through kustomizations. */
export interface Element {
  /** What it is called now: as written, or as an entry on the way renamed it. */
  readonly name: string;
  /** Where it is written. */
  readonly path: string;
  readonly line: number;
  /** Whether it is pinned where it is written, or by an entry on the way. */
  readonly pinned: boolean;
  readonly reach: Reach;
  readonly container: string | undefined;
  /** `Deployment/web`. */
  readonly object: string;
  /** The field, as a JSON pointer without its first slash. */
  readonly field: string;
}

/** A set of elements: the same name from the same place counts once. */
export class Elements {
  readonly #byKey = new Map<string, Element>();

  constructor(elements: Iterable<Element> = []) {
    for (const element of elements) this.add(element);
  }

  add(element: Element): void {
    const { name, path, line, field, pinned } = element;
    this.#byKey.set(`${path}\n${line}\n${field}\n${name}\n${pinned}`, element);
  }

  addAll(elements: Iterable<Element>): void {
    for (const element of elements) this.add(element);
  }

  [Symbol.iterator](): IterableIterator<Element> {
    return this.#byKey.values();
  }

  map(change: (element: Element) => Element): Elements {
    return new Elements([...this].map(change));
  }
}

/** The element of a field that stands in a file. */
export function elementOf(field: ImageField, path: string, line: number, pinned: boolean): Element {
  const { name, reach, container, object } = field;
  return { name, path, line, pinned, reach, container, object, field: field.path.join('/') };
}
