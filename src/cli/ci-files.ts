// What a CI system reads after the step: a dotenv report, GITHUB_OUTPUT, and the step's summary, where those places exist.
import { appendFile, writeFile } from 'node:fs/promises';
import { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { ReleaseRecord } from '../model/release.ts';
import { plain } from '../model/text.ts';
import { markdownTable } from '../views/markdown.ts';
import { summaryTable } from '../views/summary.ts';
import type { Session } from './session.ts';

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

/** Writes the files that the environment names: TAGFLOW_DOTENV, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY. */
export async function writeCiFiles({ io }: Session, facts: CiFacts): Promise<void> {
  const { TAGFLOW_DOTENV: dotenv, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: step } = io.env;
  const lines = `${variables(facts)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
  await Promise.all([
    dotenv && save(dotenv, () => writeFile(dotenv, lines)),
    output && save(output, () => appendFile(output, lines)),
    step &&
      save(step, () =>
        appendFile(step, `${markdownTable(summaryTable(facts.environment, facts.record, facts.commit))}\n\n`),
      ),
  ]);
}

/** Values have one line each: versions are tags, ids and digests are hexadecimal. */
function variables({
  environment,
  record,
  commit,
  changed,
  previous,
  pullRequest,
}: CiFacts): readonly (readonly [string, string])[] {
  const digests =
    record.images.length === 1
      ? record.images[0]?.digest
      : record.images.map(({ name, digest }) => `${name}=${digest}`).join(' ');
  return [
    ['TAGFLOW_ENV', environment],
    ['TAGFLOW_VERSION', versions(record)],
    ['TAGFLOW_DIGEST', digests ?? ''],
    ['TAGFLOW_COMMIT', commit],
    ['TAGFLOW_PREVIOUS', previous ? versions(previous) : ''],
    ['TAGFLOW_CHANGED', String(changed)],
    ...(pullRequest === undefined ? [] : [['TAGFLOW_PULL_REQUEST', plain(pullRequest)] as const]),
  ];
}

/** The version of a release of one image; `name=version` pairs of one with several. */
function versions({ images }: ReleaseRecord): string {
  const [first] = images;
  return images.length === 1 && first
    ? first.version
    : images.map(({ name, version }) => `${name}=${version}`).join(' ');
}

async function save(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `${file} cannot be written; the release itself is done`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'make the folder writable, or unset the variable that names the file',
      cause,
    });
  }
}
