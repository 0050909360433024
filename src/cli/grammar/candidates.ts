// Candidates for completion: names from tagflow.yaml, versions from the registry; candidates-past.ts has what releases and the
// journal say.
import { join } from 'node:path';
import { CONFIG_FILE, parseConfig } from '../../config/config.ts';
import { ERRORS } from '../../model/errors.ts';
import { GATES } from '../../model/gate-policy.ts';
import { isPlain } from '../../model/text.ts';
import { compareVersions, readVersion } from '../../model/version.ts';
import type { Pipeline } from '../../model/pipeline.ts';
import type { Command } from './define.ts';
import { readOptionalFile } from '../process/files.ts';
import { type ArgumentPosition, positionOf, splitInlineValue } from './position.ts';
import type { Session } from '../session/session.ts';

/** How long completion may take, in seconds, unless TAGFLOW_COMPLETION_TIMEOUT says otherwise. */
const PATIENCE = '2';
/** Maximum number of versions that are offered, newest first. */
const MOST = 50;

/** Returns the words that begin with the last one and may replace it. Never rejects: returns nothing without an answer. */
export async function candidatesFor(
  session: Session,
  commands: readonly Command[],
  words: readonly string[],
): Promise<readonly string[]> {
  const [option, value] = splitInlineValue(commands, words.at(-1) ?? '') ?? [];
  if (option !== undefined && value !== undefined) {
    const found = await candidatesFor(session, commands, [...words.slice(0, -1), option, value]);
    return found.map((word) => `${option}=${word}`);
  }
  const current = words.at(-1) ?? '';
  const position = positionOf(commands, words);
  const found =
    position.kind === 'words' ? position.words : await inTime(session, wordsAt(session, commands, position, current));
  // The shell would split or change a word with a blank or a control character.
  return found.filter((word) => word.startsWith(current) && isPlain(word) && !/\s/.test(word));
}

async function inTime({ io }: Session, work: Promise<readonly string[]>): Promise<readonly string[]> {
  const seconds = Number(io.env['TAGFLOW_COMPLETION_TIMEOUT'] ?? PATIENCE) || Number(PATIENCE);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

type Values = Extract<ArgumentPosition, { kind: 'values' }>;

/** Commands that accept names that only the past knows. */
const OF_PAST: ReadonlySet<string> = new Set(['history', 'show', 'check', 'journal']);

/** Returns today's names; where none begins with the last word, those that only the past knows. */
async function wordsAt(
  session: Session,
  commands: readonly Command[],
  position: Values,
  current: string,
): Promise<readonly string[]> {
  const found = await valuesAt(session, commands, position, current);
  const { completion, command } = position;
  const isName = completion === 'environment' || completion === 'application' || completion === 'line';
  if (!isName || current === '' || !OF_PAST.has(command) || found.some((word) => word.startsWith(current)))
    return found;
  const { pastNames } = await import('./candidates-past.ts');
  return pastNames(session, completion);
}

async function valuesAt(
  session: Session,
  commands: readonly Command[],
  position: Values,
  current: string,
): Promise<readonly string[]> {
  const { completion, command } = position;
  switch (completion) {
    case undefined:
    case 'file':
    case 'folder':
      return [];
    case 'code':
      return Object.keys(ERRORS);
    case 'command':
      return commands.flatMap(({ name, hidden }) => (hidden ? [] : [name]));
    case 'gate':
      return command === 'rollback' ? ['held'] : gatesAt(session, current);
    case 'release':
    case 'actor':
    case 'hold':
    case 'approval': {
      const { pastAt } = await import('./candidates-past.ts');
      return pastAt(session, position, completion);
    }
    default:
      return namesAt(session, position, current);
  }
}

/** Names of the configuration, and versions of its images. */
async function namesAt(session: Session, { completion, command, typed }: Values, current: string) {
  const pipeline = await pipelineAt(session);
  const environments = [...pipeline.environments.keys()];
  const isFirst = typed.length === 0;
  if (completion === 'environment') return environments;
  if (completion === 'application') return pipeline.applications;
  if (completion === 'line') return isFirst ? environments : [...environments, ...pipeline.applications];
  if (completion === 'image') return [...pipeline.images.keys()];
  if (completion === 'pair') {
    const applications = command === 'promote' ? pipeline.applications : [];
    return [...applications, ...(await versionsAt(session, pipeline, '=', current))];
  }
  return versionsAt(session, pipeline, command === 'promote' ? undefined : '@', current);
}

/** Returns the gates that may be overridden, those of programs included, each after the gates that the word already lists. */
async function gatesAt(session: Session, current: string): Promise<readonly string[]> {
  const { environments } = await pipelineAt(session);
  const programs = [...environments.values()].flatMap(({ gates }) =>
    (gates.run ?? []).map(({ name }) => `run/${name}`),
  );
  const before = current.slice(0, current.lastIndexOf(',') + 1);
  return [...GATES, ...new Set(programs)].map((gate) => before + gate);
}

/** Reads the configuration of the checkout, or of the trunk where the checkout has none. */
async function pipelineAt(session: Session): Promise<Pipeline> {
  const { repo, directory } = session.options;
  const text = repo === undefined ? await readOptionalFile(join(directory, CONFIG_FILE)) : undefined;
  if (text !== undefined) return parseConfig(text);
  const { readSnapshot } = await import('../../engine/read/snapshot.ts');
  return (await readSnapshot(await session.context())).pipeline;
}

/** Returns the versions of all images, or of one image after its name: `django=V4.2`, `django@V4.2`. */
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
  const {
    registries: { registryOf },
  } = await session.registries();
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
