// The first view: applications by environments, and what each runs.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageData, PageLine } from '../views/report/page-types.ts';
import { Command, Marks, Remark, Versions } from './parts.tsx';
import { wordsOf } from './data.ts';
import { Sparkline } from './plot.tsx';
import { linkTo } from './route.ts';
import { duration, moment } from './text.ts';

/** The matrix, with a field that leaves rows out. */
export function Matrix({ data }: { readonly data: PageData }): JSX.Element {
  const [filter, setFilter] = useState('');
  const [onlyMarked, setOnlyMarked] = useState(false);
  const rows = [...Map.groupBy(data.lines, ({ application }) => application)].filter(
    ([application, lines]) =>
      lines.some((line) => says(line, application, filter)) &&
      (!onlyMarked || lines.some(({ marks, problem }) => marks.length > 0 || problem !== null)),
  );
  return (
    <main>
      <h1>What runs where</h1>
      <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          Filter{' '}
          <input
            type="search"
            value={filter}
            placeholder="application, version, digest, word"
            onInput={({ currentTarget }) => setFilter(currentTarget.value)}
          />
        </label>{' '}
        <label>
          <input
            type="checkbox"
            checked={onlyMarked}
            onChange={({ currentTarget }) => setOnlyMarked(currentTarget.checked)}
          />{' '}
          only what somebody should look at
        </label>
      </form>
      <Grid data={data} rows={rows} />
      <p role="status">{rows.length === 0 ? 'No application matches.' : `${rows.length} of ${rowsIn(data)} shown.`}</p>
      <ToDo data={data} />
    </main>
  );
}

function Grid(props: {
  readonly data: PageData;
  readonly rows: readonly (readonly [string | null, readonly PageLine[]])[];
}): JSX.Element {
  const { data, rows } = props;
  const environments = [...new Set(data.lines.map(({ environment }) => environment))];
  return (
    <div class="scroll" role="region" aria-label="applications by environments" tabIndex={0}>
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">application</th>
            {environments.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([application, lines]) => (
            <tr key={application ?? ''}>
              <th scope="row">{application ?? 'all images'}</th>
              {environments.map((environment) => (
                <td key={environment}>
                  <Cell line={lines.find((line) => line.environment === environment)} now={data.made} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ line, now }: { readonly line: PageLine | undefined; readonly now: number }): JSX.Element {
  if (!line) return <span class="dim">–</span>;
  const [newest] = line.releases;
  if (line.problem !== null) {
    return (
      <a href={linkTo({ view: 'line', line: line.name })} class="cell">
        <span class="mark bad">✗ unreadable</span> <span>{line.problem}</span>
      </a>
    );
  }
  if (!newest) return <span class="dim">no release</span>;
  return (
    <div class="cell">
      <a href={linkTo({ view: 'line', line: line.name })}>
        <Versions images={newest.images} />
      </a>
      <div class="dim" title={moment(newest.since)}>
        #{newest.number}, for {duration(now - newest.since)}
      </div>
      <Sparkline line={line} made={now} />
      <Marks marks={line.marks} />
    </div>
  );
}

function ToDo({ data }: { readonly data: PageData }): JSX.Element | null {
  const remarks = data.lines.flatMap(({ remarks: said, name }) => said.map((text) => ({ name, text })));
  return (
    <section>
      <h2>To know or to do</h2>
      {remarks.length === 0 ? (
        <p>Nothing waits, nothing differs.</p>
      ) : (
        <ul>
          {remarks.map(({ name, text }) => (
            <Remark key={`${name} ${text}`} text={text} />
          ))}
        </ul>
      )}
      <p>
        The same at a terminal: <Command>tagflow status</Command>
      </p>
    </section>
  );
}

function rowsIn({ lines }: PageData): number {
  return new Set(lines.map(({ application }) => application)).size;
}

function says(line: PageLine, application: string | null, filter: string): boolean {
  const [newest] = line.releases;
  const words = [
    application ?? 'all images',
    wordsOf(line),
    ...line.marks.map(({ word }) => word),
    ...(newest?.images ?? []).flatMap(({ name, version, digest }) => [name, version, digest]),
  ];
  const all = words.join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
