// How the page says times, spans and people.
import { plain } from '../model/text.ts';
import type { PageRelease } from '../views/report/page-types.ts';

export { actorOf } from '../views/changes.ts';
export { duration, moment } from '../views/times.ts';

/** A time in UTC to the second, as a machine reads it. */
export function iso(instant: number): string {
  return new Date(instant).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** What a release did: `promote`, `import`, `rollback to #1`. */
export function actionOf({ action, restored }: Pick<PageRelease, 'action' | 'restored'>): string {
  return action === 'rollback' ? `rollback to #${restored ?? '?'}` : action;
}

/** A share as text: `33 %`. */
export function percent(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)} %`;
}

/** A word as a shell takes it: in quotes where it could mean something else there. */
export function quoted(word: string): string {
  const safe = plain(word);
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(safe) ? safe : `'${safe.replaceAll("'", String.raw`'\''`)}'`;
}
