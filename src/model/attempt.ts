// Work that may fail, as a value: for reports and judgements, in which one failure must not keep anybody from the rest.
import type { TagflowError } from './errors.ts';

/** What work came to: its value, or the error with which it failed. */
export type Attempt<T> =
  | { readonly value: T; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: TagflowError };
