// What the model found, for people: a table, ways through it line by line, and as diagrams (mermaid, for the documentation).
import type { Violation } from './explore.ts';
import type { Surroundings } from './rules.ts';
import type { Talk } from './steps.ts';
import type { Operation } from './world.ts';

const FAULTS: Readonly<Record<string, string>> = {
  kill: 'a kill',
  late: 'a late arrival',
  lostAnswer: 'a lost answer',
  lostWrite: 'a forgotten write',
  staleTag: 'a stale tag',
  staleHead: 'a stale head',
  rewind: 'a rewind',
  oldMerge: 'a merge of an old commit',
  cleanUp: 'its tags cleaned up',
  journalRewind: 'an entry taken off the journal',
  foreign: 'a commit of another line',
  wait: 'minutes that pass',
};

const ENDINGS = { lock: 'unlock', hold: 'lift', approve: 'unapprove' } as const;

/** `promote v4`. */
function operationText(operation: Operation): string {
  if (operation.kind === 'promote') return `promote v${operation.version}`;
  if (operation.kind === 'verify') return `verify (${operation.bad.map((version) => `v${version}`).join(', ')} fails)`;
  if (operation.kind !== 'write') return operation.kind;
  const { says } = operation;
  if (says.kind === 'end') return ENDINGS[says.of];
  if (says.kind === 'result') return 'result';
  return says.kind === 'lock' ? `lock${says.rollbacks ? ' --rollbacks' : ''}` : `${says.kind} v${says.version}`;
}

/** `promote v4 | rollback; a kill, a late arrival`. */
export function situationText({ operations, faults }: Surroundings): string {
  const wrong = Object.entries(faults).map(
    ([kind, count]) => `${count > 1 ? `${count} × ` : ''}${FAULTS[kind] ?? kind}`,
  );
  return `${operations.map(operationText).join(' | ')}${wrong.length > 0 ? `; ${wrong.join(', ')}` : ''}`;
}

/** A way to a broken promise, one step a number. */
export function wayText({ promise, moves }: Violation): readonly string[] {
  const lines = moves.flatMap(({ talks }, step) =>
    talks.map(({ from, to, text }, index) => {
      const who = from === to ? from : `${from} -> ${to}`;
      return `${index === 0 ? String(step + 1).padStart(4) : '    '}  ${who.padEnd(22)}  ${text}`;
    }),
  );
  return [...lines, `   =>  ${promise}`];
}

/** A way to a broken promise as a mermaid sequence diagram: what one says to another without a break is one arrow. */
export function diagramOf({ operations }: Surroundings, { promise, moves }: Violation): readonly string[] {
  const talks = moves.flatMap((move) => move.talks);
  const names = operations.map((operation, index) => ({ name: 'ABC'[index] ?? '?', text: operationText(operation) }));
  const runs = names.filter(({ name }) => talks.some(({ from }) => from === name));
  const others = ['administrator', 'somebody', 'network'].filter((name) => talks.some(({ from }) => from === name));
  const arrows: Talk[] = [];
  for (const talk of talks) {
    const last = arrows.at(-1);
    if (last?.from === talk.from && last.to === talk.to) {
      arrows.push({ ...talk, text: `${arrows.pop()?.text ?? ''}<br/>${talk.text}` });
    } else {
      arrows.push(talk);
    }
  }
  return [
    'sequenceDiagram',
    ...runs.map(({ name, text }) => `  participant ${name} as ${name}: ${text}`),
    ...others.map((name) => `  participant ${name}`),
    '  participant Git',
    '  participant registry',
    ...arrows.map(({ from, to, text }) =>
      from === to ? `  Note over ${from}: ${text}` : `  ${from}->>${to}: ${text}`,
    ),
    `  Note over Git,registry: ${promise}`,
  ];
}

/** Columns, as wide as their widest cell; numbers to the right. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => (/^[0-9,]+$/.test(cell) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
