// The page of `tagflow report` and `tagflow ui`: reads its data, and shows the view that the URL names. It changes nothing.
import './style.css';
import { type JSX, render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PageData } from '../views/report/page-types.ts';
import { Auditor } from './auditor.tsx';
import { Compare } from './compare.tsx';
import { embeddedData, servedData } from './data.ts';
import { Matrix } from './matrix.tsx';
import { Command, Heading } from './parts.tsx';
import { ReleasePage } from './release.tsx';
import { START, type ViewRoute, linkTo, useRoute } from './route.ts';
import { duration, iso } from './text.ts';
import { Timeline } from './timeline.tsx';

/** How often a page that a server serves asks again, in milliseconds. */
const AGAIN = 15_000;

function Page(props: { readonly first: PageData; readonly isLive: boolean }): JSX.Element {
  const [data, setData] = useState(props.first);
  const [problem, setProblem] = useState('');
  const route = useRoute((name) => data.lines.some((line) => line.name === name));
  useEffect(() => {
    if (!props.isLive) return undefined;
    const look = async (): Promise<void> => {
      try {
        setData(await servedData());
        setProblem('');
      } catch (error) {
        setProblem(`not up to date: ${String(error)}`);
      }
    };
    const timer = setInterval(() => void look(), AGAIN);
    return () => clearInterval(timer);
  }, []);
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
          <span role="status">{problem !== '' && <span class="mark bad">✗ {problem}</span>}</span>
        </p>
      </header>
      <div id="main">
        <View data={data} route={route} />
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

function View({ data, route }: { readonly data: PageData; readonly route: ViewRoute }): JSX.Element {
  if (data.problem) return <Unreadable text={data.problem.text} />;
  if (route.view === 'matrix')
    return <Matrix key={linkTo(route)} data={data} filter={route.filter} isMarkedOnly={route.isMarkedOnly} />;
  if (route.view === 'compare') return <Compare data={data} a={route.a} b={route.b} />;
  if (route.view === 'audit') return <Auditor data={data} at={route.at} find={route.find} />;
  const line = data.lines.find(({ name }) => name === route.line);
  if (!line) return <Missing text={`There is no environment ${route.line}.`} />;
  if (route.view === 'line')
    return <Timeline key={line.name} data={data} line={line} from={route.from} until={route.until} />;
  const index = line.releases.findIndex(({ number }) => number === route.number);
  if (index < 0) return <Missing text={`${line.name} has no release ${route.number}.`} />;
  return <ReleasePage data={data} line={line} index={index} />;
}

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
        A repository is set up by <Command>tagflow init</Command>
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
    const embedded = await embeddedData();
    render(<Page first={embedded ?? (await servedData())} isLive={embedded === undefined} />, root);
  } catch (error) {
    root.textContent = `The data cannot be shown: ${String(error)}`;
  }
}

void start();
