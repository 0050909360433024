// Appending to the journal: one small file, one commit, pushed by compare-and-swap. Entries never touch the same file, so an
// append that loses a race is put on the new head.
import { TagflowError } from '../../model/errors.ts';
import {
  type EntryDraft,
  type JournalEntry,
  entryPath,
  formatEntry,
  makeEntry,
  signedText,
} from '../../model/journal.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment, Pipeline } from '../../model/pipeline.ts';
import type { EntryPorts, Given } from '../context.ts';
import { journalOf, signerOfEntry } from '../read/journal.ts';
import { signingOf } from '../read/signatures.ts';
import type { Snapshot } from '../read/snapshot.ts';

/** What appending needs to know of the remote. */
export type JournalBase = Pick<Snapshot, 'branches' | 'pipeline' | 'trunk'>;

/** What an entry says of itself: who writes it and when is added. */
export type EntryText = Omit<EntryDraft, 'time' | 'actor' | 'onBehalfOf' | 'job'>;

/** An entry, and the head of the journal that has it. */
export interface Appended {
  readonly entry: JournalEntry;
  readonly head: ObjectId;
}

/** Entries that were written, and the configuration that they were written under. */
export interface Written<Entries extends readonly JournalEntry[] = readonly JournalEntry[]> {
  readonly entries: Entries;
  readonly pipeline: Pipeline;
}

/** Attempts against others who append at the same time. */
const ATTEMPTS = 20;

/**
 * Appends an entry. `environments`: those that it is about, by whose rules it has to count in one at least. Creates the journal
 * where there is none. Throws `signature-invalid` before anything is pushed, `push-denied`, and what pushing throws.
 */
export async function appendEntry(
  context: EntryPorts,
  snapshot: JournalBase,
  environments: readonly Environment[],
  text: EntryText,
): Promise<Appended> {
  const { branch } = journalOf(snapshot);
  let { head } = journalOf(snapshot);
  const entry = await signedEntry(context, environments, text);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    context.signal.throwIfAborted();
    const commit = await commitEntry(context, snapshot, head, entry);
    const verdict = await context.ledger.push(branch, commit, head);
    if (verdict.outcome === 'landed') return { entry, head: commit };
    if (verdict.outcome === 'denied') {
      throw new TagflowError('push-denied', {
        what: `the remote refuses a push to ${branch}; the journal is as before`,
        why: verdict.reason,
        fix: `allow this identity to push to ${branch}, and nobody to force or delete it`,
        details: { branch },
      });
    }
    head = verdict.outcome === 'lost' ? verdict.head : await context.ledger.head(branch);
    if (head) await context.ledger.fetch([head]);
    await context.clock.sleep(50 * (0.5 + context.random()) * (attempt + 1), context.signal);
  }
  throw new TagflowError('race-lost', {
    what: `${branch} kept moving: ${ATTEMPTS} attempts lost the race`,
    why: 'others wrote entries each time; this one wrote nothing',
    fix: 'run the command again',
  });
}

async function commitEntry(
  context: Pick<Given, 'ledger' | 'settings'>,
  snapshot: JournalBase,
  head: ObjectId | undefined,
  entry: JournalEntry,
): Promise<ObjectId> {
  const { environment = 'every environment', application, kind, id } = entry;
  const about = application === undefined ? environment : `${environment}/${application}`;
  return context.ledger.writeCommit({
    base: head ?? snapshot.trunk.head,
    ...(head === undefined && { clear: true as const }),
    parents: head === undefined ? [] : [head],
    edits: [{ kind: 'write', path: entryPath(entry), content: new TextEncoder().encode(formatEntry(entry)) }],
    message: `${kind} ${about} (${id}) [skip ci]\n${entry.reason === undefined ? '' : `\n${entry.reason}\n`}`,
    author: context.settings.who.author,
    time: Date.parse(entry.time),
  });
}

/** The entry as this person's, now; signed where releases are, and refused where it would not count. */
async function signedEntry(
  context: EntryPorts,
  environments: readonly Environment[],
  text: EntryText,
): Promise<JournalEntry> {
  const { actor, onBehalfOf, job } = context.settings.who;
  const draft: EntryDraft = {
    ...text,
    time: new Date(context.clock.now()).toISOString(),
    actor,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(job !== undefined && { job }),
  };
  const unsigned = makeEntry(draft, context.random());
  const trust = environments.find((one) => one.trust)?.trust;
  if (!trust) return unsigned;
  const signature = await signingOf(context).sign(trust.method, signedText(unsigned), 'journal');
  const entry = { ...unsigned, signature };
  const verdicts = await Promise.all(environments.map(async (one) => signerOfEntry(context, one, entry)));
  const [first] = verdicts.flatMap((verdict) => ('problem' in verdict ? [verdict.problem] : []));
  if (first === undefined) return entry;
  const without = environments.filter((_, at) => 'problem' in (verdicts[at] ?? {}));
  const names = without.map(({ name }) => name).join(', ');
  if (without.length < environments.length) {
    const text = `this ${entry.kind} does not count in ${names}: ${first}`;
    context.notify({ level: 'warning', text });
    return entry;
  }
  throw new TagflowError('signature-invalid', {
    what: `this ${entry.kind} of ${names} would not count; nothing was written`,
    why: first,
    fix: `sign with another key (user.signingKey, TAGFLOW_SIGNING_KEY), or name this one under journalBy on the trunk`,
    details: { environments: environments.map(({ name }) => name) },
  });
}

/** The heads of a snapshot, to be replaced by later ones. */
export function headsOf({ pipeline, trunk, branches }: Snapshot): JournalBase {
  return { pipeline, trunk, branches };
}
