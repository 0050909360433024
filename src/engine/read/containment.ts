// Whether a change of a file is contained in another version of the file: whether merging the change into that version, three
// ways, gives that very version. A block elsewhere in the file that looks alike does not count. Bounded: what takes too long to
// compare is not contained. The same merge keeps changes that upstream lacks.
import { type ArrayChange, diffArrays } from 'diff';
import { Effort } from './effort.ts';

/** A range of lines of the common version, and what stands there instead. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/**
 * Returns `other` with the change from `old` to `own` in it: `other` itself where it contains the change. Undefined where `other`
 * changed the same place otherwise, and where there are too many changes to compare.
 */
export function mergeText(other: string, old: string, own: string, effort = new Effort()): string | undefined {
  const [base, mine, theirs] = [old, own, other].map(linesOf) as [string[], string[], string[]];
  const ours = changesOf(base, mine, effort);
  const others = ours && changesOf(base, theirs, effort);
  if (!ours || !others) return undefined;
  // Texts of any number of lines: as arguments of a call they would not fit on its stack.
  let merged = '';
  let at = 0;
  for (const { start, end, mine: changed, theirs: there } of groupsOf(ours, others)) {
    const [here, elsewhere] = [versionOf(base, start, end, changed), versionOf(base, start, end, there)];
    if (changed.length > 0 && there.length > 0 && here !== elsewhere) return undefined;
    merged += base.slice(at, start).join('') + (changed.length > 0 ? here : elsewhere);
    at = end;
  }
  return merged + base.slice(at).join('');
}

/** Lines with their ends. */
function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/);
}

/** The changes between two versions, in order; undefined where there are too many. */
function changesOf(from: readonly string[], to: readonly string[], effort: Effort): readonly Change[] | undefined {
  const most = Math.min(from.length, to.length);
  let head = 0;
  while (head < most && from[head] === to[head]) head += 1;
  let tail = 0;
  while (tail < most - head && from.at(-1 - tail) === to.at(-1 - tail)) tail += 1;
  const { edits } = effort;
  const parts = diffArrays(from.slice(head, from.length - tail), to.slice(head, to.length - tail), {
    maxEditLength: edits,
  });
  effort.spend(parts ? editsIn(parts) : edits);
  if (!parts) return undefined;
  const changes: Change[] = [];
  let at = head;
  for (const { added, removed, value } of parts) {
    const last = changes.at(-1);
    const touches = last?.end === at;
    const [start, before] = touches && last ? [last.start, last.lines] : [at, []];
    if (!added) at += value.length;
    if (!added && !removed) continue;
    if (touches) changes.pop();
    changes.push({ start, end: at, lines: added ? [...before, ...value] : before });
  }
  return changes;
}

function editsIn(parts: readonly ArrayChange<string>[]): number {
  return parts.reduce((sum, { added, removed, count }) => sum + (added || removed ? count : 0), 0);
}

/** Changes of both sides that overlap or touch belong together. */
interface Group {
  readonly start: number;
  readonly end: number;
  readonly mine: readonly Change[];
  readonly theirs: readonly Change[];
}

function groupsOf(mine: readonly Change[], theirs: readonly Change[]): readonly Group[] {
  const all = [...mine.map((change) => ({ change, own: true })), ...theirs.map((change) => ({ change, own: false }))];
  all.sort((a, b) => a.change.start - b.change.start || a.change.end - b.change.end);
  const groups: { start: number; end: number; mine: Change[]; theirs: Change[] }[] = [];
  for (const { change, own } of all) {
    let group = groups.at(-1);
    if (!group || change.start > group.end) {
      group = { start: change.start, end: change.end, mine: [], theirs: [] };
      groups.push(group);
    }
    group.end = Math.max(group.end, change.end);
    (own ? group.mine : group.theirs).push(change);
  }
  return groups;
}

/** A part of the common version as one side has it. */
function versionOf(base: readonly string[], start: number, end: number, changes: readonly Change[]): string {
  let text = '';
  let at = start;
  for (const change of changes) {
    text += base.slice(at, change.start).join('') + change.lines.join('');
    at = change.end;
  }
  return text + base.slice(at, end).join('');
}
