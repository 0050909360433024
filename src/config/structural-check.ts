// The structural check: values against the schema, with each difference reported in the terms of the reader's file.
import type * as z from 'zod/mini';
import type { ConfigDocument } from './document.ts';
import { KINDS, nearestBranch } from '../model/misfit.ts';
import { nearest } from '../model/nearest.ts';
import { type ConfigPath, quote } from './problems.ts';
import { configJsonSchema, configSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;
type JsonSchema = Readonly<Record<string, unknown>>;

/** Reports every place where a document has not the shape of a tagflow.yaml. */
export function checkShape(document: ConfigDocument): void {
  const result = configSchema.safeParse(document.value);
  if (result.success) return;
  const context: Context = { document, schema: configJsonSchema() };
  for (const issue of result.error.issues) reportIssue(context, issue, []);
}

interface Context {
  readonly document: ConfigDocument;
  readonly schema: JsonSchema;
}

function reportIssue(context: Context, issue: Issue, base: ConfigPath): void {
  const path = [...base, ...(issue.path as ConfigPath)];
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) reportUnknownKey(context, path, key);
      return;
    case 'invalid_union':
      for (const inner of nearestBranch(issue.errors)) reportIssue(context, inner, path);
      return;
    case 'invalid_value':
      reportWrongValue(context, path, issue.values);
      return;
    case 'invalid_type':
      reportWrongType(context, path, issue.expected);
      return;
    default:
      context.document.report(path, `${quote(valueAt(context, path))} does not fit`, fixFor(context, path));
  }
}

function reportUnknownKey({ document, schema }: Context, path: ConfigPath, key: string): void {
  const known = keysAt(schema, path);
  const elsewhere = key === 'plainHttp' ? 'list the host under plainHttp at the top level' : undefined;
  const meant = nearest(key, known);
  const fix = meant
    ? `did you mean ${meant}?`
    : (elsewhere ?? placeOf(schema, key) ?? `keys here: ${known.join(', ')}`);
  document.report([...path, key], `there is no key ${quote(key)}`, fix, 'key');
}

/** Where a key that is wrong here would be right. */
function placeOf(schema: JsonSchema, key: string): string | undefined {
  const places: readonly (readonly [string, ConfigPath])[] = [
    ['at the top level', []],
    ['in an image', ['images', '*']],
    ['in an environment', ['environments', '*']],
    ['in an entry of pins', ['environments', '*', 'pins', 0]],
    ['in versions', ['images', '*', 'versions']],
  ];
  const place = places.find(([, path]) => keysAt(schema, path).includes(key));
  return place && `${key} belongs ${place[0]}`;
}

function reportWrongValue(context: Context, path: ConfigPath, allowed: readonly unknown[]): void {
  const value = valueAt(context, path);
  if (value === undefined) return reportMissing(context, path);
  if (path.length === 1 && path[0] === 'version') {
    context.document.report(
      path,
      `version ${quote(value)} of the format is unknown`,
      'write version: 1, or use a newer tagflow',
    );
    return undefined;
  }
  const words = allowed.map(String);
  const meant = typeof value === 'string' ? nearest(value, words) : undefined;
  // `versions: calver`: beside the words there is the other form.
  const form = path.at(-1) === 'versions' ? [...words, 'a pattern with an order'] : words;
  context.document.report(
    path,
    `${quote(value)} is not a value of ${String(path.at(-1))}`,
    meant ? `did you mean ${meant}?` : `write ${form.join(' or ')}`,
  );
  return undefined;
}

function reportWrongType(context: Context, path: ConfigPath, expected: string): void {
  const value = valueAt(context, path);
  if (value === undefined) return reportMissing(context, path);
  const { document } = context;
  const source = document.sourceOf(path);
  if (expected === 'string' && source !== undefined && value !== null) {
    document.report(path, `${source} is read as ${kindOf(value)}, not as text`, `write it in quotes: '${source}'`);
    return undefined;
  }
  const what = value === null ? 'it has no value' : `it is ${kindOf(value)}`;
  document.report(path, `${what}, and should be ${KINDS[expected] ?? expected}`, fixFor(context, path));
  return undefined;
}

function reportMissing(context: Context, path: ConfigPath): void {
  const key = String(path.at(-1));
  context.document.report(path, `${key} is missing`, fixFor(context, path), 'key');
}

function fixFor({ schema }: Context, path: ConfigPath): string {
  const node = schemaAt(schema, path);
  const example = (node?.['examples'] as readonly unknown[] | undefined)?.[0];
  const key = path.at(-1);
  if (example === undefined || typeof key !== 'string') return 'see docs/reference/configuration.md';
  return `for instance: ${key}: ${typeof example === 'string' ? example : JSON.stringify(example)}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  if (typeof value === 'object') return 'a map of keys';
  if (typeof value === 'string') return 'text';
  return typeof value === 'boolean' ? 'true or false' : 'a number';
}

function valueAt({ document }: Context, path: ConfigPath): unknown {
  let value: unknown = document.value;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function keysAt(schema: JsonSchema, path: ConfigPath): readonly string[] {
  return Object.keys((objectForm(schemaAt(schema, path) ?? {})['properties'] as object | undefined) ?? {});
}

function schemaAt(schema: JsonSchema, path: ConfigPath): JsonSchema | undefined {
  let node: JsonSchema | undefined = objectForm(schema);
  for (const [index, part] of path.entries()) {
    const children: unknown =
      typeof part === 'number'
        ? node?.['items']
        : ((node?.['properties'] as JsonSchema | undefined)?.[part] ?? node?.['additionalProperties']);
    if (typeof children !== 'object' || children === null) return undefined;
    // The last node keeps its own words; on the way there, the form with keys is the one to follow.
    node = children as JsonSchema;
    if (index < path.length - 1 || node['examples'] === undefined) node = objectForm(node);
  }
  return node;
}

function objectForm(node: JsonSchema): JsonSchema {
  const forms = node['anyOf'] as readonly JsonSchema[] | undefined;
  return forms?.find((form) => form['type'] === 'object') ?? node;
}
