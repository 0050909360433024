// Pieces that several views are made of.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageImage, PageLine, PageMark } from '../views/report/page-types.ts';
import { linkTo } from './route.ts';
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
        <span key={word} class={bad ? 'mark bad' : 'mark'}>
          {bad ? '✗ ' : ''}
          {word}
        </span>
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
export function Command({ children }: { readonly children: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard?.writeText(children).then(() => setCopied(true));
  };
  return (
    <span class="command">
      <code>{children}</code>
      <button type="button" onClick={copy} aria-label={`copy: ${children}`}>
        {copied ? 'copied' : 'copy'}
      </button>
    </span>
  );
}

/** A sentence that may end in a command, three spaces before it. */
export function Remark({ text }: { readonly text: string }): JSX.Element {
  const [said = '', rest = ''] = text.split(/ {3}(?=\S)/, 2);
  const command = /tagflow [^,]+/.exec(rest)?.[0];
  return (
    <li>
      {said} {command === undefined ? rest : <Command>{command}</Command>}
    </li>
  );
}

/** A link to the timeline of a line. */
export function LineLink({ line }: { readonly line: Pick<PageLine, 'name'> }): JSX.Element {
  return <a href={linkTo({ view: 'line', line: line.name })}>{line.name}</a>;
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
export function Table(props: {
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
