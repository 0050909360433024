// Whether a file is SARIF 2.1.0, by the schema that SARIF's own tools are tested with.
import { createRequire } from 'node:module';

interface Validator {
  (log: unknown): boolean;
  readonly errors?: readonly { readonly instancePath: string; readonly message?: string }[] | null;
}
type Compiler = new (options: object) => { compile(schema: object): Validator };

/** The schema has a pattern that only the older expressions take, and names formats that are of a plug-in. */
const TOLERANT = { strict: false, validateFormats: false, unicodeRegExp: false, allErrors: true };

/** What in a log breaks the schema; nothing where it is valid. */
export function sarifProblems(log: unknown): readonly string[] {
  const require = createRequire(import.meta.url);
  const { default: Ajv } = require('ajv-draft-04') as { readonly default: Compiler };
  const schema = require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object;
  const validate = new Ajv(TOLERANT).compile(schema);
  validate(log);
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`);
}
