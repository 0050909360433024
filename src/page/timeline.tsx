// The second view: an environment's past as bars as long as a release ran, its metrics, and its releases as a table.
import { Fragment, type JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageData, PageLine, PageMetrics } from '../views/report/page-types.ts';
import { changesIn, endOf, wordsOf } from './data.ts';
import { Bars } from './bars.tsx';
import { CommandText, Heading, Marks, ReleaseLink, Remark, DataTable, Time } from './parts.tsx';
import { Deployments, LeadTimes } from './plot.tsx';
import { Spans } from './spans.tsx';
import { actionOf, duration, moment, percent, actorOf } from './text.ts';

/** Releases that the table shows before somebody asks for more. */
const FIRST = 50;

/** One line. `from`, `until`: the moments between which its past is drawn, all of it where they are empty. */
export function TimelineView(props: {
  readonly data: PageData;
  readonly line: PageLine;
  readonly from: string;
  readonly until: string;
}): JSX.Element {
  const { data, line } = props;
  const [shown, setShown] = useState(FIRST);
  const rest = line.releases.length - shown;
  return (
    <main>
      <Heading>{line.name}</Heading>
      <p>
        Branch <code>{line.branch}</code>, takes releases from <code>{line.from}</code>. <Marks marks={line.marks} />
      </p>
      {line.problem !== null && <p class="mark bad">✗ {line.problem}</p>}
      {line.remarks.length > 0 && (
        <ul>
          {line.remarks.map((remark, index) => (
            <Remark key={index} remark={remark} />
          ))}
        </ul>
      )}
      <ToDo line={line} />
      <Bars {...props} />
      <Spans data={data} line={line} />
      {line.metrics && <Metrics data={data} line={line} metrics={line.metrics} />}
      <h2>Releases</h2>
      {line.releases.length === 0 ? <p>No release yet.</p> : <Releases data={data} line={line} shown={shown} />}
      {rest > 0 && (
        <button type="button" onClick={() => setShown(shown + 10 * FIRST)}>
          show older releases ({rest})
        </button>
      )}
      <p>
        The same at a terminal: <CommandText>{`tagflow history ${wordsOf(line)}`}</CommandText>
      </p>
    </main>
  );
}

/** What can be done with a line, whatever its state. */
function ToDo({ line }: { readonly line: PageLine }): JSX.Element {
  const words = wordsOf(line);
  const all: readonly (readonly [string, string])[] = [
    ['see what a promotion would bring', `tagflow promote ${words} --dry-run`],
    ['promote', `tagflow promote ${words}`],
    ['go back', `tagflow rollback ${words} --reason "…"`],
    ['stop promotions', `tagflow lock ${words} --reason "…"`],
    ['put tags right', `tagflow apply ${words}`],
  ];
  return (
    <details>
      <summary>Commands for {line.name}</summary>
      <ul>
        {all.map(([what, command]) => (
          <li key={what}>
            {what}: <CommandText>{command}</CommandText>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Releases(props: { readonly data: PageData; readonly line: PageLine; readonly shown: number }): JSX.Element {
  const { data, line, shown } = props;
  return (
    <DataTable label="releases" head={['#', 'when', 'ran', 'action', 'changed', 'verification', 'by', 'why']}>
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
          <td>{release.verification?.result ?? ''}</td>
          <td class="free">{actorOf(release)}</td>
          <td class="free">{release.reason ?? ''}</td>
        </tr>
      ))}
    </DataTable>
  );
}

/** The metrics, each with its value and the releases that it counts. */
function metricRows(metrics: PageMetrics): readonly (readonly [string, string, readonly number[]])[] {
  const span = (seconds: number | null): string => (seconds === null ? 'not known' : duration(seconds * 1000));
  const failed = metrics.failed.map(({ release }) => release);
  const recovered = metrics.failed.flatMap((one) => one.recovered ?? []);
  const between = `${metrics.deployments.length}, ${span(metrics.deploymentIntervalSeconds)} between`;
  const unknown = metrics.leadTimeUnknown.length;
  const lead = `${span(metrics.changeLeadTimeSeconds)}${unknown === 0 ? '' : `; of ${unknown} deployments it is not known`}`;
  return [
    ['deployments', between, metrics.deployments],
    ['change lead time', lead, metrics.changed],
    ['change fail rate', percent(metrics.changeFailRate), failed],
    ['failed deployment recovery time', span(metrics.failedDeploymentRecoveryTimeSeconds), recovered],
    ['deployment rework rate', percent(metrics.deploymentReworkRate), metrics.rework],
  ];
}

/** Releases behind a number that are linked before somebody asks for more: the newest. */
const LINKS = 20;

/** Links to the releases behind a number. */
function Links({ line, numbers }: { readonly line: PageLine; readonly numbers: readonly number[] }): JSX.Element {
  const [isWhole, setIsWhole] = useState(false);
  const older = isWhole ? 0 : Math.max(0, numbers.length - LINKS);
  return (
    <>
      {older > 0 && (
        <button type="button" onClick={() => setIsWhole(true)}>
          {older} older
        </button>
      )}
      {numbers.slice(older).map((number) => (
        <Fragment key={number}>
          {' '}
          <ReleaseLink line={line.name} number={number} />
        </Fragment>
      ))}
    </>
  );
}

function Metrics(props: {
  readonly data: PageData;
  readonly line: PageLine;
  readonly metrics: PageMetrics;
}): JSX.Element {
  const { data, line, metrics } = props;
  return (
    <section>
      <h2>Delivery since {moment(data.since)}</h2>
      <DataTable label="delivery metrics" head={['metric', 'value', 'releases']}>
        {metricRows(metrics).map(([name, value, numbers]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value}</td>
            <td class="links">
              <Links line={line} numbers={numbers} />
            </td>
          </tr>
        ))}
      </DataTable>
      <div class="plots">
        <Deployments line={line} made={data.made} failed={metrics.failed.map(({ release }) => release)} />
        <LeadTimes line={line} made={data.made} />
      </div>
      <p class="dim">Times are medians. A rollback, a hotfix, an incident or a failed verification marks a failure.</p>
      <CommandText>{`tagflow metrics ${wordsOf(line)}`}</CommandText>
    </section>
  );
}
