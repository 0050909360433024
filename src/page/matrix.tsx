// The first view: applications by environments, and what each runs.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageData, PageLine } from '../views/report/page-types.ts';
import { CommandText, Heading, Marks, Remark, Versions } from './parts.tsx';
import { wordsOf } from './data.ts';
import { Sparkline } from './plot.tsx';
import { lineRoute, linkTo, rewriteUrl } from './route.ts';
import { duration, moment } from './text.ts';

/** Remarks that are shown before somebody asks for more. */
const REMARKS = 100;

/** What the matrix leaves out. `filter`: words that rows have to have; `isMarkedOnly`: rows without a mark. */
interface Filtering {
  readonly filter: string;
  readonly isMarkedOnly: boolean;
}

/** The matrix, with fields that leave rows out. What they say stands in the URL. */
export function MatrixView({ data, ...first }: Filtering & { readonly data: PageData }): JSX.Element {
  const [{ filter, isMarkedOnly }, setFiltering] = useState<Filtering>(first);
  const go = (next: Partial<Filtering>): void => {
    const chosen = { filter, isMarkedOnly, ...next };
    setFiltering(chosen);
    rewriteUrl(linkTo({ view: 'matrix', ...chosen }));
  };
  const rows = [...Map.groupBy(data.lines, ({ application }) => application)].filter(
    ([application, lines]) =>
      lines.some((line) => says(line, application, filter)) && (!isMarkedOnly || lines.some(isMarked)),
  );
  return (
    <main>
      <Heading>What runs where</Heading>
      <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          Filter{' '}
          <input
            type="search"
            value={filter}
            placeholder="application, version, digest, word"
            onInput={({ currentTarget }) => go({ filter: currentTarget.value })}
          />
        </label>{' '}
        <label>
          <input
            type="checkbox"
            checked={isMarkedOnly}
            onChange={({ currentTarget }) => go({ isMarkedOnly: currentTarget.checked })}
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

function isMarked({ marks, problem }: PageLine): boolean {
  return marks.length > 0 || problem !== null;
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
      <a href={linkTo(lineRoute(line.name))} class="cell">
        <span class="mark bad">✗ unreadable</span> <span>{line.problem}</span>
      </a>
    );
  }
  if (!newest) return <span class="dim">no release</span>;
  return (
    <div class="cell">
      <a href={linkTo(lineRoute(line.name))}>
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
  const remarks = data.lines.flatMap(({ remarks: said }) => said);
  const [shown, setShown] = useState(REMARKS);
  return (
    <section>
      <h2>To know or to do</h2>
      {remarks.length === 0 ? (
        <p>Nothing waits, nothing differs.</p>
      ) : (
        <ul>
          {remarks.slice(0, shown).map((remark, index) => (
            <Remark key={index} remark={remark} />
          ))}
        </ul>
      )}
      {remarks.length > shown && (
        <button type="button" onClick={() => setShown(remarks.length)}>
          show all {remarks.length}
        </button>
      )}
      <p>
        The same at a terminal: <CommandText>tagflow status</CommandText>
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
