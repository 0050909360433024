// The journal: facts that are not releases, such as locks. Each is an entry, a small file that is written once and never changed;
// what an entry began, another entry ends. Its path says what it is about, so that what may be open follows from names.
import { parseDocument, stringify } from 'yaml';
import * as z from 'zod/mini';
import { type Digest, digestOfData, isDigest } from './digest.ts';
import { advise } from './advice.ts';
import { readBlockYaml } from './block-yaml.ts';
import { TagflowError } from './errors.ts';
import { misfitWords } from './misfit.ts';
import { type ObjectId, isObjectId } from './object-id.ts';
import { isPlain, plain } from './text.ts';

/** What entries say. Those that end another are listed with what they end in `ENDED_BY`. */
export const ENTRY_KINDS = [
  'lock',
  'unlock',
  'hold',
  'lift',
  'approve',
  'unapprove',
  'override',
  'verify',
  'restart',
] as const;

/** What an entry says. */
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** Kinds that begin something which lasts, and the kind that ends it. */
export const ENDED_BY = { lock: 'unlock', hold: 'lift', approve: 'unapprove' } as const;

/** A kind that lasts until another entry ends it, or until its time is over. */
export type LastingKind = keyof typeof ENDED_BY;

/** An entry of the journal. */
export interface JournalEntry {
  readonly schema: 1;
  readonly kind: EntryKind;
  /** Twelve hexadecimal digits: the name by which people and ending entries call it. */
  readonly id: string;
  /** Absent: every environment. */
  readonly environment?: string;
  /** Absent: every application. */
  readonly application?: string;
  /** ISO 8601 in UTC, with milliseconds. */
  readonly time: string;
  /** When it ends by itself. */
  readonly until?: string;
  /** The id of the entry that this one ends. */
  readonly ends?: string;
  readonly actor: string;
  readonly onBehalfOf?: string;
  /** URL of the CI job. */
  readonly job?: string;
  readonly reason?: string;
  /** `lock`: rollbacks are stopped as well. */
  readonly rollbacks?: true;
  /** `hold`: the image that shall not be released. */
  readonly image?: { readonly name?: string; readonly version?: string; readonly digest: Digest };
  /** `approve`, `override`: the subject digest of what may be released. */
  readonly subject?: Digest;
  /** `override`: the gate that is overridden for it. */
  readonly gate?: string;
  /** `verify`: the release that was looked at, and what was found. */
  readonly release?: { readonly sequence: number; readonly commit: ObjectId };
  readonly result?: 'passed' | 'failed' | 'inconclusive';
  readonly steps?: readonly StepResult[];
  /** `restart`: heads of the journal that was lost, as far as releases name them. */
  readonly lost?: readonly ObjectId[];
  /** Armoured, over the entry without this key; absent where nothing is signed. */
  readonly signature?: string;
}

/** What one step of a verification found. */
export interface StepResult {
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'inconclusive';
  /** One line: what was seen. */
  readonly seen: string;
}

/** What the path of an entry says. */
export interface EntryName {
  readonly kind: EntryKind;
  readonly environment: string | undefined;
  readonly application: string | undefined;
  readonly id: string;
  readonly ends: string | undefined;
  /** `20261130T021500123Z`: names of one kind sort by it. */
  readonly stamp: string;
}

/** An entry before it has an id. */
export type EntryDraft = Omit<JournalEntry, 'schema' | 'id' | 'signature'>;

/** The journal's branch where `journal:` names no other. */
export const JOURNAL_BRANCH = 'tagflow-journal';

/** Characters that an entry may have. */
export const LONGEST_ENTRY = 65_536;
/** What stands in a path for every environment, and for every application. */
export const EVERY = '_';
const ENTRY_ID = /^[0-9a-f]{12}$/;
const PATH =
  /^([a-z]+)\/([a-z0-9._-]+)\/([a-z0-9._-]+)\/(\d{4}-\d\d)\/(\d{8}T\d{9}Z)-([0-9a-f]{12})(?:-([0-9a-f]{12}))?\.yaml$/;

/** The id that a person typed, in lower case as entries have it; undefined: the text is not an id. */
export function readEntryId(text: string): string | undefined {
  const id = text.toLowerCase();
  return ENTRY_ID.test(id) ? id : undefined;
}

/** The entry that a draft becomes. `salt` tells apart what two people write in the same millisecond. */
export function makeEntry(draft: EntryDraft, salt: number): JournalEntry {
  const digest = digestOfData({ ...draft, salt });
  return { schema: 1, ...draft, id: digest.slice(digest.indexOf(':') + 1).slice(0, 12) };
}

/** Where an entry stands. It follows from the entry, so an entry that was moved is found out. */
export function entryPath({ kind, environment, application, time, id, ends }: JournalEntry): string {
  const stamp = time.replaceAll(/[-:.]/g, '');
  const name = ends === undefined ? `${stamp}-${id}` : `${stamp}-${id}-${ends}`;
  return [kind, environment ?? EVERY, application ?? EVERY, time.slice(0, 7), `${name}.yaml`].join('/');
}

/** What a path says; undefined when it is not the path of an entry. */
export function readEntryPath(path: string): EntryName | undefined {
  const [, kind = '', environment = '', application = '', month = '', stamp = '', id = '', ends] =
    PATH.exec(path) ?? [];
  const known = ENTRY_KINDS.find((one) => one === kind);
  if (!known || `${stamp.slice(0, 4)}-${stamp.slice(4, 6)}` !== month) return undefined;
  return { kind: known, environment: named(environment), application: named(application), id, ends, stamp };
}

function named(part: string): string | undefined {
  return part === EVERY ? undefined : part;
}

const line = z.string().check(z.minLength(1), z.maxLength(2000), z.refine(isPlain, 'has a control character'));
const id = z.string().check(z.regex(ENTRY_ID, 'is not an id'));
const time = z.string().check(
  z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'is not a UTC time'),
  z.refine((text) => !Number.isNaN(Date.parse(text)), 'is not a time'),
);
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'is not a digest');
const objectId = z.custom<ObjectId>((value) => typeof value === 'string' && isObjectId(value), 'is not an object id');
const result = z.enum(['passed', 'failed', 'inconclusive']);
const schema = z.strictObject({
  schema: z.literal(1),
  kind: z.enum(ENTRY_KINDS),
  id,
  environment: z.optional(line),
  application: z.optional(line),
  time,
  until: z.optional(time),
  ends: z.optional(id),
  actor: line,
  onBehalfOf: z.optional(line),
  job: z.optional(line),
  reason: z.optional(line),
  rollbacks: z.optional(z.literal(true)),
  image: z.optional(z.strictObject({ name: z.optional(line), version: z.optional(line), digest })),
  subject: z.optional(digest),
  gate: z.optional(line),
  release: z.optional(z.strictObject({ sequence: z.int().check(z.minimum(1)), commit: objectId })),
  result: z.optional(result),
  steps: z.optional(z.array(z.strictObject({ name: line, result, seen: line }))),
  lost: z.optional(z.array(objectId)),
  signature: z.optional(z.string().check(z.maxLength(16_384))),
});
const KEYS = Object.keys(schema.shape) as readonly (keyof JournalEntry)[];

/** The entry as YAML, byte for byte the same for equal entries. */
export function formatEntry(entry: JournalEntry): string {
  const ordered = Object.fromEntries(KEYS.flatMap((key) => (entry[key] === undefined ? [] : [[key, entry[key]]])));
  return stringify(ordered, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.2' });
}

/** The bytes that a signature of an entry is over: the entry without the signature, after a line that says what it is. */
export function signedText(entry: JournalEntry): Uint8Array {
  const { signature: _, ...rest } = entry;
  return new TextEncoder().encode(`tagflow journal entry\n${formatEntry(rest)}`);
}

/**
 * The entry that YAML text spells, byte for byte as `formatEntry` writes it, at the path that follows from it. Throws
 * `journal-invalid`.
 */
export function parseEntry(text: string, path: string): JournalEntry {
  if (text.length > LONGEST_ENTRY)
    throw invalid(path, `it has more than ${LONGEST_ENTRY} characters, which is too long for an entry`);
  const found = z.safeParse(schema, readBlockYaml(text) ?? readYaml(text, path));
  if (!found.success) {
    throw invalid(path, plain(misfitWords(found.error)));
  }
  const entry = found.data as JournalEntry;
  if (formatEntry(entry) !== text) throw invalid(path, 'it does not have the form in which tagflow writes entries');
  if (entryPath(entry) !== path) throw invalid(path, `it belongs to ${entryPath(entry)}`);
  return entry;
}

function readYaml(text: string, path: string): unknown {
  try {
    const document = parseDocument(text, { uniqueKeys: false, version: '1.2', schema: 'core' });
    const [error] = [...document.errors, ...document.warnings];
    if (error) throw invalid(path, `it is not YAML: ${error.message.split('\n')[0]}`);
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof TagflowError) throw error;
    // Aliases and nesting beyond all bounds end here: no entry has either.
    throw invalid(path, 'it cannot be read as YAML');
  }
}

function invalid(path: string, why: string): TagflowError {
  return new TagflowError('journal-invalid', {
    what: `${path} in the journal is not a valid entry`,
    why,
    fix: advise`to see who wrote it: ${{ act: 'check' }}`,
    details: { path },
  });
}
