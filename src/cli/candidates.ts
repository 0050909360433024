// Candidates for completion: names from tagflow.yaml, versions from the registry, releases from the branch.
import { join } from 'node:path';
import { CONFIG_FILE, parseConfig } from '../config/config.ts';
import { ERRORS } from '../model/errors.ts';
import { isPlain } from '../model/text.ts';
import { compareVersions, readVersion } from '../model/version.ts';
import type { Pipeline } from '../model/pipeline.ts';
import type { Command } from './define.ts';
import { readOptionalFile } from './files.ts';
import { type ArgumentPosition, positionOf } from './position.ts';
import type { Session } from './session.ts';

/** How long somebody waits for a word, in milliseconds. */
const PATIENCE = 2000;
/** Releases and versions that are offered, newest first. */
const MOST = 50;

/** The words that may stand for the last one, which they begin with. Never rejects: without an answer there are none. */
export async function candidatesFor(
  session: Session,
  commands: readonly Command[],
  words: readonly string[],
): Promise<readonly string[]> {
  const current = words.at(-1) ?? '';
  const position = positionOf(commands, words);
  const found =
    position.kind === 'words' ? position.words : await inTime(valuesAt(session, commands, position, current));
  // A word with a blank or a sign for the shell is not one to insert.
  return found.filter((word) => word.startsWith(current) && isPlain(word) && !/\s/.test(word));
}

async function inTime(work: Promise<readonly string[]>): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), PATIENCE);
  });
  try {
    return await Promise.race([work, late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

async function valuesAt(
  session: Session,
  commands: readonly Command[],
  { completion, command, typed }: Extract<ArgumentPosition, { kind: 'values' }>,
  current: string,
): Promise<readonly string[]> {
  if (completion === 'code') return Object.keys(ERRORS);
  if (completion === 'command') return commands.flatMap(({ name, hidden }) => (hidden ? [] : [name]));
  if (completion === undefined || completion === 'file' || completion === 'folder') return [];
  if (completion === 'release') return releasesOf(session, command, typed[0]);
  const pipeline = await pipelineAt(session);
  if (completion === 'environment') return [...pipeline.environments.keys()];
  if (completion === 'image') return [...pipeline.images.keys()];
  return versionsAt(session, pipeline, completion === 'pair' ? '=' : command === 'where' ? '@' : undefined, current);
}

/** The configuration of the checkout; the trunk's where there is none. */
async function pipelineAt(session: Session): Promise<Pipeline> {
  const { repo, directory } = session.options;
  const text = repo === undefined ? await readOptionalFile(join(directory, CONFIG_FILE)) : undefined;
  if (text !== undefined) return parseConfig(text);
  const { readSnapshot } = await import('../engine/read/snapshot.ts');
  return (await readSnapshot(await session.context())).pipeline;
}

/** Versions of all images, or behind an image's name: `django=V4.2`, `django@V4.2`. */
async function versionsAt(
  session: Session,
  { images }: Pipeline,
  joint: '=' | '@' | undefined,
  current: string,
): Promise<readonly string[]> {
  const at = joint === undefined ? -1 : current.indexOf(joint);
  if (joint !== undefined && at < 0) return [...images.keys()].map((name) => `${name}${joint}`);
  const named =
    at < 0 ? [...images.values()] : [...images.values()].filter(({ name }) => name === current.slice(0, at));
  const { registryOf } = await session.registries();
  const lists = await Promise.all(
    named.map(async ({ repository, versions }) =>
      (await registryOf(repository).listTags(repository))
        .flatMap((tag) => readVersion(tag, versions) ?? [])
        .sort((a, b) => compareVersions(b, a))
        .slice(0, MOST)
        .map(({ tag }) => tag),
    ),
  );
  const words = [...new Set([...(joint === '@' ? [] : ['newest']), ...lists.flat()])];
  return at < 0 ? words : words.map((version) => current.slice(0, at + 1) + version);
}

/** Releases of an environment: for `rollback --to` with `#` and versions too, for `show --release` numbers. */
async function releasesOf(
  session: Session,
  command: string,
  environment: string | undefined,
): Promise<readonly string[]> {
  if (environment === undefined) return [];
  const { history } = await import('../engine/read/history.ts');
  const { releases } = await history(await session.context(), { environment, limit: MOST });
  const numbers = releases.map(({ record }) => String(record.sequence));
  if (command !== 'rollback') return numbers;
  const versions = releases.flatMap(({ record }) => record.images.map(({ version }) => version));
  return [...numbers.map((number) => `#${number}`), ...new Set(versions)];
}
