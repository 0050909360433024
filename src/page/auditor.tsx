// The fifth view: what ran at any moment, where an image is and was, what `check` found, and the evidence to take away.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatCsv } from '../views/csv.ts';
import type { PageData } from '../views/report/page-types.ts';
import { tableOf } from '../views/view.ts';
import { changesIn, endOf, imageSpansOf, standingsAt } from './data.ts';
import { Command, LineLink, ReleaseLink, Table, Versions } from './parts.tsx';
import { linkTo } from './route.ts';
import { actionOf, duration, iso, moment, actorOf } from './text.ts';

/** The auditor's page. `at`: a moment as text, now when it is empty; `find`: a digest, its first digits, or a version. */
export function Auditor(props: { readonly data: PageData; readonly at: string; readonly find: string }): JSX.Element {
  const { data, at, find } = props;
  const asked = at === '' ? data.made : Date.parse(at);
  const go = (next: { readonly at?: string; readonly find?: string }): void => {
    location.hash = linkTo({ view: 'audit', at, find, ...next });
  };
  return (
    <main>
      <h1>Audit</h1>
      <h2>What ran at a moment</h2>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <label>
          moment, in your time zone ({Intl.DateTimeFormat().resolvedOptions().timeZone}){' '}
          <input
            type="datetime-local"
            value={localOf(asked)}
            onChange={({ currentTarget }) => go({ at: instantOf(currentTarget.value) })}
          />
        </label>{' '}
        <button type="button" onClick={() => go({ at: '' })}>
          now
        </button>
      </form>
      {Number.isNaN(asked) ? (
        <p>{JSON.stringify(at)} is not a moment.</p>
      ) : (
        <Standings data={data} asked={Math.min(asked, data.made)} />
      )}
      <h2>Where an image is and was</h2>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <label>
          version, IMAGE@VERSION, or at least 7 digits of a digest{' '}
          <input type="search" value={find} onChange={({ currentTarget }) => go({ find: currentTarget.value })} />
        </label>
      </form>
      <Found data={data} find={find} />
      <Findings data={data} />
      <Downloads data={data} />
    </main>
  );
}

function Standings({ data, asked }: { readonly data: PageData; readonly asked: number }): JSX.Element {
  return (
    <>
      <p role="status">At {iso(asked)}:</p>
      <Table label="what ran" head={['environment', 'release', 'images', 'since', 'by']}>
        {standingsAt(data, asked).map(({ line, release }) => (
          <tr key={line.name}>
            <th scope="row">
              <LineLink line={line} />
            </th>
            <td>{release ? <ReleaseLink line={line.name} number={release.number} /> : 'no release'}</td>
            <td>{release ? <Versions images={release.images} /> : ''}</td>
            <td>{release ? moment(release.since) : ''}</td>
            <td>{release ? actorOf(release) : ''}</td>
          </tr>
        ))}
      </Table>
      <Command>{`tagflow status --at ${iso(asked)}`}</Command>
    </>
  );
}

function Found({ data, find }: { readonly data: PageData; readonly find: string }): JSX.Element | null {
  if (find.trim() === '') return null;
  const spans = imageSpansOf(data, find);
  if (spans.length === 0) return <p role="status">No environment has or had {find}.</p>;
  return (
    <>
      <p role="status">{spans.length} found.</p>
      <Table
        label="where the image is and was"
        head={['environment', 'image', 'version', 'from', 'until', 'for', 'releases']}
      >
        {spans.map(({ line, name, version, digest, from, until, releases: [first, last] }) => (
          <tr key={`${line.name} ${name} ${digest} ${from}`}>
            <th scope="row">
              <LineLink line={line} />
            </th>
            <td title={digest}>{name}</td>
            <td>{version}</td>
            <td>{moment(from)}</td>
            <td>{until === undefined ? 'now' : moment(until)}</td>
            <td>{duration((until ?? data.made) - from)}</td>
            <td>
              <ReleaseLink line={line.name} number={first} />
              {first === last ? null : ' to '}
              {first === last ? null : <ReleaseLink line={line.name} number={last} />}
            </td>
          </tr>
        ))}
      </Table>
      <Command>{`tagflow where ${find.trim()}`}</Command>
    </>
  );
}

function Findings({ data: { findings, checkProblem } }: { readonly data: PageData }): JSX.Element {
  return (
    <>
      <h2>Findings</h2>
      {findings === null ? (
        <p>The audit trail was not checked{checkProblem === null ? '' : `: ${checkProblem}`}.</p>
      ) : findings.length === 0 ? (
        <p>
          <span class="mark good">✓ nothing</span> breaks a rule.
        </p>
      ) : (
        <Table label="findings" head={['environment', 'commit', 'when', 'rule', 'by', 'problem']}>
          {findings.map(({ environment, commit, time, rule, author, problem }) => (
            <tr key={`${commit} ${rule} ${environment}`}>
              <th scope="row">{environment}</th>
              <td>
                <code>{commit.slice(0, 12)}</code>
              </td>
              <td>{moment(time)}</td>
              <td>{rule}</td>
              <td>{author}</td>
              <td>{problem}</td>
            </tr>
          ))}
        </Table>
      )}
      <Command>tagflow check</Command>
    </>
  );
}

function Downloads({ data }: { readonly data: PageData }): JSX.Element {
  return (
    <>
      <h2>Take it away</h2>
      <p>
        <Download name="tagflow.json" type="application/json" make={() => `${JSON.stringify(data, undefined, 2)}\n`} />{' '}
        <Download name="tagflow-releases.csv" type="text/csv" make={() => releasesAsCsv(data)} />
      </p>
    </>
  );
}

function Download(props: { readonly name: string; readonly type: string; readonly make: () => string }): JSX.Element {
  const { name, type, make } = props;
  const [told, setTold] = useState('');
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([make()], { type }));
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
    setTold(' (saved)');
  };
  return (
    <button type="button" onClick={save}>
      save {name}
      {told}
    </button>
  );
}

const COLUMNS = ['environment', 'release', 'since', 'until', 'action', 'changed', 'images', 'by', 'commit', 'reason'];

function releasesAsCsv({ lines }: PageData): string {
  const rows = lines.flatMap((line) =>
    line.releases.map((release, index) => {
      const end = endOf(line, index);
      return [
        line.name,
        String(release.number),
        iso(release.since),
        end === undefined ? '' : iso(end),
        actionOf(release),
        changesIn(line, index),
        release.images.map(({ name, version, digest }) => `${name}:${version}@${digest}`).join(' '),
        actorOf(release),
        release.commit,
        release.reason ?? '',
      ];
    }),
  );
  return formatCsv({ parts: [], records: tableOf(COLUMNS, rows) });
}

function localOf(instant: number): string {
  if (Number.isNaN(instant)) return '';
  const local = new Date(instant - new Date(instant).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

function instantOf(local: string): string {
  const at = new Date(local);
  return local === '' || Number.isNaN(at.getTime()) ? '' : iso(at.getTime());
}
