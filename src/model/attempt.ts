// Errors as values, in one shape: for reports and judgements, in which one failure must not hide the other results.
import { type ErrorCode, type TagflowError, isTagflowError } from './errors.ts';

/** What work came to: its value, or the error with which it failed. */
export type Attempt<T> =
  | { readonly value: T; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: TagflowError };

/**
 * Whether an error is the answer of one piece of work, of one of the codes when any are named. An interrupt is not: it ends the
 * whole run. Neither is a defect.
 */
export function isProblem(error: unknown, ...codes: readonly ErrorCode[]): error is TagflowError {
  return isTagflowError(error, ...codes) && error.code !== 'interrupted' && error.code !== 'internal';
}

/** Returns the value of work, or its error where that is a problem of one of the codes. Throws every other error. */
export async function attempt<T>(
  work: Promise<T> | (() => T | Promise<T>),
  ...codes: readonly ErrorCode[]
): Promise<Attempt<T>> {
  try {
    return { value: await (work instanceof Promise ? work : work()) };
  } catch (error) {
    if (isProblem(error, ...codes)) return { problem: error };
    throw error;
  }
}

/** The same for work that waits for nothing. */
export function attemptNow<T>(work: () => T, ...codes: readonly ErrorCode[]): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (isProblem(error, ...codes)) return { problem: error };
    throw error;
  }
}
