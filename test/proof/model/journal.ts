// The journal of the model's world: entries that are only ever added, what is open in it, and what that forbids.

/** What an entry says. `rollbacks`: a lock that stops rollbacks as well. */
export type EntryText =
  | { readonly kind: 'lock'; readonly rollbacks?: true }
  | { readonly kind: 'hold' | 'approve'; readonly version: number }
  /** Lets one release past a hold. */
  | { readonly kind: 'override'; readonly version: number }
  /** What a verification said of the release that a commit made. */
  | { readonly kind: 'result'; readonly of: string; readonly failed: boolean }
  /** Ends the open entries of a kind that its writer sees: `unlock`, `lift`, `unapprove`. */
  | { readonly kind: 'end'; readonly of: 'lock' | 'hold' | 'approve' };

/** An entry. */
export interface Entry {
  readonly id: string;
  readonly says: EntryText;
  /** The entries that it ends: those that its writer had seen. */
  readonly ends: readonly string[];
}

/** The journal's entries, oldest first. */
export type Journal = readonly Entry[];

/** What a release asks of the journal. */
export interface Asked {
  readonly action: 'promote' | 'rollback';
  readonly version: number;
  /** The head of the journal that the release below it relied on. */
  readonly relied: string | undefined;
  readonly needsApproval: boolean;
  /** An override counts for whatever is released. */
  readonly overridesAll?: boolean;
}

/** The journal's head: equal for two journals only if they have the same entries. */
export function journalHead(journal: Journal): string {
  return journal.map(({ id }) => `${id};`).join('');
}

/** The entries of a kind that none has ended. */
export function openEntries(journal: Journal, kind: Entry['says']['kind']): Journal {
  const ended = new Set(journal.flatMap(({ ends }) => ends));
  return journal.filter(({ id, says }) => says.kind === kind && !ended.has(id));
}

/** Whether the newest result of a release says that it failed; undefined where there is none. */
export function hasFailed(journal: Journal, commit: string): boolean | undefined {
  const newest = journal.findLast(({ says }) => says.kind === 'result' && says.of === commit)?.says;
  return newest?.kind === 'result' ? newest.failed : undefined;
}

/** Why a release may not be made beside a journal; undefined when it may. */
export function forbidden(journal: Journal, asked: Asked): string | undefined {
  const { action, version, relied = '', needsApproval, overridesAll = false } = asked;
  const names = ({ says }: Entry): boolean => 'version' in says && says.version === version;
  const locks = openEntries(journal, 'lock');
  const stops = ({ says }: Entry): boolean => action === 'promote' || (says.kind === 'lock' && says.rollbacks === true);
  if (locks.some(stops)) return 'it is locked';
  if (action === 'rollback') return undefined;
  const isOverridden = openEntries(journal, 'override').some((entry) => overridesAll || names(entry));
  if (!isOverridden && openEntries(journal, 'hold').some(names)) return `v${version} is on hold`;
  if (needsApproval && !openEntries(journal, 'approve').some(names)) return `v${version} has no approval`;
  return journalHead(journal).startsWith(relied)
    ? undefined
    : 'its journal lost entries that the release below relied on';
}
