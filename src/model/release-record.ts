// The release record as YAML, and back. Written deterministically; read strictly, since a record is evidence.
import { type Document, isScalar, parseDocument, visit } from 'yaml';
import * as z from 'zod/mini';
import { type Digest, isDigest } from './digest.ts';
import { readBlockYaml } from './block-yaml.ts';
import { advise } from './advice.ts';
import { TagflowError } from './errors.ts';
import { misfitWords } from './misfit.ts';
import { type ObjectId, isObjectId } from './object-id.ts';
import { type Tag, isTag } from './reference.ts';
import { isPlain, plain } from './text.ts';
import { toPlainYaml } from './yaml-text.ts';
import type { Hold, ReleaseRecord } from './release.ts';

/** Characters that a record may have: 200 images take about 60,000. */
export const LONGEST_RECORD = 262_144;
/** A longer file is not a record, in bytes. */
export const LARGEST_RECORD = 3 * LONGEST_RECORD;
/** Of one that is not written as tagflow writes records, in characters: a YAML parser takes a thousand times as much memory. */
const MAX_OTHER_SPELLING = 65_536;

/** Levels of a record; it has five. */
const MAX_DEPTH = 200;

const HEADER = `# Written by tagflow; history, rollback and audit read it. A change by hand makes it invalid.
`;

const line = z
  .string()
  .check(z.minLength(1), z.maxLength(2000), z.refine(isPlain, 'has a control character, or an invisible one'));
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'is not a digest');
const objectId = z.custom<ObjectId>((value) => typeof value === 'string' && isObjectId(value), 'is not an object id');
const tag = z.custom<Tag>((value) => typeof value === 'string' && isTag(value), 'is not a tag');
const sequence = z.int().check(z.minimum(1));
const time = z.string().check(
  z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/, 'is not a UTC time'),
  z.refine((text) => !Number.isNaN(Date.parse(text)), 'is not a time'),
);

const image = z.strictObject({ repository: line, version: tag, digest });
const hold = z.strictObject({
  release: sequence,
  images: z.record(line, z.strictObject({ version: tag, digest })),
  commit: z.optional(objectId),
  reason: z.optional(line),
});
const gate = z.strictObject({
  gate: line,
  decision: z.enum(['pass', 'refuse', 'wait', 'unknown', 'overridden']),
  reason: line,
  until: z.optional(time),
  by: z.optional(line),
  why: z.optional(line),
});
const common = {
  environment: line,
  sequence,
  action: z.enum(['promote', 'rollback', 'import']),
  images: z.record(line, image),
  source: z.strictObject({ environment: z.optional(line), branch: line, commit: objectId }),
  restored: z.optional(z.strictObject({ sequence, commit: objectId, imagesOnly: z.optional(z.literal(true)) })),
  actor: line,
  onBehalfOf: z.optional(line),
  job: z.optional(line),
  time,
  reason: z.optional(line),
  held: z.array(hold),
  gates: z.array(gate),
  plan: digest,
  config: z.union([z.strictObject({ commit: objectId }), z.strictObject({ file: digest })]),
};
/** What a record may hold. */
export const recordSchema = z.discriminatedUnion('schema', [
  z.strictObject({ ...common, schema: z.literal(1), base: objectId, previous: z.optional(sequence) }),
  z.strictObject({
    ...common,
    kind: z.literal('release'),
    schema: z.literal(2),
    application: z.optional(line),
    base: z.optional(objectId),
    previous: z.optional(z.strictObject({ sequence, commit: objectId })),
    scope: objectId,
    merged: z.optional(z.array(objectId).check(z.minLength(1))),
    overrides: z.optional(z.array(line).check(z.minLength(1))),
    rulesChanged: z.optional(z.array(z.strictObject({ commit: objectId, author: line, time })).check(z.minLength(1))),
    journal: z.optional(objectId),
  }),
]);

/** Enough of the header to know it by. */
const BEGINNING = new TextEncoder().encode(HEADER.slice(0, 20));

/** Whether a file is one that tagflow wrote as a record, valid or not. */
export function isRecordFile(content: Uint8Array): boolean {
  return content.length >= BEGINNING.length && BEGINNING.every((byte, at) => content[at] === byte);
}

/** Whether text may stand in a record: one line, at most 2,000 characters, nothing that a terminal would obey. */
export function isRecordText(text: string): boolean {
  return z.safeParse(line, text).success;
}

/** Returns the record as YAML, byte for byte the same for equal records. */
export function formatRecord(record: ReleaseRecord): string {
  const { schema: version, previous } = record;
  const document = {
    // A signature is over these bytes: the first of them says what they are.
    kind: version === 1 ? undefined : 'release',
    schema: version,
    environment: record.environment,
    application: record.application,
    sequence: record.sequence,
    action: record.action,
    images: byName(record.images, ({ repository, version, digest }) => ({ repository, version, digest })),
    source: record.source,
    base: record.base,
    previous: version === 1 ? previous?.sequence : previous,
    scope: record.scope,
    restored: record.restored,
    merged: record.merged,
    actor: record.actor,
    onBehalfOf: record.onBehalfOf,
    job: record.job,
    time: record.time,
    reason: record.reason,
    held: record.held.map((held) => ({
      release: held.release,
      images: byName(held.images, ({ version, digest }) => ({ version, digest })),
      commit: held.commit,
      reason: held.reason,
    })),
    gates: record.gates,
    overrides: record.overrides,
    rulesChanged: record.rulesChanged,
    journal: record.journal,
    plan: record.plan,
    config: record.config,
  };
  return HEADER + toPlainYaml(document);
}

/**
 * Whether text could be nested deeper than a record is, told before it is parsed: brackets that stay open, and marks of lists and
 * keys in a row on one line. Brackets within texts count as well; nobody writes hundreds of them.
 */
function isTooDeep(text: string): boolean {
  let open = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open = bracket === '[' || bracket === '{' ? open + 1 : Math.max(0, open - 1);
    if (open > MAX_DEPTH) return true;
  }
  return new RegExp(`(?:[-?:][ \\t]+){${MAX_DEPTH}}`).test(text);
}

/** Returns the record that YAML text spells. Throws `record-invalid`, saying where. `file` is for the message. */
export function parseRecord(text: string, file: string): ReleaseRecord {
  if (text.length > LONGEST_RECORD)
    throw invalid(file, `it has more than ${LONGEST_RECORD} characters, which is too long for a record`);
  const result = z.safeParse(recordSchema, readBlockYaml(text) ?? readYaml(text, file));
  if (!result.success) {
    throw invalid(file, plain(misfitWords(result.error)));
  }
  const { kind: _, ...record } = { kind: undefined, ...result.data };
  const previous = typeof record.previous === 'number' ? { sequence: record.previous } : record.previous;
  if (Object.keys(record.images).length === 0) throw invalid(file, 'it does not name an image');
  if (previous === undefined ? record.sequence !== 1 : previous.sequence !== record.sequence - 1) {
    throw invalid(file, `sequence ${record.sequence} does not follow ${previous?.sequence ?? 'nothing'}`);
  }
  if (record.schema === 2 && previous !== undefined && record.base !== undefined)
    throw invalid(file, 'base: only the first record of a line has it');
  return {
    ...record,
    ...(previous && { previous }),
    images: toList(record.images),
    held: record.held.map((held) => ({ ...held, images: toList(held.images) }) as Hold),
  } as ReleaseRecord;
}

/** What runs out of stack: while it is parsed, or while the values are made of it. */
const TOO_DEEP = 'it is nested too deep';

/** The value that YAML text spells, when it spells it the plain way that `formatRecord` does. */
function readYaml(text: string, file: string): unknown {
  if (isTooDeep(text)) throw invalid(file, TOO_DEEP);
  if (text.length > MAX_OTHER_SPELLING) {
    throw invalid(file, `it is not formatted as tagflow formats records, and has ${text.length} characters`);
  }
  try {
    // The parser's own check of keys compares each with each: a file of many keys would keep it busy for minutes.
    const document = parseDocument(text, { uniqueKeys: false, version: '1.2', schema: 'core', prettyErrors: true });
    const [error] = [...document.errors, ...document.warnings];
    if (error?.code === 'RESOURCE_EXHAUSTION') throw invalid(file, TOO_DEEP);
    if (error) throw invalid(file, plain(`it is not YAML: ${error.message.split('\n')[0]}`));
    const trick = findTrick(document);
    if (trick !== undefined) throw invalid(file, plain(trick));
    return document.toJS();
  } catch (error) {
    if (error instanceof RangeError) throw invalid(file, TOO_DEEP);
    throw error;
  }
}

/** What of YAML a record never uses and could mislead a reader: anchors, aliases, tags, keys that are there twice. */
function findTrick(document: Document): string | undefined {
  let trick: string | undefined;
  visit(document, {
    Alias: (_, { source }) => {
      trick = `it has an alias, *${source}`;
      return visit.BREAK;
    },
    Value: (_, node) => {
      if (node.anchor !== undefined) trick = `it has an anchor, &${node.anchor}`;
      else if (node.tag !== undefined) trick = `it has a tag, ${node.tag}`;
      return trick === undefined ? undefined : visit.BREAK;
    },
    Map: (_, { items, anchor, tag }) => {
      const seen = new Set<string>(['__proto__']);
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : '?';
        if (name === '?' || seen.has(name)) trick = `the key ${name} appears twice, or is not a name`;
        seen.add(name);
      }
      if (anchor !== undefined || tag !== undefined) trick = 'it has an anchor or a tag';
      return trick === undefined ? undefined : visit.BREAK;
    },
  });
  return trick;
}

function byName<T extends { readonly name: string }, V>(items: readonly T[], value: (item: T) => V): Record<string, V> {
  return Object.fromEntries(sortByName(items).map((item) => [item.name, value(item)]));
}

function toList<T extends object>(items: Readonly<Record<string, T>>): readonly (T & { readonly name: string })[] {
  return sortByName(Object.entries(items).map(([name, item]) => ({ name, ...item })));
}

function sortByName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function invalid(file: string, why: string): TagflowError {
  return new TagflowError('record-invalid', {
    what: `${file} is not a valid release record`,
    why,
    fix: advise`restore the last release that tagflow wrote (${{ act: 'rollback' }}), or restore the file: git log -- ${file}`,
    details: { file },
  });
}
