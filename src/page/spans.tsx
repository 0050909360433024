// Locks, holds and freezes of a line: their spans of time, and a table that says the same in words.
import type { JSX } from 'preact';
import type { PageData, PageEntry, PageLine } from '../views/report/page-types.ts';
import { wordsOf } from './data.ts';
import { CommandText, DataTable, Time } from './parts.tsx';
import { actorOf, duration, moment } from './text.ts';

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
  /** What may not be released; nothing: everything. */
  readonly what: string;
  readonly by: string;
  readonly reason: string;
  /** The command that ends it; nothing for what is over, and for freezes. */
  readonly command: string | undefined;
}

/** Spans that the table shows. */
const MOST = 50;

/** Returns the spans of a line, newest first. */
export function lineSpansOf(data: PageData, line: PageLine): readonly LineSpan[] {
  const frozen = line.freezes.map(({ start, end, reason }): LineSpan => ({
    kind: 'freeze',
    key: `freeze ${start}`,
    start,
    end,
    isOpen: end >= data.made,
    what: '',
    by: 'tagflow.yaml',
    reason: reason ?? '',
    command: undefined,
  }));
  return [...journalSpans(data, line), ...rollbackHolds(data, line), ...frozen].toSorted((a, b) => b.start - a.start);
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
        what: entry.image ?? '',
        by: entry.by,
        reason: entry.reason ?? '',
        command: isOpen ? endCommand(entry, line) : undefined,
      };
    });
}

/**
 * Holds that rollbacks set, by themselves or by people. Each release says which holds are left, so a hold lasts from the first
 * release that has it to the first one that has it no more.
 */
function rollbackHolds({ made }: PageData, line: PageLine): readonly LineSpan[] {
  const found: LineSpan[] = [];
  const open = new Map<number, LineSpan>();
  for (const release of line.releases.toReversed()) {
    for (const [left, span] of open) {
      if (release.held.some((hold) => hold.release === left)) continue;
      found.push({ ...span, end: release.since, isOpen: false, command: undefined });
      open.delete(left);
    }
    for (const { release: left, what, reason } of release.held) {
      if (open.has(left)) continue;
      open.set(left, {
        kind: 'hold',
        key: `hold ${left} ${release.number}`,
        start: release.since,
        end: made,
        isOpen: true,
        what,
        by: actorOf(release),
        reason: reason ?? '',
        command: `tagflow promote ${wordsOf(line)} --unhold --reason "…"`,
      });
    }
  }
  return [...found, ...open.values()];
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

/** A span in words, for its title. */
export function spanText({ kind, what, by, reason, start, end, isOpen }: LineSpan): string {
  const about = what === '' ? '' : ` of ${what}`;
  const until = isOpen ? 'still lasts' : `until ${moment(end)}`;
  return `${kind}${about} by ${by}, from ${moment(start)}, ${until}${reason === '' ? '' : `: ${reason}`}`;
}

function isAbout(line: PageLine, environment: string | null, application: string | null): boolean {
  return (
    (environment === null || environment === line.environment) &&
    (application === null || application === line.application)
  );
}

/** The table. */
export function Spans({ data, line }: { readonly data: PageData; readonly line: PageLine }): JSX.Element | null {
  const spans = lineSpansOf(data, line);
  const { journalSince } = data;
  if (spans.length === 0 && journalSince === null) return null;
  return (
    <details>
      <summary>Locks, holds and freezes ({spans.length})</summary>
      <DataTable label="locks, holds and freezes" head={['what', 'of', 'from', 'for', 'by', 'why', 'end it']}>
        {spans.slice(0, MOST).map(({ kind, key, what, start, end, isOpen, by, reason, command }) => (
          <tr key={key}>
            <th scope="row">{kind}</th>
            <td>{what === '' ? 'everything' : what}</td>
            <td>
              <Time at={start} now={data.made} />
            </td>
            <td>
              {duration(end - start)}
              {isOpen ? ' (lasts)' : ''}
            </td>
            <td class="free">{by}</td>
            <td class="free">{reason}</td>
            <td>{command === undefined ? '' : <CommandText>{command}</CommandText>}</td>
          </tr>
        ))}
      </DataTable>
      {spans.length > MOST && <p>The newest {MOST} are listed.</p>}
      {journalSince !== null && (
        <p>
          This page does not show locks and holds that were set before {moment(Date.parse(journalSince))}. For all of
          them: <CommandText>{`tagflow journal ${wordsOf(line)} --limit 10000`}</CommandText>
        </p>
      )}
    </details>
  );
}
