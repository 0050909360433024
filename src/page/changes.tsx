// What a release changed beside its versions: lines of configuration, and commits of source repositories.
import type { JSX } from 'preact';
import type { PageChanges, PageLine, PageRelease, PageSource } from '../views/report/page-types.ts';
import { wordsOf } from './data.ts';
import { CommandText, DataTable, WebLink } from './parts.tsx';

/** Commits of an image that are shown. */
const SHOWN = 20;

/** Configuration and source commits of one release. */
export function Changes(props: { readonly line: PageLine; readonly release: PageRelease }): JSX.Element {
  const { line, release } = props;
  const show = `tagflow show ${wordsOf(line)} --release ${release.number}`;
  if (!release.changes) {
    return (
      <>
        <h2>Configuration and commits</h2>
        <p>
          The page has these of the newest releases alone. Of this one:{' '}
          <CommandText>{`git show ${release.commit}`}</CommandText> <CommandText>{show}</CommandText>
        </p>
      </>
    );
  }
  const { sources } = release.changes;
  return (
    <>
      <h2>Configuration</h2>
      <Files changes={release.changes} />
      <h2>Source commits</h2>
      {sources === null && <p>Not asked: tagflow.yaml lists no repositories under sources.</p>}
      {sources?.length === 0 && <p>No image changed.</p>}
      {sources?.map((source) => (
        <Source key={source.image} source={source} />
      ))}
    </>
  );
}

function Files({ changes }: { readonly changes: PageChanges }): JSX.Element {
  const { files, moreFiles, problem } = changes;
  if (problem !== null) return <p class="mark bad">✗ not known: {problem}</p>;
  if (files.length === 0) return <p>No file changed.</p>;
  return (
    <>
      {files.map(({ path, patch }) => (
        <details key={path} open={files.length < 6}>
          <summary>{path}</summary>
          <pre class="diff" tabIndex={0} aria-label={`what changed in ${path}`}>
            {patch.map((text, index) => (
              <span key={index} class={kindOf(text)}>
                {text}
                {'\n'}
              </span>
            ))}
          </pre>
        </details>
      ))}
      {moreFiles > 0 && <p>And {moreFiles} more files.</p>}
    </>
  );
}

/** The sign at the beginning of a line says the same as its colour. */
function kindOf(text: string): string {
  return text.startsWith('+') ? 'added' : text.startsWith('-') ? 'removed' : '';
}

function Source({ source }: { readonly source: PageSource }): JSX.Element {
  const { image, words, link, commits, total, issues, missing } = source;
  const more = total - Math.min(SHOWN, commits.length);
  return (
    <section>
      <h3>{image}</h3>
      <p>
        {missing === null ? words : `Not known: ${missing}`} {link !== null && <WebLink url={link} />}
      </p>
      {commits.length > 0 && (
        <DataTable label={`source commits of ${image}`} head={['commit', 'subject', 'author']}>
          {commits.slice(0, SHOWN).map(({ id, subject, author }) => (
            <tr key={id}>
              <th scope="row">
                <code>{id.slice(0, 7)}</code>
              </th>
              <td class="free">{subject}</td>
              <td class="free">{author}</td>
            </tr>
          ))}
        </DataTable>
      )}
      {more > 0 && <p>And {more} more.</p>}
      {issues.length > 0 && <p>Issues: {issues.join(', ')}</p>}
    </section>
  );
}
