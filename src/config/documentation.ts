// What an editor and the reference page say about the values of tagflow.yaml, beside their shape.
import * as z from 'zod/mini';

/** What an editor and the reference page say about a value. Merged into the JSON Schema as it stands. */
export interface Documentation {
  readonly title: string;
  /** What the value means. Markdown, whole sentences. */
  readonly description: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  /** What holds when the key is left out, in words, where `default` cannot say it as a value. */
  readonly absent?: string;
  /** Hints for editors on text: never stricter than the parser that has the last word. */
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minProperties?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The words for each part of the schema. */
export const documentation = z.registry<Documentation>();
