// How work that is expected to fail ended. A TagflowError is the answer; anything else thrown, and success, fail the test.
import { type TagflowError, isTagflowError } from '../../src/model/errors.ts';

/** The error that a promise is rejected with. */
export async function failureOf(work: Promise<unknown>): Promise<TagflowError> {
  const outcome = await work.then(unexpected, (error: unknown) => error);
  return told(outcome);
}

/** The error that a call throws. */
export function refusal(call: () => unknown): TagflowError {
  let outcome: unknown;
  try {
    outcome = unexpected(call());
  } catch (error) {
    outcome = error;
  }
  return told(outcome);
}

/** An expected failure has words for a person, whatever its code; one without is a defect. */
function told(outcome: unknown): TagflowError {
  if (!isTagflowError(outcome)) throw outcome;
  if (outcome.message === '') throw new Error(`${outcome.code} does not say what happened`);
  return outcome;
}

function unexpected(value: unknown): Error {
  return new Error(`expected it to fail, not to give ${JSON.stringify(value)}`);
}
