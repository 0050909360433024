// The fourth view: two releases side by side, of two environments or of two moments of one.
import type { JSX } from 'preact';
import type { PageData, PageLine, PageRelease } from '../views/report/page-types.ts';
import { Command, ReleaseLink, Table } from './parts.tsx';
import { linkTo } from './route.ts';
import { moment } from './text.ts';

interface Side {
  readonly line: PageLine;
  readonly release: PageRelease;
}

/** Two releases, each by the text `LINE@NUMBER`; without a number the newest. */
export function Compare(props: { readonly data: PageData; readonly a: string; readonly b: string }): JSX.Element {
  const { data, a, b } = props;
  const sides = [sideOf(data, a), sideOf(data, b)] as const;
  const [left, right] = sides;
  const lines = data.lines.filter(({ releases }) => releases.length > 0);
  const go = (next: { readonly a?: string; readonly b?: string }): void => {
    location.hash = linkTo({ view: 'compare', a, b, ...next });
  };
  return (
    <main>
      <h1>Compare</h1>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Choice name="left" lines={lines} chosen={left} onChoose={(text) => go({ a: text })} />
        <Choice name="right" lines={lines} chosen={right} onChoose={(text) => go({ b: text })} />
      </form>
      {left && right ? <Difference left={left} right={right} /> : <p>Choose two releases.</p>}
    </main>
  );
}

function Choice(props: {
  readonly name: string;
  readonly lines: readonly PageLine[];
  readonly chosen: Side | undefined;
  readonly onChoose: (text: string) => void;
}): JSX.Element {
  const { name, lines, chosen, onChoose } = props;
  return (
    <fieldset>
      <legend>{name}</legend>
      <label>
        environment{' '}
        <select value={chosen?.line.name ?? ''} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
          <option value="">choose</option>
          {lines.map((line) => (
            <option key={line.name} value={line.name}>
              {line.name}
            </option>
          ))}
        </select>
      </label>{' '}
      {chosen && (
        <label>
          release{' '}
          <select
            value={String(chosen.release.number)}
            onChange={({ currentTarget }) => onChoose(`${chosen.line.name}@${currentTarget.value}`)}
          >
            {chosen.line.releases.map(({ number, since }) => (
              <option key={number} value={String(number)}>
                #{number}, {moment(since)}
              </option>
            ))}
          </select>
        </label>
      )}
    </fieldset>
  );
}

function Difference({ left, right }: { readonly left: Side; readonly right: Side }): JSX.Element {
  const names = [...new Set([...left.release.images, ...right.release.images].map(({ name }) => name))].toSorted();
  const sameConfiguration = left.release.source.commit === right.release.source.commit;
  return (
    <>
      <Table label="images of both" head={['image', titleOf(left), titleOf(right), 'difference']}>
        {names.map((name) => {
          const [a, b] = [left, right].map(({ release }) => release.images.find((image) => image.name === name));
          return (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td title={a?.digest}>{a?.version ?? '–'}</td>
              <td title={b?.digest}>{b?.version ?? '–'}</td>
              <td>{a?.digest === b?.digest ? 'the same' : <b>differs</b>}</td>
            </tr>
          );
        })}
      </Table>
      <p>
        <ReleaseLink line={left.line.name} number={left.release.number} /> and{' '}
        <ReleaseLink line={right.line.name} number={right.release.number} />{' '}
        {sameConfiguration ? 'run the same configuration.' : 'may run different configurations.'}
      </p>
      <ul>
        {left.line !== right.line && (
          <li>
            what both run now: <Command>{`tagflow diff ${left.line.name} ${right.line.name}`}</Command>
          </li>
        )}
        <li>
          files: <Command>{`git diff ${left.release.commit} ${right.release.commit}`}</Command>
        </li>
      </ul>
    </>
  );
}

function titleOf({ line, release }: Side): string {
  return `${line.name} #${release.number}`;
}

function sideOf({ lines }: PageData, text: string): Side | undefined {
  const [name = '', number] = text.split('@', 2);
  const line = lines.find((one) => one.name === name);
  const release = line?.releases.find((one) => number === undefined || String(one.number) === number);
  return line && release && { line, release };
}
