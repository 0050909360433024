// What composing gives. Apart from context.ts, so that the types of the library lead to ports and to no adapter.
import type { Given } from '../engine/context.ts';

/** Ports, and how to free them. */
export interface Composition {
  readonly context: Given;
  close(): Promise<void>;
}
