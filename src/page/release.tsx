// The third view: one release, with everything that its record says.
import type { ComponentChildren, JSX } from 'preact';
import type { PageData, PageLine, PageRelease } from '../views/report/page-types.ts';
import { changesIn, endOf, wordsOf } from './data.ts';
import { Changes } from './changes.tsx';
import { CommandText, Heading, LineLink, ReleaseLink, DataTable, Time, WebLink } from './parts.tsx';
import { linkTo } from './route.ts';
import { actionOf, actorOf, duration, quoted } from './text.ts';

/** One release. `index`: its place in the line's releases. */
export function ReleaseView(props: {
  readonly data: PageData;
  readonly line: PageLine;
  readonly index: number;
}): JSX.Element | null {
  const { data, line, index } = props;
  const release = line.releases[index];
  if (!release) return null;
  const before = line.releases[index + 1];
  const end = endOf(line, index);
  return (
    <main>
      <Heading>
        <LineLink line={line} /> release {release.number}
      </Heading>
      <Facts data={data} line={line} index={index} release={release} />
      <Images release={release} before={before} />
      <Changes line={line} release={release} />
      <Gates release={release} />
      {release.verification && <Verification verification={release.verification} />}
      {release.held.length > 0 && (
        <>
          <h2>On hold</h2>
          <ul>
            {release.held.map(({ release: left, what, reason }) => (
              <li key={left}>
                {what}, left with <ReleaseLink line={line.name} number={left} />
                {reason === null ? '' : `: ${reason}`}
              </li>
            ))}
          </ul>
        </>
      )}
      <Commands line={line} release={release} before={before} runs={end === undefined} />
    </main>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Images(props: { readonly release: PageRelease; readonly before: PageRelease | undefined }): JSX.Element {
  const { release, before } = props;
  return (
    <>
      <h2>Images</h2>
      <DataTable label="images" head={['image', 'version', 'digest', 'repository', 'before']}>
        {release.images.map(({ name, version, digest, repository }) => {
          const old = before?.images.find((image) => image.name === name);
          return (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{version}</td>
              <td class="digest">
                <code>{digest}</code>
              </td>
              <td class="free">{repository}</td>
              <td>{old?.digest === digest ? 'the same' : (old?.version ?? '–')}</td>
            </tr>
          );
        })}
      </DataTable>
    </>
  );
}

function Gates({ release }: { readonly release: PageRelease }): JSX.Element {
  return (
    <>
      <h2>Gates</h2>
      {release.gates.length === 0 ? (
        <p>No gate was asked.</p>
      ) : (
        <DataTable label="gates" head={['gate', 'verdict', 'evidence', 'overridden by']}>
          {release.gates.map(({ gate, decision, reason, by, why }) => (
            <tr key={gate}>
              <th scope="row">{gate}</th>
              <td>{decision}</td>
              <td class="free">{reason}</td>
              <td class="free">{[by, why].filter((part) => part !== null).join(': ')}</td>
            </tr>
          ))}
        </DataTable>
      )}
    </>
  );
}

function Verification(props: { readonly verification: NonNullable<PageRelease['verification']> }): JSX.Element {
  const { result, time, steps } = props.verification;
  return (
    <>
      <h2>Verification</h2>
      <p>
        {result} at {time}
      </p>
      <DataTable label="steps of the verification" head={['step', 'result', 'seen']}>
        {steps.map((step) => (
          <tr key={step.name}>
            <th scope="row">{step.name}</th>
            <td>{step.result}</td>
            <td class="free">{step.seen}</td>
          </tr>
        ))}
      </DataTable>
    </>
  );
}

/** Gates that ask people. */
const ASKING = new Set(['approvals', 'reviews']);

/** What gates that ask people found. */
function approvalsOf({ gates }: PageRelease): string {
  const asked = gates.filter(({ gate }) => ASKING.has(gate));
  return asked.length === 0 ? 'no gate asked for any' : asked.map(({ reason }) => reason).join('; ');
}

function Facts(props: {
  readonly data: PageData;
  readonly line: PageLine;
  readonly index: number;
  readonly release: PageRelease;
}): JSX.Element {
  const { data, line, index, release } = props;
  const end = endOf(line, index);
  return (
    <dl>
      <Fact name="action">{actionOf(release)}</Fact>
      <Fact name="changed">{changesIn(line, index)}</Fact>
      <Fact name="came">
        <Time at={release.since} now={data.made} />
      </Fact>
      <Fact name="ran">
        {duration((end ?? data.made) - release.since)}
        {end === undefined ? ', and runs now' : ''}
      </Fact>
      <Fact name="by">{actorOf(release)}</Fact>
      {release.signer !== null && <Fact name="signed by">{release.signer}</Fact>}
      {release.reason !== null && <Fact name="why">{release.reason}</Fact>}
      <Fact name="approvals">{approvalsOf(release)}</Fact>
      {release.job !== null && (
        <Fact name="job">
          <WebLink url={release.job} />
        </Fact>
      )}
      <Fact name="commit">
        <code>{release.commit}</code> on <code>{line.branch}</code>
      </Fact>
      <Fact name="configuration from">
        <code>{release.source.commit}</code> on <code>{release.source.branch}</code>
      </Fact>
    </dl>
  );
}

function Commands(props: {
  readonly line: PageLine;
  readonly release: PageRelease;
  readonly before: PageRelease | undefined;
  readonly runs: boolean;
}): JSX.Element {
  const { line, release, before, runs } = props;
  return (
    <>
      <h2>Commands</h2>
      <ul>
        <li>
          <CommandText>{`tagflow show ${wordsOf(line)} --release ${release.number}`}</CommandText>
        </li>
        <li>
          the change of configuration and pins: <CommandText>{`git show ${release.commit}`}</CommandText>
        </li>
        {runs && before && (
          <li>
            back to the release before: <CommandText>{`tagflow rollback ${wordsOf(line)} --reason "…"`}</CommandText>
          </li>
        )}
        {!runs && (
          <li>
            back to this release:{' '}
            <CommandText>{`tagflow rollback ${wordsOf(line)} --to "#${release.number}" --reason "…"`}</CommandText>
          </li>
        )}
        {runs && (
          <li>
            check whether it works: <CommandText>{`tagflow verify ${wordsOf(line)} --wait`}</CommandText>
          </li>
        )}
        {release.images.map(({ name, version }) => (
          <ImageCommands key={name} name={name} version={version} />
        ))}
        {before && <CompareLink line={line} from={before.number} to={release.number} />}
      </ul>
    </>
  );
}

function ImageCommands({ name, version }: { readonly name: string; readonly version: string }): JSX.Element {
  const image = quoted(`${name}@${version}`);
  return (
    <li>
      never release {name} {version} again, or find it elsewhere:{' '}
      <CommandText>{`tagflow hold ${image} --reason "…"`}</CommandText>{' '}
      <CommandText>{`tagflow where ${image}`}</CommandText>
    </li>
  );
}

function CompareLink(props: { readonly line: PageLine; readonly from: number; readonly to: number }): JSX.Element {
  const { line, from, to } = props;
  return (
    <li>
      <a href={linkTo({ view: 'compare', a: `${line.name}@${from}`, b: `${line.name}@${to}` })}>
        compare with release {from}
      </a>
    </li>
  );
}
