// The page of `tagflow report` and `tagflow ui`: reads its data, and shows the view that the URL names. It changes nothing.
import './style.css';
import { type JSX, render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { PackedPage } from '../views/report/packed-page.ts';
import type { PageData } from '../views/report/page-types.ts';
import { AuditView } from './audit.tsx';
import { CompareView } from './compare.tsx';
import { embeddedPage, servedPage } from './data.ts';
import { MatrixView } from './matrix.tsx';
import { CommandText, Heading } from './parts.tsx';
import { ReleaseView } from './release.tsx';
import { START, type ViewRoute, linkTo, useRoute } from './route.ts';
import { duration, iso } from './text.ts';
import { TimelineView } from './timeline.tsx';
import { type OlderState, usePage } from './use-page.ts';

function Page(props: { readonly first: PackedPage; readonly isLive: boolean }): JSX.Element {
  const { data, problem, older } = usePage(props.first, props.isLive);
  const route = useRoute((name) => data.lines.some((line) => line.name === name));
  const title = titleOf(route);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title} – tagflow`;
    // A view that somebody came to begins at its heading, for eyes and for screen readers.
    if (!isFirst.current) toContent();
    isFirst.current = false;
  }, [title]);
  return (
    <>
      <button type="button" class="skip" onClick={toContent}>
        to the content
      </button>
      <header>
        <Views now={route.view} />
        <p>
          as of <time dateTime={iso(data.made)}>{iso(data.made)}</time>
          {props.isLive ? ', kept up to date' : ` (${duration(Date.now() - data.made)} ago)`}{' '}
          <span role="status">
            {older === 'reading' && `reading ${props.first.older} older releases … `}
            {problem !== '' && <span class="mark bad">✗ {problem}</span>}
          </span>
        </p>
      </header>
      <div id="main">
        <View data={data} route={route} older={older} />
      </div>
    </>
  );
}

/** Moves eyes and focus to the heading of the view. */
function toContent(): void {
  scrollTo(0, 0);
  document.querySelector('h1')?.focus({ preventScroll: true });
}

function Views({ now }: { readonly now: ViewRoute['view'] }): JSX.Element {
  const views: readonly (readonly [string, ViewRoute])[] = [
    ['what runs where', START],
    ['compare', { view: 'compare', a: '', b: '' }],
    ['audit', { view: 'audit', at: '', find: '' }],
  ];
  return (
    <nav aria-label="views">
      {views.map(([name, route]) => (
        <a key={name} href={linkTo(route)} aria-current={route.view === now ? 'page' : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

function View(props: { readonly data: PageData; readonly route: ViewRoute; readonly older: OlderState }): JSX.Element {
  const { data, route, older } = props;
  if (data.problem) return <Unreadable text={data.problem.text} />;
  if (route.view === 'matrix')
    return <MatrixView key={linkTo(route)} data={data} filter={route.filter} isMarkedOnly={route.isMarkedOnly} />;
  if (route.view === 'compare') return <CompareView data={data} a={route.a} b={route.b} />;
  if (route.view === 'audit') return <AuditView data={data} at={route.at} find={route.find} />;
  const line = data.lines.find(({ name }) => name === route.line);
  if (!line) return <Missing text={`There is no environment ${route.line}.`} />;
  if (route.view === 'line')
    return <TimelineView key={line.name} data={data} line={line} from={route.from} until={route.until} />;
  const index = line.releases.findIndex(({ number }) => number === route.number);
  if (index < 0 && older === 'reading') return <Missing text="Older releases are being read." />;
  if (index < 0) return <Missing text={`${line.name} has no release ${route.number}${WHERE[older]}.`} />;
  return <ReleaseView data={data} line={line} index={index} />;
}

/** Among which releases one was looked for. */
const WHERE = { none: '', reading: '', missing: ' among those that this page has' } as const;

function Missing({ text }: { readonly text: string }): JSX.Element {
  return (
    <main>
      <Heading>Not here</Heading>
      <p>{text}</p>
    </main>
  );
}

function Unreadable({ text }: { readonly text: string }): JSX.Element {
  return (
    <main>
      <Heading>Nothing to show</Heading>
      <p class="mark bad">✗ {text}</p>
      <p>
        A repository is set up by <CommandText>tagflow init</CommandText>
      </p>
    </main>
  );
}

function titleOf(route: ViewRoute): string {
  if (route.view === 'line') return route.line;
  if (route.view === 'release') return `${route.line} #${route.number}`;
  return { matrix: 'what runs where', compare: 'compare', audit: 'audit' }[route.view];
}

async function start(): Promise<void> {
  const root = document.querySelector('#page');
  if (!root) return;
  try {
    const embedded = await embeddedPage();
    render(<Page first={embedded ?? (await servedPage())} isLive={embedded === undefined} />, root);
  } catch (error) {
    root.textContent = `The data cannot be shown: ${String(error)}`;
  }
}

void start();
