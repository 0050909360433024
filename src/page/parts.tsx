// Pieces that several views are made of.
import { type ComponentChildren, Fragment, type JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { PageImage, PageLine, PageMark, PageRemark } from '../views/report/page-types.ts';
import { lineRoute, linkTo } from './route.ts';
import { duration, iso, moment } from './text.ts';

/** A moment with its age: the exact time stands in `title`. */
export function Time({ at, now }: { readonly at: number; readonly now: number }): JSX.Element {
  return (
    <time dateTime={iso(at)} title={`${iso(at)} = ${new Date(at).toLocaleString()}`}>
      {moment(at)} <span class="dim">({duration(now - at)} ago)</span>
    </time>
  );
}

/** Words beside what runs. A bad one has a sign as well as a colour. */
export function Marks({ marks }: { readonly marks: readonly PageMark[] }): JSX.Element {
  if (marks.length === 0) return <span class="mark good">✓ in sync</span>;
  return (
    <>
      {marks.map(({ word, bad }) => (
        <Fragment key={word}>
          <span class={bad ? 'mark bad' : 'mark'}>
            {bad ? '✗ ' : ''}
            {word}
          </span>{' '}
        </Fragment>
      ))}
    </>
  );
}

/** Images with their versions; the digest stands in `title`. */
export function Versions({ images }: { readonly images: readonly PageImage[] }): JSX.Element {
  return (
    <ul class="images">
      {images.map(({ name, version, digest }) => (
        <li key={name} title={digest}>
          {name} <b>{version}</b>
        </li>
      ))}
    </ul>
  );
}

/** A command to type, with a button that copies it. */
export function CommandText({ children }: { readonly children: string }): JSX.Element {
  const [isCopied, setIsCopied] = useState(false);
  const text = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => setIsCopied(await copyText(children, text.current));
  const word = isCopied ? 'copied' : 'copy';
  return (
    <span class="command">
      <code ref={text}>{children}</code>
      <button type="button" onClick={() => void copy()} aria-label={`${word}: ${children}`}>
        {word}
      </button>
    </span>
  );
}

/** Copies text; a page of plain HTTP has no clipboard, so what is shown is selected and copied there. */
async function copyText(text: string, shown: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (!shown) return false;
    getSelection()?.selectAllChildren(shown);
    // oxlint-disable-next-line typescript/no-deprecated -- the only way there
    return document.execCommand('copy');
  }
}

/** A sentence with commands in it. */
export function Remark({ remark }: { readonly remark: PageRemark }): JSX.Element {
  return (
    <li>
      {remark.map((piece, index) =>
        typeof piece === 'string' ? piece : <CommandText key={index}>{piece.command}</CommandText>,
      )}
    </li>
  );
}

/** The heading of a view. It takes the focus when somebody comes there. */
export function Heading({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <h1 tabIndex={-1}>{children}</h1>;
}

/** A link to the timeline of a line. */
export function LineLink({ line }: { readonly line: Pick<PageLine, 'name'> }): JSX.Element {
  return <a href={linkTo(lineRoute(line.name))}>{line.name}</a>;
}

/** A link to a release. */
export function ReleaseLink({ line, number }: { readonly line: string; readonly number: number }): JSX.Element {
  return <a href={linkTo({ view: 'release', line, number })}>#{number}</a>;
}

/** A job or a request on the web; a link only where it is one. */
export function WebLink({ url }: { readonly url: string }): JSX.Element {
  return /^https?:\/\//.test(url) ? (
    <a href={url} rel="noopener noreferrer">
      {url}
    </a>
  ) : (
    <span>{url}</span>
  );
}

/** A table that scrolls by itself where the page is narrow, by keyboard as well. */
export function DataTable(props: {
  readonly label: string;
  readonly head: readonly string[];
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="scroll" role="region" aria-label={props.label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {props.head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
