// Whether a file is SARIF 2.1.0, by the schema that SARIF's own tools are tested with.
import schema from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' };
import AjvDraft04 from 'ajv-draft-04';

/** The schema has a pattern that only the older expressions take, and names formats that are of a plug-in. */
const TOLERANT = { strict: false, validateFormats: false, unicodeRegExp: false } as const;

/** What in a log breaks the schema; nothing where it is valid. */
export function sarifProblems(log: unknown): readonly string[] {
  const validate = new AjvDraft04.default({ ...TOLERANT, allErrors: true }).compile(schema);
  validate(log);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
