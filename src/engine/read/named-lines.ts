// The lines that words of a command line name: those of today, by their former names as well, and those that only the past knows.
import { advise } from '../../model/advice.ts';
import { attemptNow } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import { type Pipeline, type ReleaseLine, linesNamed } from '../../model/pipeline.ts';
import { matchesWildcard } from '../../model/wildcard.ts';
import type { LineReading, Reading } from '../context.ts';
import { type PastLine, hasStrangeRecords, leftWords, pastLines } from './past-lines.ts';
import type { Snapshot } from './snapshot.ts';

/** Lines of today, and lines of the past. */
export interface NamedLines {
  readonly today: readonly ReleaseLine[];
  readonly past: readonly PastLine[];
}

/**
 * Returns the lines that words name, of today and of the past; without words all. `deep`: the past is looked through for lines of
 * environments that are named as such; otherwise only where records of such lines lie at a head. Throws what `linesNamed` throws
 * for names that never were.
 */
export async function namedLines(
  reading: LineReading,
  snapshot: Snapshot,
  words: readonly string[],
  deep: boolean,
): Promise<NamedLines> {
  const { pipeline } = snapshot;
  const now = words.map((word) => presentWord(reading, pipeline, word));
  const { lines, problem } = chosenLines(pipeline, now);
  const isRenamed = now.some((word, index) => word !== words[index]);
  if (!problem && !isRenamed && !deep && !(await hasStrangeRecords(reading, snapshot)))
    return { today: lines, past: [] };
  const past = await pastLines(reading, snapshot);
  if (!problem) return { today: lines, past: past.filter(({ line }) => isMeant(line, words, pipeline, past)) };
  const environments = new Set([...pipeline.environments.keys(), ...past.map(({ line }) => line.environment)]);
  const named: { today: readonly ReleaseLine[]; past: readonly PastLine[] }[] = [];
  for (const group of groupsOf(now, environments)) {
    const found = chosenLines(pipeline, group);
    const left = past.filter(({ line }) => isMeant(line, group, pipeline, past));
    if (found.problem && left.length === 0) throw found.problem;
    named.push({ today: found.lines, past: left });
  }
  return { today: named.flatMap(({ today }) => today), past: named.flatMap((one) => one.past) };
}

/** A word as it is called now. Says so. */
function presentWord({ notify }: Pick<Reading, 'notify'>, pipeline: Pipeline, word: string): string {
  const now = presentName(pipeline, word);
  if (now !== word) notify({ level: 'info', text: `${word} is called ${now} now (renamed: in tagflow.yaml)` });
  return now;
}

/** `stg`, `stg/storefront` and `storefront` as they are called now, by what was renamed. */
function presentName({ renamed }: Pipeline, word: string): string {
  const [first = '', ...rest] = word.split('/');
  return [
    renamed.environments.get(first) ?? renamed.applications.get(first) ?? first,
    ...rest.map((application) => renamed.applications.get(application) ?? application),
  ].join('/');
}

function chosenLines(
  pipeline: Pipeline,
  words: readonly string[],
): { readonly lines: readonly ReleaseLine[]; readonly problem?: TagflowError } {
  const codes = ['environment-not-found', 'application-not-found'] as const;
  const { value: lines = [], problem } = attemptNow(() => linesNamed(pipeline, words), ...codes);
  return problem ? { lines, problem } : { lines };
}

/** Environments, each followed by applications of it. */
function groupsOf(words: readonly string[], environments: ReadonlySet<string>): readonly (readonly string[])[] {
  const groups: string[][] = [];
  for (const word of words) {
    const group = groups.at(-1);
    if (group && !word.includes('/') && !environments.has(word)) group.push(word);
    else groups.push([word]);
  }
  return groups;
}

/** Whether words name a line of the past; no words name all. */
function isMeant(
  { environment, application }: ReleaseLine,
  words: readonly string[],
  pipeline: Pipeline,
  past: readonly PastLine[],
): boolean {
  if (words.length === 0) return true;
  const environments = new Set([...pipeline.environments.keys(), ...past.map(({ line }) => line.environment)]);
  return groupsOf(words, environments).some(([word = '', ...applications]) => {
    const [name, own] = word.split('/', 2);
    const patterns = own === undefined ? applications : [own, ...applications];
    if (name !== environment) return false;
    return (
      patterns.length === 0 ||
      (application !== undefined && patterns.some((pattern) => matchesWildcard(pattern, application)))
    );
  });
}

/**
 * Returns the lines of today that words name, for what changes something: of the past nothing is released or tagged. Throws what
 * `linesNamed` throws, saying of a name that only the past knows since when it is not there, or what it is called now.
 */
export async function presentLines(
  reading: LineReading,
  snapshot: Snapshot,
  words: readonly string[],
): Promise<readonly ReleaseLine[]> {
  const { pipeline } = snapshot;
  const { lines, problem } = chosenLines(pipeline, words);
  if (!problem) return lines;
  const renamed = words.map((word) => presentName(pipeline, word));
  if (renamed.some((word, index) => word !== words[index]) && !chosenLines(pipeline, renamed).problem) {
    throw new TagflowError(problem.code, {
      what: problem.message,
      why: 'it was renamed in tagflow.yaml',
      fix: `write ${renamed.join(' ')}`,
    });
  }
  const past = await pastLines(reading, snapshot);
  const left = past.find(({ line }) => isMeant(line, words, pipeline, past));
  if (!left) throw problem;
  throw new TagflowError(problem.code, {
    what: problem.message,
    why: leftWords(left),
    fix: advise`look at its past: ${{ act: 'history', line: words.join(' ') }}; or put it back into tagflow.yaml on the trunk`,
  });
}
