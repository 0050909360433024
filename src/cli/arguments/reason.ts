// Reasons, as a command line gives them.
import { TagflowError } from '../../model/errors.ts';
import { isRecordText } from '../../model/release-record.ts';

/** A reason as a record can hold it: one line without control characters. Throws `usage`. */
export function recordReason(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const line = text.trim();
  if (isRecordText(line)) return line;
  throw new TagflowError('usage', {
    what: 'the record cannot hold this reason',
    why: 'it has more than one line, control or invisible characters, or more than 2,000 characters',
    fix: 'give one plain line: --reason "INC-412 checkout 500s"',
  });
}

/** The same for a command that is not done without one. Throws `usage`. */
export function requiredReason(text: string | undefined): string {
  const reason = recordReason(text);
  if (reason !== undefined) return reason;
  throw new TagflowError('usage', {
    what: 'a reason is needed',
    why: 'the journal keeps it',
    fix: '--reason "INC-412 …"',
  });
}
