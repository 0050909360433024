// Entries of the journal, as a view.
import type { JournalEntry } from '../model/journal.ts';
import { type TextLine, type View, linesOf, styled, tableOf } from './view.ts';

/** Entries that were written just now, a line each. */
export function writtenView(entries: readonly JournalEntry[]): View {
  return {
    data: { entries: entries.map(entryShape) },
    parts: [
      linesOf(
        ...entries.map((entry) => [
          styled('green', '✓'),
          ` ${entry.kind} ${aboutOf(entry)}${entry.until === undefined ? '' : ` until ${entry.until}`}   id ${entry.id}`,
        ]),
      ),
    ],
  };
}

/** The journal, newest first. */
export function journalView(entries: readonly JournalEntry[]): View {
  const columns = ['TIME', 'KIND', 'ABOUT', 'ID', 'BY', { name: 'REASON', wraps: true }];
  const rows = entries.map((entry) => [
    `${entry.time.slice(0, 16).replace('T', ' ')}Z`,
    entry.kind,
    aboutOf(entry),
    entry.id,
    entry.onBehalfOf ?? entry.actor,
    entry.reason ?? '',
  ]);
  return { data: { entries: entries.map(entryShape) }, parts: [tableOf(columns, rows)] };
}

/** Journal entries, one on each line: what, by whom, when and why. */
export function entryLines(entries: readonly JournalEntry[]): readonly TextLine[] {
  return entries.map((entry) => {
    const { id, kind, time, actor, onBehalfOf, reason } = entry;
    const why = reason === undefined ? '' : `: ${reason}`;
    const when = `${time.slice(0, 16).replace('T', ' ')}Z`;
    return [styled('yellow', kind), ` ${aboutOf(entry)}   ${when}, by ${onBehalfOf ?? actor}${why} (${id})`];
  });
}

function aboutOf({ environment, application, image, ends, rollbacks, release, result, gate }: JournalEntry): string {
  const line = [environment ?? 'every environment', application].filter((part) => part !== undefined).join('/');
  const what = image ? ` ${[image.name, image.version ?? image.digest].filter(Boolean).join(' ')}` : '';
  const more = rollbacks ? ' with rollbacks' : '';
  const said = release ? `: release ${release.sequence}: ${result ?? ''}` : gate === undefined ? '' : `: gate ${gate}`;
  return ends === undefined ? `${line}${what}${more}${said}` : `${line} ends ${ends}`;
}

/** An entry with every key, whatever its kind; `steps` and `lost` are empty where there are none. */
export function entryShape(entry: JournalEntry): Readonly<Record<string, unknown>> {
  const { image, release } = entry;
  return {
    kind: entry.kind,
    id: entry.id,
    environment: entry.environment ?? null,
    application: entry.application ?? null,
    time: entry.time,
    until: entry.until ?? null,
    ends: entry.ends ?? null,
    actor: entry.actor,
    onBehalfOf: entry.onBehalfOf ?? null,
    job: entry.job ?? null,
    reason: entry.reason ?? null,
    rollbacks: entry.rollbacks === true,
    image: image ? { name: null, version: null, ...image } : null,
    subject: entry.subject ?? null,
    gate: entry.gate ?? null,
    release: release ?? null,
    result: entry.result ?? null,
    steps: entry.steps ?? [],
    lost: entry.lost ?? [],
    signed: entry.signature !== undefined,
  };
}
