// The fourth view: two environments side by side, or two moments of one.
import type { JSX } from 'preact';
import type { PageData } from '../views/report/page-types.ts';
import type { LineStanding } from './data.ts';
import { CommandText, Heading, ReleaseLink, DataTable } from './parts.tsx';
import { instantOf, localOf, zone } from './local-time.ts';
import { linkTo } from './route.ts';
import { type ComparedImage, type Side, compared, ranImage, sideOf, sideText } from './sides.ts';
import { iso, moment } from './text.ts';

/** Images that a table shows. */
const MOST = 1_000;
/** Images that are the same, and are shown at once. */
const FEW = 10;

/** Two sides, each a text that `sideOf` reads. */
export function CompareView(props: { readonly data: PageData; readonly a: string; readonly b: string }): JSX.Element {
  const { data, a, b } = props;
  const [left, right] = [sideOf(data, a), sideOf(data, b)];
  const wrong = [a, b].filter((text) => text !== '' && sideOf(data, text) === undefined);
  const go = (next: { readonly a?: string; readonly b?: string }): void => {
    location.hash = linkTo({ view: 'compare', a, b, ...next });
  };
  return (
    <main>
      <Heading>Compare</Heading>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Choice name="left" data={data} chosen={left} onChoose={(text) => go({ a: text })} />
        <Choice name="right" data={data} chosen={right} onChoose={(text) => go({ b: text })} />
      </form>
      {wrong.map((text) => (
        <p key={text} class="mark bad">
          ✗ {JSON.stringify(text)} is not an environment with such a release or moment.
        </p>
      ))}
      {left && right ? (
        <Difference left={left} right={right} />
      ) : (
        <p>Choose two environments, or two moments of one.</p>
      )}
    </main>
  );
}

/** Environments with several applications, and lines. */
function choicesIn({ lines }: PageData): readonly string[] {
  const several = lines.filter(({ application }) => application !== null).map(({ environment }) => environment);
  return [...new Set([...several, ...lines.map(({ name }) => name)])];
}

function Choice(props: {
  readonly name: string;
  readonly data: PageData;
  readonly chosen: Side | undefined;
  readonly onChoose: (text: string) => void;
}): JSX.Element {
  const { name, data, chosen, onChoose } = props;
  return (
    <fieldset>
      <legend>{name}</legend>
      <label>
        environment{' '}
        <select value={chosen?.name ?? ''} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
          <option value="">choose</option>
          {choicesIn(data).map((line) => (
            <option key={line} value={line}>
              {line}
            </option>
          ))}
        </select>
      </label>{' '}
      {chosen && <When data={data} side={chosen} onChoose={(at) => onChoose(sideText({ name: chosen.name, at }))} />}
    </fieldset>
  );
}

/** Which release of a side: by its number, where the side is one line, or by a moment. */
function When(props: {
  readonly data: PageData;
  readonly side: Side;
  readonly onChoose: (at: string) => void;
}): JSX.Element {
  const { data, side, onChoose } = props;
  const only = side.standings.length === 1 ? side.standings[0]?.line : undefined;
  const isNumber = /^\d+$/.test(side.at);
  const at = side.at === '' || isNumber ? data.made : Date.parse(side.at);
  return (
    <>
      {only && (
        <label>
          release{' '}
          <select value={isNumber ? side.at : ''} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
            <option value="">by moment</option>
            {only.releases.map(({ number, since }) => (
              <option key={number} value={String(number)}>
                #{number}, {moment(since)}
              </option>
            ))}
          </select>
        </label>
      )}{' '}
      {!isNumber && (
        <label>
          moment ({zone()}){' '}
          <input
            type="datetime-local"
            value={localOf(at)}
            onChange={({ currentTarget }) => onChoose(instantOf(currentTarget.value))}
          />
        </label>
      )}
    </>
  );
}

function Difference({ left, right }: { readonly left: Side; readonly right: Side }): JSX.Element {
  const rows = compared(left, right);
  const different = rows.filter(({ isSame }) => !isSame);
  const same = rows.filter(({ isSame }) => isSame);
  const images = (label: string, some: readonly ComparedImage[]): JSX.Element => (
    <Images label={label} rows={some} left={left} right={right} />
  );
  return (
    <>
      <p role="status">
        {different.length} of {rows.length} images differ.
      </p>
      {different.length > 0 && images('images that differ', different)}
      {same.length > 0 && (
        <details open={same.length <= FEW || different.length === 0}>
          <summary>Images that are the same ({same.length})</summary>
          {images('images that are the same', same)}
        </details>
      )}
      <Configuration left={left} right={right} />
      <Commands left={left} right={right} />
    </>
  );
}

function Images(props: {
  readonly label: string;
  readonly rows: readonly ComparedImage[];
  readonly left: Side;
  readonly right: Side;
}): JSX.Element {
  const { label, rows, left, right } = props;
  const isSeveral = rows.some(({ application }) => application !== null);
  const head = [...(isSeveral ? ['application'] : []), 'image', titleOf(left), titleOf(right), 'difference'];
  return (
    <>
      <DataTable label={label} head={head}>
        {rows.slice(0, MOST).map((row) => (
          <Row key={`${row.application} ${row.image}`} row={row} isSeveral={isSeveral} />
        ))}
      </DataTable>
      {rows.length > MOST && <p>The first {MOST} are listed.</p>}
    </>
  );
}

function Row({ row, isSeveral }: { readonly row: ComparedImage; readonly isSeveral: boolean }): JSX.Element {
  const { application, image, left, right, isSame } = row;
  return (
    <tr>
      {isSeveral && <td>{application ?? 'all images'}</td>}
      <th scope="row">{image}</th>
      <Cell standing={left} image={image} />
      <Cell standing={right} image={image} />
      <td>{isSame ? '= the same' : <b>≠ differs</b>}</td>
    </tr>
  );
}

function Cell({
  standing,
  image,
}: {
  readonly standing: LineStanding | undefined;
  readonly image: string;
}): JSX.Element {
  const found = ranImage(standing, image);
  const { line, release } = standing ?? {};
  return (
    <td title={found?.digest}>
      {found?.version ?? '–'} {line && release && <ReleaseLink line={line.name} number={release.number} />}
    </td>
  );
}

/** The release of a side that is one line. */
function onlyRelease({ standings }: Side): LineStanding['release'] {
  return standings.length === 1 ? standings[0]?.release : undefined;
}

function Configuration({ left, right }: { readonly left: Side; readonly right: Side }): JSX.Element | null {
  const [a, b] = [onlyRelease(left), onlyRelease(right)];
  if (!a || !b) return null;
  return (
    <p>
      {a.source.commit === b.source.commit
        ? 'Both run the same configuration.'
        : 'They may run different configurations.'}
    </p>
  );
}

function Commands({ left, right }: { readonly left: Side; readonly right: Side }): JSX.Element {
  const [a, b] = [onlyRelease(left), onlyRelease(right)];
  const moments = [left, right].filter(({ at }) => at !== '' && !/^\d+$/.test(at));
  return (
    <ul>
      {a && b && left.name !== right.name && (
        <li>
          what both run now: <CommandText>{`tagflow diff ${left.name} ${right.name}`}</CommandText>
        </li>
      )}
      {a && b && (
        <li>
          files: <CommandText>{`git diff ${a.commit} ${b.commit}`}</CommandText>
        </li>
      )}
      {moments.map(({ name, at }) => (
        <li key={`${name} ${at}`}>
          what ran then:{' '}
          <CommandText>{`tagflow status ${name.replace('/', ' ')} --at ${iso(Date.parse(at))}`}</CommandText>
        </li>
      ))}
    </ul>
  );
}

function titleOf(side: Side): string {
  const { name, at } = side;
  if (at === '') return `${name} now`;
  return /^\d+$/.test(at) ? `${name} #${at}` : `${name} at ${moment(Date.parse(at))}`;
}
