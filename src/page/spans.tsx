// Locks, holds and freezes of a line: their spans of time, and a table that says the same in words.
import type { JSX } from 'preact';
import type { PageData, PageEntry, PageLine } from '../views/report/page-types.ts';
import { wordsOf } from './data.ts';
import { Command, Table, Time } from './parts.tsx';
import { duration } from './text.ts';

/** What a span is. */
export type SpanKind = 'lock' | 'hold' | 'freeze';

/** A span of time during which something was forbidden. */
export interface LineSpan {
  readonly kind: SpanKind;
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** Whether it lasts when the page is made. */
  readonly isOpen: boolean;
  readonly by: string;
  readonly reason: string;
  /** The command that ends it; nothing for what is over, and for freezes. */
  readonly command: string | undefined;
}

/** Spans that the table shows. */
const MOST = 50;

/** Returns the spans of a line, newest first. */
export function spansOf(data: PageData, line: PageLine): readonly LineSpan[] {
  const frozen = line.freezes.map(({ start, end, reason }): LineSpan => {
    const isOpen = end >= data.made;
    const by = 'tagflow.yaml';
    return { kind: 'freeze', key: `freeze ${start}`, start, end, isOpen, by, reason: reason ?? '', command: undefined };
  });
  return [...journalSpans(data, line), ...frozen].toSorted((a, b) => b.start - a.start);
}

function journalSpans({ journal, made }: PageData, line: PageLine): readonly LineSpan[] {
  return journal
    .filter(({ kind }) => kind === 'lock' || kind === 'hold')
    .filter(({ environment, application }) => isAbout(line, environment, application))
    .map((entry): LineSpan => {
      const end = endOf(entry, journal);
      const isOpen = end === undefined || end > made;
      return {
        kind: entry.kind === 'lock' ? 'lock' : 'hold',
        key: entry.id,
        start: Date.parse(entry.time),
        end: Math.min(made, end ?? made),
        isOpen,
        by: entry.by,
        reason: entry.reason ?? '',
        command: isOpen ? endCommand(entry, line) : undefined,
      };
    });
}

/** When an entry ended: by another one, or by itself; the earlier of both. */
function endOf({ id, until }: PageEntry, journal: readonly PageEntry[]): number | undefined {
  const ends = [until, journal.find(({ ends: ended }) => ended === id)?.time].flatMap((time) =>
    time === null || time === undefined ? [] : Date.parse(time),
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function endCommand({ kind, id }: PageEntry, line: PageLine): string {
  return kind === 'hold' ? `tagflow lift ${id}` : `tagflow unlock ${wordsOf(line)}`;
}

function isAbout(line: PageLine, environment: string | null, application: string | null): boolean {
  return (
    (environment === null || environment === line.environment) &&
    (application === null || application === line.application)
  );
}

/** The table. */
export function Spans({ data, line }: { readonly data: PageData; readonly line: PageLine }): JSX.Element | null {
  const spans = spansOf(data, line);
  if (spans.length === 0) return null;
  return (
    <details>
      <summary>Locks, holds and freezes ({spans.length})</summary>
      <Table label="locks, holds and freezes" head={['what', 'from', 'for', 'by', 'why', 'end it']}>
        {spans.slice(0, MOST).map(({ kind, key, start, end, isOpen, by, reason, command }) => (
          <tr key={key}>
            <th scope="row">{kind}</th>
            <td>
              <Time at={start} now={data.made} />
            </td>
            <td>
              {duration(end - start)}
              {isOpen ? ' (lasts)' : ''}
            </td>
            <td>{by}</td>
            <td>{reason}</td>
            <td>{command === undefined ? '' : <Command>{command}</Command>}</td>
          </tr>
        ))}
      </Table>
      {spans.length > MOST && <p>The newest {MOST} are listed.</p>}
    </details>
  );
}
