// What a CI system reads after the step, where those places exist: a dotenv report, GITHUB_OUTPUT, the step's summary, annotations,
// and a report of code quality.
import { appendFile, writeFile } from 'node:fs/promises';
import { fixText } from '../../model/advice.ts';
import { TagflowError, sentenceOf } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { type CiFinding, formatAnnotations, formatCodeQuality, formatFindings } from '../../views/findings.ts';
import { formatSummary } from '../../views/summary.ts';
import { commandOf } from './act-commands.ts';
import { namedPath } from '../process/checkout-files.ts';
import type { Io } from '../process/io.ts';

/** The facts that a later step wants. */
export interface CiFacts {
  readonly environment: string;
  readonly record: ReleaseRecord;
  readonly commit: ObjectId;
  readonly changed: boolean;
  readonly previous: ReleaseRecord | undefined;
  /** The page of the pull request that asks for the release, where it is not one yet. */
  readonly pullRequest?: string;
}

/** GitLab refuses a larger dotenv report. */
const DOTENV_LIMIT = 5 * 1024;

/** What a shell takes literally, without quotes: a dotenv report has none, as GitLab would make them part of the value. */
const LITERAL = /[^A-Za-z0-9_.,:/@=+%-]/g;

/** Lists that are left out of a report that would be too large, in this order. */
const LISTS = ['TAGFLOW_PREVIOUS', 'TAGFLOW_DIGEST', 'TAGFLOW_VERSION'];

/** Writes the files that the environment names: TAGFLOW_DOTENV, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, an empty TAGFLOW_CODE_QUALITY. */
export async function writeCiFiles({ env, cwd }: Pick<Io, 'env' | 'cwd'>, facts: CiFacts): Promise<void> {
  const { TAGFLOW_DOTENV: dotenv, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: step } = env;
  const { TAGFLOW_CODE_QUALITY: quality } = env;
  const lines = report(variables(facts));
  await Promise.all([
    dotenv && save(cwd, dotenv, async (file) => writeFile(file, lines)),
    output && save(cwd, output, async (file) => appendFile(file, lines)),
    step && save(cwd, step, async (file) => appendFile(file, `${formatSummary(facts)}\n\n`)),
    quality && save(cwd, quality, async (file) => writeFile(file, formatCodeQuality([]))),
  ]);
}

/**
 * Writes what refused, or what a check found, to the places that the environment names: the summary of the step, and
 * TAGFLOW_CODE_QUALITY, empty where nothing was found. What was found stands when that fails.
 */
export async function writeFindings(
  { io, say }: { readonly io: Pick<Io, 'env' | 'cwd'>; readonly say: (text: string) => void },
  found: readonly CiFinding[],
  head: 'Refused by' | 'Found by',
): Promise<void> {
  const findings = found.map(spoken);
  const { GITHUB_STEP_SUMMARY: step, TAGFLOW_CODE_QUALITY: quality } = io.env;
  const files: readonly (readonly [string | undefined, (file: string) => Promise<void>])[] = [
    [findings.length > 0 ? step : undefined, async (file) => appendFile(file, `${formatFindings(findings, head)}\n\n`)],
    [quality, async (file) => writeFile(file, formatCodeQuality(findings))],
  ];
  for (const [file, write] of files) {
    if (!file) continue;
    const { problem } = await attemptAny(async () => write(await namedPath(io.cwd, file)));
    if (problem !== undefined) say(`cannot write ${file}: ${problem}`);
  }
}

/** Shows findings in a workflow of GitHub, as annotations. */
export function annotateRun({ env, stderr }: Io, findings: readonly CiFinding[]): void {
  if (env['GITHUB_ACTIONS'] === 'true') stderr.write(formatAnnotations(findings.map(spoken)));
}

function spoken(finding: CiFinding): CiFinding {
  return { ...finding, fix: fixText(finding.fix, commandOf) };
}

/** The report, which a shell can source. An incomplete list would mislead: what does not fit is left out and named. */
function report(all: readonly Variable[]): string {
  const omitted: string[] = [];
  for (const list of ['', ...LISTS]) {
    if (list !== '') omitted.push(list);
    const left = all.filter(([name]) => !omitted.includes(name));
    const named: readonly Variable[] = omitted.length > 0 ? [['TAGFLOW_OMITTED', omitted.join(',')]] : [];
    const text = [...left, ...named].map(([name, value]) => `${name}=${literal(value)}\n`).join('');
    if (Buffer.byteLength(text) < DOTENV_LIMIT || list === LISTS.at(-1)) return text;
  }
  return '';
}

/** A value that a shell takes literally: any other character is percent-encoded, as in a URL. */
function literal(value: string): string {
  return value.replace(LITERAL, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

type Variable = readonly [name: string, value: string];

/** Values have one line each: versions are tags, ids and digests are hexadecimal. */
function variables(facts: CiFacts): readonly Variable[] {
  const { environment, record, commit, changed, previous, pullRequest } = facts;
  const digests =
    record.images.length === 1
      ? record.images[0]?.digest
      : record.images.map(({ name, digest }) => `${name}=${digest}`).join(',');
  return [
    ['TAGFLOW_ENV', environment],
    ['TAGFLOW_VERSION', versions(record)],
    ['TAGFLOW_DIGEST', digests ?? ''],
    ['TAGFLOW_COMMIT', commit],
    ['TAGFLOW_PREVIOUS', previous ? versions(previous) : ''],
    ['TAGFLOW_CHANGED', String(changed)],
    ...(pullRequest === undefined ? [] : [['TAGFLOW_PULL_REQUEST', pullRequest] as const]),
  ];
}

/** The version of a release of one image; `name=version` pairs of one with several. */
function versions({ images }: ReleaseRecord): string {
  const [first] = images;
  return images.length === 1 && first
    ? first.version
    : images.map(({ name, version }) => `${name}=${version}`).join(',');
}

/** Does something, and returns in words why it could not be done. */
async function attemptAny(work: () => Promise<void>): Promise<{ readonly problem?: string; readonly cause?: unknown }> {
  try {
    await work();
    return {};
  } catch (cause) {
    if (cause instanceof TagflowError) return { problem: sentenceOf(cause), cause };
    return { problem: cause instanceof Error ? cause.message : String(cause), cause };
  }
}

async function save(root: string, file: string, write: (path: string) => Promise<void>): Promise<void> {
  const { problem, cause } = await attemptAny(async () => write(await namedPath(root, file)));
  if (problem === undefined) return;
  throw new TagflowError('storage-failed', {
    what: `cannot write ${file}; the release itself is done`,
    why: problem,
    fix: 'make the folder writable, or unset the variable that names the file',
    cause,
  });
}
