// The past of a line as a drawing: bars as long as a release ran, and below them what was forbidden when.
import type { JSX, RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { PageData, PageLine, PageRelease } from '../views/report/page-types.ts';
import { changesIn, endOf } from './data.ts';
import { linkTo } from './route.ts';
import { type LineSpan, type SpanKind, spanText, lineSpansOf } from './spans.tsx';
import { actionOf, duration, iso, moment } from './text.ts';

const DAY = 86_400_000;
const ZOOMS = [
  ['a year', 365 * DAY],
  ['90 days', 90 * DAY],
  ['30 days', 30 * DAY],
  ['a week', 7 * DAY],
] as const;
/** The closest that the drawing comes, in milliseconds. */
const CLOSEST = 60_000;

/** Bars that are drawn: of more, the newest in the window. */
const MOST_BARS = 1_000;

/** Where the drawing begins, beside the names of its rows, in pixels; and what it takes at least. */
const LEFT = 60;
const NARROWEST = 300;
/** The width of a character of a small label. */
const LETTER = 6.5;
/** From the beginning of a label below the drawing to the next. */
const TICK = 160;
/** Where the rows below the bars are. */
const ROWS: readonly (readonly [SpanKind, number])[] = [
  ['lock', 56],
  ['hold', 70],
  ['freeze', 84],
];

/** The moments between which something is drawn. */
interface Shown {
  readonly from: number;
  readonly until: number;
}

/** The drawing, with what chooses its window. The window stands in the URL. */
export function Bars(props: {
  readonly data: PageData;
  readonly line: PageLine;
  readonly from: string;
  readonly until: string;
}): JSX.Element | null {
  const { data, line } = props;
  const oldest = line.releases.at(-1);
  if (!oldest) return null;
  const whole = { from: Math.min(oldest.since, data.made - CLOSEST), until: data.made };
  const shown = within(whole, { from: Date.parse(props.from), until: Date.parse(props.until) });
  return (
    <section>
      <h2>Timeline</h2>
      <Zoom line={line} whole={whole} shown={shown} />
      <Drawing data={data} line={line} shown={shown} />
      <p class="dim">
        A bar is as long as a release ran. Above it: ↩ rollback, ✗ verification failed, ? inconclusive. Below: locks,
        holds of people and of rollbacks, and freezes as tagflow.yaml has them today. The arrow keys go from release to
        release.
      </p>
    </section>
  );
}

/** The part of a window that a URL asks for; all of it where it asks for nothing that can be drawn. */
function within(whole: Shown, asked: Shown): Shown {
  const until = Number.isNaN(asked.until) ? whole.until : Math.min(whole.until, Math.max(asked.until, whole.from));
  const from = Number.isNaN(asked.from) ? whole.from : Math.max(whole.from, asked.from);
  return from <= until - CLOSEST ? { from, until } : { from: Math.max(whole.from, until - CLOSEST), until };
}

function Zoom(props: { readonly line: PageLine; readonly whole: Shown; readonly shown: Shown }): JSX.Element {
  const { line, whole, shown } = props;
  const { from, until } = shown;
  const length = until - from;
  const go = (next: Shown): void => {
    const { from: start, until: end } = within(whole, next);
    location.replace(
      linkTo({
        view: 'line',
        line: line.name,
        from: start === whole.from ? '' : iso(start),
        until: end === whole.until ? '' : iso(end),
      }),
    );
  };
  const moves: readonly (readonly [string, Shown])[] = [
    ['all', whole],
    ...ZOOMS.map(([name, span]) => [name, { from: whole.until - span, until: whole.until }] as const),
    ['closer', { from: from + length / 4, until: until - length / 4 }],
    ['farther', { from: from - length / 2, until: until + length / 2 }],
    [
      'earlier',
      { from: Math.max(whole.from, from - length / 2), until: Math.max(whole.from + length, until - length / 2) },
    ],
    ['later', { from: Math.min(whole.until - length, from + length / 2), until: until + length / 2 }],
  ];
  return (
    <fieldset class="zoom">
      <legend>
        shown: {moment(from)} to {moment(until)}
      </legend>
      {moves.map(([name, next]) => (
        <button key={name} type="button" onClick={() => go(next)}>
          {name}
        </button>
      ))}
    </fieldset>
  );
}

/** The width that an element has on the screen, in pixels, so that text in a drawing is as large as text elsewhere. */
function useWidth(): { readonly ref: RefObject<HTMLDivElement | null>; readonly width: number } {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1000);
  useLayoutEffect(() => {
    const { current } = ref;
    if (!current) return undefined;
    const measure = (): void => setWidth(Math.max(NARROWEST, current.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

function Drawing(props: { readonly data: PageData; readonly line: PageLine; readonly shown: Shown }): JSX.Element {
  const { data, line, shown } = props;
  const { ref, width } = useWidth();
  const { from, until } = shown;
  const x = (at: number): number =>
    LEFT + ((Math.min(until, Math.max(at, from)) - from) / Math.max(1, until - from)) * (width - LEFT);
  const drawn = line.releases
    .map((release, index) => ({ release, index, end: endOf(line, index) ?? data.made }))
    .filter(({ release, end }) => release.since <= until && end >= from)
    .slice(0, MOST_BARS);
  const spans = lineSpansOf(data, line).filter(({ start, end }) => start <= until && end >= from);
  return (
    <div ref={ref}>
      <svg
        viewBox={`0 0 ${width} 112`}
        class="timeline"
        role="group"
        aria-label={`releases of ${line.name} by time`}
        onKeyDown={followArrows}
      >
        {ticks(shown, (width - LEFT) / TICK).map((at) => (
          <g key={at}>
            <line x1={x(at)} x2={x(at)} y1={14} y2={96} class="grid" />
            <text x={x(at)} y={108} class="tick">
              {moment(at).slice(0, until - from > 3 * DAY ? 10 : 16)}
            </text>
          </g>
        ))}
        {ROWS.map(([kind, y]) => (
          <Row key={kind} kind={kind} y={y} x={x} spans={spans.filter((span) => span.kind === kind)} />
        ))}
        {drawn.map(({ release, index, end }, at) => (
          <Bar key={release.number} line={line} index={index} end={end} x={x} isFirst={at === 0} />
        ))}
      </svg>
    </div>
  );
}

function Bar(props: {
  readonly line: PageLine;
  readonly index: number;
  readonly end: number;
  readonly x: (at: number) => number;
  /** The bar that the tabulator key comes to; the arrow keys go on from it. */
  readonly isFirst: boolean;
}): JSX.Element | null {
  const { line, index, end, x, isFirst } = props;
  const release = line.releases[index];
  if (!release) return null;
  const { number, since } = release;
  const label = `release ${number}, ${actionOf(release)}, ${changesIn(line, index)}, ${moment(since)}, ran ${duration(end - since)}${verdictOf(release)}`;
  const width = Math.max(1.5, x(end) - x(since) - 1);
  return (
    <>
      <a href={linkTo({ view: 'release', line: line.name, number })} aria-label={label} tabIndex={isFirst ? 0 : -1}>
        <title>{label}</title>
        <rect x={x(since)} y={14} width={width} height={34} rx={2} class={`bar ${kindOf(release)}`} />
        <text x={x(since)} y={11} class="bar-sign">
          {signOf(release)}
        </text>
      </a>
      <g class="bar-label" aria-hidden="true">
        {width > 8 * (String(number).length + 2) && (
          <text x={x(since) + 5} y={29}>
            #{number}
          </text>
        )}
        {width > 8 * LETTER && (
          <text x={x(since) + 5} y={42} class="small">
            {cut(newIn(line, index), width / LETTER - 1)}
          </text>
        )}
      </g>
    </>
  );
}

function kindOf({ verification, action }: PageRelease): string {
  return verification?.result === 'failed' ? 'failed' : action;
}

/** What the colour of a bar says. */
function signOf({ verification, action }: PageRelease): string {
  const verdict = { failed: '✗', inconclusive: '?' }[verification?.result ?? ''] ?? '';
  return `${action === 'rollback' ? '↩' : ''}${verdict}`;
}

function verdictOf({ verification }: PageRelease): string {
  return verification ? `, verification ${verification.result}` : '';
}

function Row(props: {
  readonly kind: SpanKind;
  readonly y: number;
  readonly x: (at: number) => number;
  readonly spans: readonly LineSpan[];
}): JSX.Element {
  const { kind, y, x, spans } = props;
  return (
    <g>
      <text x={0} y={y + 8} class="tick">
        {kind}s
      </text>
      {spans.map((span) => {
        const width = Math.max(1.5, x(span.end) - x(span.start));
        return (
          <rect key={span.key} x={x(span.start)} y={y} width={width} height={8} class={`span ${kind}`}>
            <title>{spanText(span)}</title>
          </rect>
        );
      })}
    </g>
  );
}

/** Goes to the bar before or after the one that has the focus. The newest comes first. */
function followArrows(event: KeyboardEvent & { readonly currentTarget: SVGSVGElement }): void {
  const step = { ArrowLeft: 1, ArrowRight: -1 }[event.key];
  if (step === undefined) return;
  const bars = [...event.currentTarget.querySelectorAll<SVGAElement>('a')];
  const now = bars.indexOf(document.activeElement as SVGAElement);
  const next = bars[now + step];
  if (now < 0 || !next) return;
  event.preventDefault();
  bars[now]?.setAttribute('tabindex', '-1');
  next.setAttribute('tabindex', '0');
  next.focus();
}

/** The versions that a release brought; all of the first one. */
function newIn({ releases }: PageLine, index: number): string {
  const [release, before] = [releases[index], releases[index + 1]];
  const old = new Set(before?.images.map(({ name, digest }) => `${name} ${digest}`));
  const brought = release?.images.filter(({ name, digest }) => !old.has(`${name} ${digest}`)) ?? [];
  return brought.length > 0 ? brought.map(({ version }) => version).join(', ') : 'configuration';
}

/** Text that has at most that many characters. */
function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, Math.max(0, Math.floor(most) - 1))}…` : text;
}

/** Moments that are spread evenly, at least two. */
function ticks({ from, until }: Shown, room: number): readonly number[] {
  const count = Math.max(2, Math.floor(room));
  return Array.from({ length: count }, (_, index) => from + (index / count) * (until - from));
}
