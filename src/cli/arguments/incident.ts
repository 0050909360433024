// The pattern by which releases that answer incidents are recognised.
import { TagflowError } from '../../model/errors.ts';

/** Longest pattern, in characters. */
const MAX_PATTERN = 200;

/** The pattern that was typed; undefined where none was. Throws `usage`. */
export function incidentPattern(typed: string | undefined): RegExp | undefined {
  if (typed === undefined) return undefined;
  try {
    if (typed.length > MAX_PATTERN) throw new SyntaxError(`it is longer than ${MAX_PATTERN} characters`);
    return new RegExp(typed, 'v');
  } catch (cause) {
    throw new TagflowError('usage', {
      what: `cannot read --incident ${JSON.stringify(typed)}: it is not a regular expression`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: "tagflow metrics --incident '^INC-[0-9]+'",
    });
  }
}
