// The page of `tagflow report` and `tagflow ui`: reads its data, and shows the view that the URL names. It changes nothing.
import './style.css';
import { type JSX, render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PageData } from '../views/report/page-types.ts';
import { Auditor } from './auditor.tsx';
import { Compare } from './compare.tsx';
import { embeddedData, servedData } from './data.ts';
import { Matrix } from './matrix.tsx';
import { Command } from './parts.tsx';
import { ReleasePage } from './release.tsx';
import { type ViewRoute, linkTo, useRoute } from './route.ts';
import { iso } from './text.ts';
import { Timeline } from './timeline.tsx';

/** How often a page that a server serves asks again, in milliseconds. */
const AGAIN = 15_000;

function Page(props: { readonly first: PageData; readonly isLive: boolean }): JSX.Element {
  const [data, setData] = useState(props.first);
  const [problem, setProblem] = useState('');
  const route = useRoute();
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
  useEffect(() => {
    document.title = `${titleOf(route)} – tagflow`;
  }, [route]);
  return (
    <>
      <a class="skip" href="#main">
        to the content
      </a>
      <header>
        <nav aria-label="views">
          <a href={linkTo({ view: 'matrix' })}>what runs where</a>
          <a href={linkTo({ view: 'compare', a: '', b: '' })}>compare</a>
          <a href={linkTo({ view: 'audit', at: '', find: '' })}>audit</a>
        </nav>
        <p>
          as of <time dateTime={iso(data.made)}>{iso(data.made)}</time>
          {props.isLive ? ', kept up to date' : ''} {problem !== '' && <span class="mark bad">✗ {problem}</span>}
        </p>
      </header>
      <div id="main">
        <View data={data} route={route} />
      </div>
    </>
  );
}

function View({ data, route }: { readonly data: PageData; readonly route: ViewRoute }): JSX.Element {
  if (data.problem) return <Unreadable text={data.problem.text} />;
  if (route.view === 'matrix') return <Matrix data={data} />;
  if (route.view === 'compare') return <Compare data={data} a={route.a} b={route.b} />;
  if (route.view === 'audit') return <Auditor data={data} at={route.at} find={route.find} />;
  const line = data.lines.find(({ name }) => name === route.line);
  if (!line) return <Missing text={`There is no environment ${route.line}.`} />;
  if (route.view === 'line') return <Timeline key={line.name} data={data} line={line} />;
  const index = line.releases.findIndex(({ number }) => number === route.number);
  if (index < 0) return <Missing text={`${line.name} has no release ${route.number}.`} />;
  return <ReleasePage data={data} line={line} index={index} />;
}

function Missing({ text }: { readonly text: string }): JSX.Element {
  return (
    <main>
      <h1>Not here</h1>
      <p>{text}</p>
    </main>
  );
}

function Unreadable({ text }: { readonly text: string }): JSX.Element {
  return (
    <main>
      <h1>Nothing to show</h1>
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
