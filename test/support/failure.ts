// How work that is expected to fail ended. A TagflowError is the answer; anything else thrown, and success, fail the test.
import { type TagflowError, isTagflowError } from '../../src/model/errors.ts';

/** The error that a promise is rejected with. */
export async function failureOf(work: Promise<unknown>): Promise<TagflowError> {
  const outcome = await work.then(unexpected, (error: unknown) => error);
  if (isTagflowError(outcome)) return outcome;
  throw outcome;
}

/** The error that a call throws. */
export function refusal(call: () => unknown): TagflowError {
  let outcome: unknown;
  try {
    outcome = unexpected(call());
  } catch (error) {
    outcome = error;
  }
  if (isTagflowError(outcome)) return outcome;
  throw outcome;
}

function unexpected(value: unknown): Error {
  return new Error(`expected it to fail, not to give ${JSON.stringify(value)}`);
}
