// Entries of the journal, as a view.
import type { JournalEntry } from '../model/journal.ts';
import { type View, linesOf, styled, tableOf } from './view.ts';

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

function aboutOf({ environment, application, image, ends, rollbacks }: JournalEntry): string {
  const line = [environment ?? 'every environment', application].filter((part) => part !== undefined).join('/');
  const what = image ? ` ${[image.name, image.version ?? image.digest].filter(Boolean).join(' ')}` : '';
  const more = rollbacks ? ' with rollbacks' : '';
  return ends === undefined ? `${line}${what}${more}` : `${line} ends ${ends}`;
}

function entryShape(entry: JournalEntry): Readonly<Record<string, unknown>> {
  const { schema: _, signature, ...rest } = entry;
  return {
    ...rest,
    environment: entry.environment ?? null,
    application: entry.application ?? null,
    until: entry.until ?? null,
    ends: entry.ends ?? null,
    reason: entry.reason ?? null,
    signed: signature !== undefined,
  };
}
