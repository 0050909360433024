// Completion candidates from the past: releases, the people who made them, and open entries of the journal.
import type { JournalEntry } from '../../model/journal.ts';
import type { ArgumentPosition } from './position.ts';
import type { Session } from '../session/session.ts';

/** Maximum number of releases and entries that are read, newest first. */
const MOST = 50;

/** The words that releases or the journal give for a position. */
export async function pastAt(
  session: Session,
  { command, typed }: Pick<Extract<ArgumentPosition, { kind: 'values' }>, 'command' | 'typed'>,
  kind: 'release' | 'actor' | 'hold' | 'approval',
): Promise<readonly string[]> {
  if (kind === 'hold') return (await openEntries(session, 'hold')).flatMap(namesOfHold);
  if (kind === 'approval') return (await openEntries(session, 'approve')).map(({ id }) => id);
  const [environment, application] = typed;
  if (kind === 'release' && environment === undefined) return [];
  const { history } = await import('../../engine/read/history.ts');
  const { releases } = await history(await session.context(), {
    ...(environment !== undefined && { environment }),
    ...(application !== undefined && kind === 'release' && { applications: [application] }),
    limit: MOST,
  });
  if (kind === 'actor') {
    const people = releases.flatMap(({ record: { actor, onBehalfOf }, signer }) => [onBehalfOf, actor, signer]);
    return [...new Set(people.filter((name) => name !== undefined))];
  }
  const numbers = releases.map(({ record }) => String(record.sequence));
  if (command !== 'rollback') return numbers;
  const versions = releases.flatMap(({ record }) => record.images.map(({ version }) => version));
  return [...numbers.map((number) => `#${number}`), ...new Set(versions)];
}

/** Names of environments and applications that today's tagflow.yaml does not have, or has under another name. */
export async function pastNames(
  session: Session,
  completion: 'environment' | 'application' | 'line',
): Promise<readonly string[]> {
  const [{ readSnapshot }, { pastLines }] = await Promise.all([
    import('../../engine/read/snapshot.ts'),
    import('../../engine/read/past-lines.ts'),
  ]);
  const context = await session.context();
  const snapshot = await readSnapshot(context);
  const lines = (await pastLines(context, snapshot)).map(({ line }) => line);
  const { renamed } = snapshot.pipeline;
  const environments = [...renamed.environments.keys(), ...lines.map(({ environment }) => environment)];
  const applications = [...renamed.applications.keys(), ...lines.flatMap(({ application }) => application ?? [])];
  const all = { environment: environments, application: applications, line: [...environments, ...applications] };
  return [...new Set(all[completion])];
}

/** Entries of a kind that no later entry ends. */
async function openEntries(session: Session, kind: JournalEntry['kind']): Promise<readonly JournalEntry[]> {
  const { listJournal } = await import('../../engine/journal/list.ts');
  const entries = await listJournal(await session.context(), undefined, MOST);
  const ended = new Set(entries.map(({ ends }) => ends));
  return entries.filter((entry) => entry.kind === kind && !ended.has(entry.id));
}

/** How a hold is named: by its image, or by its id. */
function namesOfHold({ id, image }: JournalEntry): readonly string[] {
  return image?.name !== undefined && image.version !== undefined ? [`${image.name}@${image.version}`, id] : [id];
}
