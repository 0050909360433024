// The fifth view: what ran at any moment, where an image is and was, what `check` found, and the evidence to take away.
import type { JSX } from 'preact';
import type { PageData, PageFinding, PageLine } from '../views/report/page-types.ts';
import { type ImageSpan, type LineStanding, changesIn, endOf, imageSpansOf, standingsAt } from './data.ts';
import { CsvDownload, Download } from './download.tsx';
import { instantOf, localOf, zone } from './local-time.ts';
import { CommandText, Heading, LineLink, ReleaseLink, DataTable, Time, Versions } from './parts.tsx';
import { linkTo } from './route.ts';
import { actionOf, actorOf, duration, iso, quoted } from './text.ts';

/** The view. `at`: a moment as text, now when it is empty; `find`: a digest, its first digits, or a version. */
export function AuditView(props: { readonly data: PageData; readonly at: string; readonly find: string }): JSX.Element {
  const { data, at, find } = props;
  const asked = at === '' ? data.made : Date.parse(at);
  const go = (next: { readonly at?: string; readonly find?: string }): void => {
    location.hash = linkTo({ view: 'audit', at, find, ...next });
  };
  return (
    <main>
      <Heading>Audit</Heading>
      <h2>What ran at a moment</h2>
      <MomentForm asked={asked} go={(next) => go({ at: next })} />
      {Number.isNaN(asked) ? (
        <p>{JSON.stringify(at)} is not a moment.</p>
      ) : (
        <Standings data={data} asked={Math.min(asked, data.made)} />
      )}
      <h2>Where an image is and was</h2>
      <FindForm find={find} go={(next) => go({ find: next })} />
      <Found data={data} find={find} />
      <Findings data={data} />
      <Downloads data={data} />
    </main>
  );
}

function MomentForm({ asked, go }: { readonly asked: number; readonly go: (at: string) => void }): JSX.Element {
  return (
    <form class="filter" onSubmit={(event) => event.preventDefault()}>
      <label>
        moment, in your time zone ({zone()}){' '}
        <input
          type="datetime-local"
          step="1"
          value={localOf(asked)}
          onChange={({ currentTarget }) => go(instantOf(currentTarget.value))}
        />
      </label>{' '}
      <button type="button" onClick={() => go('')}>
        now
      </button>
    </form>
  );
}

function FindForm({ find, go }: { readonly find: string; readonly go: (find: string) => void }): JSX.Element {
  return (
    <form class="filter" onSubmit={(event) => event.preventDefault()}>
      <label>
        version, IMAGE@VERSION, or at least 7 digits of a digest{' '}
        <input type="search" value={find} onChange={({ currentTarget }) => go(currentTarget.value)} />
      </label>
    </form>
  );
}

/** Columns of the file that says what ran at a moment. */
const STANDING_COLUMNS = [
  'environment',
  'at',
  'release',
  'image',
  'version',
  'digest',
  'repository',
  'since',
  'by',
  'commit',
];

function Standings({ data, asked }: { readonly data: PageData; readonly asked: number }): JSX.Element {
  const standings = standingsAt(data, asked);
  return (
    <>
      <p role="status">
        At <time dateTime={iso(asked)}>{iso(asked)}</time>, which is {new Date(asked).toLocaleString()} in {zone()}:
      </p>
      <DataTable label="what ran" head={['environment', 'release', 'images', 'since', 'by']}>
        {standings.map(({ line, release }) => (
          <tr key={line.name}>
            <th scope="row">
              <LineLink line={line} />
            </th>
            <td>{release ? <ReleaseLink line={line.name} number={release.number} /> : 'no release'}</td>
            <td>{release ? <Versions images={release.images} /> : ''}</td>
            <td>{release ? <Time at={release.since} now={asked} /> : ''}</td>
            <td class="free">{release ? actorOf(release) : ''}</td>
          </tr>
        ))}
      </DataTable>
      <p>
        <CommandText>{`tagflow status --at ${iso(asked)}`}</CommandText>{' '}
        <CsvDownload
          name="tagflow-state.csv"
          columns={STANDING_COLUMNS}
          rows={() => standings.flatMap((one) => standingRows(one, asked))}
        />
      </p>
    </>
  );
}

function standingRows({ line, release }: LineStanding, at: number): readonly (readonly string[])[] {
  if (!release) return [[line.name, iso(at), '', '', '', '', '', '', '', '']];
  const { number, since, commit } = release;
  return release.images.map(({ name, version, digest, repository }) => [
    line.name,
    iso(at),
    String(number),
    name,
    version,
    digest,
    repository,
    iso(since),
    actorOf(release),
    commit,
  ]);
}

function Found({ data, find }: { readonly data: PageData; readonly find: string }): JSX.Element | null {
  if (find.trim() === '') return null;
  const spans = imageSpansOf(data, find);
  if (spans.length === 0) return <p role="status">No environment has or had {find}.</p>;
  return (
    <>
      <p role="status">{spans.length} found.</p>
      <DataTable
        label="where the image is and was"
        head={['environment', 'image', 'version', 'from', 'until', 'for', 'releases']}
      >
        {spans.map((span) => (
          <FoundRow key={`${span.line.name} ${span.name} ${span.digest} ${span.from}`} span={span} now={data.made} />
        ))}
      </DataTable>
      <p>
        <CommandText>{`tagflow where ${quoted(find.trim())}`}</CommandText>{' '}
        <CsvDownload
          name="tagflow-where.csv"
          columns={['environment', 'image', 'version', 'digest', 'from', 'until', 'first_release', 'last_release']}
          rows={() => spans.map(spanRow)}
        />
      </p>
    </>
  );
}

function FoundRow({ span, now }: { readonly span: ImageSpan; readonly now: number }): JSX.Element {
  const { line, name, version, digest, from, until, releases } = span;
  const [first, last] = releases;
  return (
    <tr>
      <th scope="row">
        <LineLink line={line} />
      </th>
      <td title={digest}>{name}</td>
      <td>{version}</td>
      <td>
        <Time at={from} now={now} />
      </td>
      <td>{until === undefined ? 'now' : <Time at={until} now={now} />}</td>
      <td>{duration((until ?? now) - from)}</td>
      <td>
        <ReleaseLink line={line.name} number={first} />
        {first === last ? null : ' to '}
        {first === last ? null : <ReleaseLink line={line.name} number={last} />}
      </td>
    </tr>
  );
}

function spanRow({ line, name, version, digest, from, until, releases: [first, last] }: ImageSpan): readonly string[] {
  const end = until === undefined ? '' : iso(until);
  return [line.name, name, version, digest, iso(from), end, String(first), String(last)];
}

function Findings({ data: { findings, checkProblem, made } }: { readonly data: PageData }): JSX.Element {
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
        <FindingsTable findings={findings} now={made} />
      )}
      <p>
        <CommandText>tagflow check</CommandText>{' '}
        {findings !== null && (
          <CsvDownload
            name="tagflow-findings.csv"
            columns={['environment', 'branch', 'commit', 'time', 'rule', 'author', 'problem']}
            rows={() => findings.map(findingRow)}
          />
        )}
      </p>
    </>
  );
}

function FindingsTable(props: { readonly findings: readonly PageFinding[]; readonly now: number }): JSX.Element {
  return (
    <DataTable label="findings" head={['environment', 'commit', 'when', 'rule', 'by', 'problem']}>
      {props.findings.map(({ environment, commit, time, rule, author, problem }) => (
        <tr key={`${commit} ${rule} ${environment}`}>
          <th scope="row">{environment}</th>
          <td>
            <code>{commit.slice(0, 12)}</code>
          </td>
          <td>
            <Time at={time} now={props.now} />
          </td>
          <td>{rule}</td>
          <td class="free">{author}</td>
          <td class="free">{problem}</td>
        </tr>
      ))}
    </DataTable>
  );
}

function findingRow({ environment, branch, commit, time, rule, author, problem }: PageFinding): readonly string[] {
  return [environment, branch, commit, iso(time), rule, author, problem];
}

function Downloads({ data }: { readonly data: PageData }): JSX.Element {
  return (
    <>
      <h2>Take it away</h2>
      <p>
        <Download name="tagflow.json" type="application/json" make={() => `${JSON.stringify(data, undefined, 2)}\n`} />{' '}
        <CsvDownload name="tagflow-releases.csv" columns={COLUMNS} rows={() => data.lines.flatMap(releaseRows)} />
      </p>
      <p>
        Records with their signatures, to verify without tagflow:{' '}
        <CommandText>tagflow audit export evidence</CommandText>
      </p>
    </>
  );
}

const COLUMNS = ['environment', 'release', 'since', 'until', 'action', 'changed', 'images', 'by', 'commit', 'reason'];

function releaseRows(line: PageLine): readonly (readonly string[])[] {
  return line.releases.map((release, index) => {
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
  });
}
