// A validator of the part of JSON Schema (draft 2020-12) that tagflow.schema.json uses, for tests. It throws on a keyword
// it does not know, so that a schema that grows cannot be half checked.

type Schema = Readonly<Record<string, unknown>>;

const NOTES: ReadonlySet<string> = new Set(['$schema', 'title', 'description', 'examples', 'default']);

const KEYWORDS: Readonly<Record<string, (value: unknown, wanted: never, schema: Schema) => boolean>> = {
  type: (value, wanted: string) => isOfType(value, wanted),
  const: (value, wanted: unknown) => value === wanted,
  enum: (value, wanted: readonly unknown[]) => wanted.includes(value),
  anyOf: (value, wanted: readonly Schema[]) => wanted.some((schema) => fits(value, schema)),
  pattern: (value, wanted: string) => typeof value !== 'string' || new RegExp(wanted, 'u').test(value),
  maxLength: (value, wanted: number) => typeof value !== 'string' || Array.from(value).length <= wanted,
  minimum: (value, wanted: number) => typeof value !== 'number' || value >= wanted,
  maximum: (value, wanted: number) => typeof value !== 'number' || value <= wanted,
  items: (value, wanted: Schema) => !Array.isArray(value) || value.every((item) => fits(item, wanted)),
  required: (value, wanted: readonly string[]) => !isObject(value) || wanted.every((key) => Object.hasOwn(value, key)),
  minProperties: (value, wanted: number) => !isObject(value) || Object.keys(value).length >= wanted,
  propertyNames: (value, wanted: Schema) => !isObject(value) || Object.keys(value).every((key) => fits(key, wanted)),
  properties: (value, wanted: Readonly<Record<string, Schema>>) =>
    !isObject(value) ||
    Object.entries(wanted).every(([key, schema]) => !Object.hasOwn(value, key) || fits(value[key], schema)),
  additionalProperties: (value, wanted: Schema | false, schema) =>
    !isObject(value) ||
    Object.keys(value)
      .filter((key) => !Object.hasOwn(schema['properties'] ?? {}, key))
      .every((key) => wanted !== false && fits(value[key], wanted)),
};

/** Whether a value fits a schema. */
export function fits(value: unknown, schema: Schema): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    if (NOTES.has(keyword)) return true;
    const check = KEYWORDS[keyword];
    if (!check) throw new Error(`the keyword ${keyword} is not known here`);
    return check(value, wanted as never, schema);
  });
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
