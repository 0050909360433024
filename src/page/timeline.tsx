// The second view: an environment's past as bars as long as a release ran, its metrics, and its releases as a table.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageData, PageEntry, PageLine, PageMetrics } from '../views/report/page-types.ts';
import { changesIn, endOf, wordsOf } from './data.ts';
import { Command, Marks, ReleaseLink, Remark, Table, Time } from './parts.tsx';
import { Deployments, LeadTimes } from './plot.tsx';
import { linkTo } from './route.ts';
import { actionOf, duration, moment, percent, actorOf } from './text.ts';

const DAY = 86_400_000;
const ZOOMS = [
  ['all', Number.POSITIVE_INFINITY],
  ['a year', 365 * DAY],
  ['90 days', 90 * DAY],
  ['30 days', 30 * DAY],
  ['a week', 7 * DAY],
] as const;

/** Releases that the table shows before somebody asks for more. */
const FIRST = 50;
/** Bars that are drawn: of more, the newest. */
const MOST_BARS = 1_000;

/** One line. */
export function Timeline({ data, line }: { readonly data: PageData; readonly line: PageLine }): JSX.Element {
  const [shown, setShown] = useState(FIRST);
  const rest = line.releases.length - shown;
  return (
    <main>
      <h1>{line.name}</h1>
      <p>
        Branch <code>{line.branch}</code>, takes releases from <code>{line.from}</code>. <Marks marks={line.marks} />
      </p>
      {line.problem !== null && <p class="mark bad">✗ {line.problem}</p>}
      {line.remarks.length > 0 && (
        <ul>
          {line.remarks.map((text) => (
            <Remark key={text} text={text} />
          ))}
        </ul>
      )}
      <Bars data={data} line={line} />
      {line.metrics && <Metrics data={data} line={line} metrics={line.metrics} />}
      <h2>Releases</h2>
      {line.releases.length === 0 ? <p>No release yet.</p> : <Releases data={data} line={line} shown={shown} />}
      {rest > 0 && (
        <button type="button" onClick={() => setShown(shown + 10 * FIRST)}>
          show older releases ({rest})
        </button>
      )}
      <p>
        The same at a terminal: <Command>{`tagflow history ${wordsOf(line)}`}</Command>
      </p>
    </main>
  );
}

function Releases(props: { readonly data: PageData; readonly line: PageLine; readonly shown: number }): JSX.Element {
  const { data, line, shown } = props;
  return (
    <Table label="releases" head={['#', 'when', 'ran', 'action', 'changed', 'by', 'why', 'verification']}>
      {line.releases.slice(0, shown).map((release, index) => (
        <tr key={release.number}>
          <td>
            <ReleaseLink line={line.name} number={release.number} />
          </td>
          <td>
            <Time at={release.since} now={data.made} />
          </td>
          <td>
            {duration((endOf(line, index) ?? data.made) - release.since)}
            {index === 0 ? ' (runs)' : ''}
          </td>
          <td>{actionOf(release)}</td>
          <td>{changesIn(line, index)}</td>
          <td>{actorOf(release)}</td>
          <td>{release.reason ?? ''}</td>
          <td>{release.verification?.result ?? ''}</td>
        </tr>
      ))}
    </Table>
  );
}

function Bars({ data, line }: { readonly data: PageData; readonly line: PageLine }): JSX.Element | null {
  const [zoom, setZoom] = useState<number>(Number.POSITIVE_INFINITY);
  const bars = line.releases.slice(0, MOST_BARS);
  const oldest = bars.at(-1);
  if (!oldest) return null;
  const from = Math.max(oldest.since, data.made - zoom);
  return (
    <section>
      <h2>Timeline</h2>
      <fieldset class="zoom">
        <legend>show</legend>
        {ZOOMS.map(([name, length]) => (
          <button key={name} type="button" aria-pressed={zoom === length} onClick={() => setZoom(length)}>
            {name}
          </button>
        ))}
      </fieldset>
      <div class="scroll" role="region" aria-label="timeline" tabIndex={0}>
        <Drawing data={data} line={line} from={from} />
      </div>
      <p class="dim">
        A bar is as long as a release ran. ↩ rollback, ✗ verification failed. Below the bars: locks and holds, then
        freezes as tagflow.yaml has them today.
      </p>
    </section>
  );
}

function Drawing(props: { readonly data: PageData; readonly line: PageLine; readonly from: number }): JSX.Element {
  const { data, line, from } = props;
  const x = (at: number): number => ((Math.max(at, from) - from) / Math.max(1, data.made - from)) * 1000;
  return (
    <svg viewBox="0 0 1000 84" class="timeline" role="group" aria-label={`releases of ${line.name} by time`}>
      {line.releases.slice(0, MOST_BARS).map((release, index) => {
        const end = endOf(line, index) ?? data.made;
        if (end < from) return null;
        const kind = release.verification?.result === 'failed' ? 'failed' : release.action;
        const label = `release ${release.number}, ${actionOf(release)}, ${changesIn(line, index)}, ${moment(release.since)}, ran ${duration(end - release.since)}`;
        const width = Math.max(1.5, x(end) - x(release.since) - 1);
        return (
          <a
            key={release.number}
            href={linkTo({ view: 'release', line: line.name, number: release.number })}
            aria-label={label}
          >
            <title>{label}</title>
            <rect x={x(release.since)} y={10} width={width} height={34} rx={2} class={`bar ${kind}`} />
            {width > 26 && (
              <text x={x(release.since) + 4} y={32} class="bar-label">
                {release.action === 'rollback' ? '↩' : ''}
                {kind === 'failed' ? '✗' : ''}#{release.number}
              </text>
            )}
          </a>
        );
      })}
      {spansOfJournal(data, line).map(({ entry, until }) => (
        <rect
          key={entry.id}
          x={x(Date.parse(entry.time))}
          y={47}
          width={Math.max(1.5, x(until) - x(Date.parse(entry.time)))}
          height={6}
          class={`span ${entry.kind}`}
        >
          <title>{`${entry.kind} by ${entry.by}, ${entry.time}: ${entry.reason ?? ''}`}</title>
        </rect>
      ))}
      {line.freezes
        .filter(({ end }) => end > from)
        .map(({ start, end, reason }) => (
          <rect key={start} x={x(start)} y={57} width={Math.max(1.5, x(end) - x(start))} height={6} class="span freeze">
            <title>{`freeze, ${moment(start)} to ${moment(end)}: ${reason ?? ''}`}</title>
          </rect>
        ))}
      {ticks(from, data.made).map((at) => (
        <text key={at} x={x(at)} y={80} class="tick">
          {moment(at).slice(0, data.made - from > 3 * DAY ? 10 : 16)}
        </text>
      ))}
    </svg>
  );
}

/** Four moments that are spread evenly. */
function ticks(from: number, until: number): readonly number[] {
  return [0, 0.25, 0.5, 0.75].map((part) => from + part * (until - from));
}

/** Locks and holds of a line, with the moment of their end. */
function spansOfJournal({ journal, made }: PageData, line: PageLine): readonly { entry: PageEntry; until: number }[] {
  return journal
    .filter(({ kind }) => kind === 'lock' || kind === 'hold')
    .filter(({ environment, application }) => isAbout(line, environment, application))
    .map((entry) => {
      const end = journal.find(({ ends }) => ends === entry.id)?.time ?? entry.until;
      return { entry, until: end === null ? made : Math.min(made, Date.parse(end)) };
    });
}

function isAbout(line: PageLine, environment: string | null, application: string | null): boolean {
  return (
    (environment === null || environment === line.environment) &&
    (application === null || application === line.application)
  );
}

function Metrics(props: {
  readonly data: PageData;
  readonly line: PageLine;
  readonly metrics: PageMetrics;
}): JSX.Element {
  const { data, line, metrics } = props;
  const span = (seconds: number | null): string => (seconds === null ? 'not known' : duration(seconds * 1000));
  const links = (numbers: readonly number[]): JSX.Element[] =>
    numbers.slice(-20).map((number) => <ReleaseLink key={number} line={line.name} number={number} />);
  const rows: readonly (readonly [string, string, readonly number[]])[] = [
    [
      'deployments',
      `${metrics.deployments.length}, ${span(metrics.deploymentIntervalSeconds)} between`,
      metrics.deployments,
    ],
    [
      'change lead time',
      span(metrics.changeLeadTimeSeconds),
      [...new Set(metrics.changes.map(({ release }) => release))],
    ],
    ['change fail rate', percent(metrics.changeFailRate), metrics.failed.map(({ release }) => release)],
    [
      'failed deployment recovery time',
      span(metrics.failedDeploymentRecoveryTimeSeconds),
      metrics.failed.flatMap(({ recovered }) => recovered ?? []),
    ],
    ['deployment rework rate', percent(metrics.deploymentReworkRate), metrics.rework],
  ];
  return (
    <section>
      <h2>Delivery since {moment(data.since)}</h2>
      <Table label="delivery metrics" head={['metric', 'value', 'releases']}>
        {rows.map(([name, value, numbers]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value}</td>
            <td class="links">{links(numbers)}</td>
          </tr>
        ))}
      </Table>
      <Deployments line={line} made={data.made} failed={metrics.failed.map(({ release }) => release)} />
      <LeadTimes line={line} made={data.made} />
      <p class="dim">Times are medians. A rollback, a hotfix, an incident or a failed verification marks a failure.</p>
      <Command>{`tagflow metrics ${wordsOf(line)}`}</Command>
    </section>
  );
}
