// Arguments that need more than commander's own parsing.
import { TagflowError } from '../model/errors.ts';
import { isRecordText } from '../model/release-record.ts';

/** A reason as a record can hold it: one line without control characters. Throws `usage`. */
export function recordReason(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const line = text.trim();
  if (isRecordText(line)) return line;
  throw new TagflowError('usage', {
    what: 'the reason cannot stand in the record',
    why: 'it has more than one line, control characters, or more than 2,000 characters',
    fix: 'give one plain line: --reason "INC-412 checkout 500s"',
  });
}
