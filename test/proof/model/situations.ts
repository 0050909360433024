// The situations that the model looks at, each through to its last state.
import type { EntryText, Journal } from './journal.ts';
import type { Surroundings } from './rules.ts';
import type { Faults, Operation } from './world.ts';

const promote4: Operation = { kind: 'promote', version: 4 };
const promote5: Operation = { kind: 'promote', version: 5 };
const rollback: Operation = { kind: 'rollback' };
const apply: Operation = { kind: 'apply' };

const alone = (operation: Operation, faults: Partial<Faults>): Surroundings => ({ operations: [operation], faults });
const two = (a: Operation, b: Operation, faults: Partial<Faults>): Surroundings => ({ operations: [a, b], faults });
const three = (a: Operation, b: Operation, c: Operation, faults: Partial<Faults>): Surroundings => ({
  operations: [a, b, c],
  faults,
  coarse: true,
});

const lock = write({ kind: 'lock' });
const lockAll = write({ kind: 'lock', rollbacks: true });
const hold4 = write({ kind: 'hold', version: 4 });
const unlock = write({ kind: 'end', of: 'lock' });
const verify: Operation = { kind: 'verify', bad: [2, 3] };
const verify4: Operation = { kind: 'verify', bad: [4] };
const EMPTY: Journal = [];
const LOCKED: Journal = [{ id: 'lock before', says: { kind: 'lock' }, ends: [] }];
const HELD: Journal = [{ id: 'hold before', says: { kind: 'hold', version: 4 }, ends: [] }];
const override4 = write({ kind: 'override', version: 4 });
const APPROVED: Journal = [{ id: 'approve before', says: { kind: 'approve', version: 4 }, ends: [] }];

function write(says: EntryText): Operation {
  return { kind: 'write', says };
}

function beside(journal: Journal, surroundings: Surroundings): Surroundings {
  return { ...surroundings, journal };
}

function shared(surroundings: Surroundings): Surroundings {
  return { ...surroundings, shared: true };
}

function moving(surroundings: Surroundings): Surroundings {
  return { ...surroundings, moving: true };
}

/** A few, for every run of the tests. */
export const FEW: readonly Surroundings[] = [
  alone(promote4, { kill: 1, late: 1, lostAnswer: 1, lostWrite: 1, staleTag: 1, staleHead: 1, rewind: 1 }),
  alone(rollback, { kill: 1, late: 1, lostAnswer: 1, staleTag: 1, staleHead: 1 }),
  two(promote4, promote5, {}),
  two(promote4, rollback, { lostAnswer: 1 }),
  two(rollback, apply, { staleTag: 1 }),
  two(promote4, apply, { kill: 1 }),
  alone(promote4, { oldMerge: 1, cleanUp: 1, kill: 1, lostAnswer: 1 }),
  beside(EMPTY, two(promote4, lock, { lostAnswer: 1, kill: 1 })),
  beside(LOCKED, two(lock, unlock, { journalRewind: 1 })),
  shared(alone(rollback, { foreign: 2, lostAnswer: 1, late: 1 })),
  beside(EMPTY, alone(verify, { kill: 1, lostAnswer: 1, staleHead: 1 })),
  moving(two(promote4, apply, { kill: 1, wait: 1 })),
];

/** All: three runs at once, and two with small steps and more going wrong. */
export const ALL: readonly Surroundings[] = [
  ...FEW,
  two(promote4, promote5, { rewind: 1 }),
  two(promote4, promote4, { kill: 1, late: 1 }),
  two(promote4, rollback, { kill: 1, late: 1 }),
  two(promote4, rollback, { lostAnswer: 1, late: 1 }),
  two(rollback, promote5, { lostAnswer: 1, staleHead: 1 }),
  two(promote4, promote5, { lostWrite: 1, kill: 1 }),
  two(rollback, rollback, { lostAnswer: 1, staleHead: 1 }),
  two(promote4, apply, { staleHead: 2, staleTag: 1 }),
  two(promote4, apply, { rewind: 1, staleHead: 1 }),
  two(rollback, apply, { kill: 1, staleTag: 1 }),
  two(promote4, apply, { oldMerge: 1, cleanUp: 1 }),
  two(promote4, rollback, { oldMerge: 1 }),
  alone({ kind: 'promote', version: 2 }, { oldMerge: 2, staleHead: 1 }),
  three(promote4, promote5, rollback, {}),
  three(rollback, rollback, promote4, {}),
  three(promote4, promote4, rollback, { lostAnswer: 1 }),
  three(promote4, rollback, apply, { kill: 1 }),
  three(promote4, rollback, apply, { staleTag: 1 }),
  three(promote4, rollback, apply, { staleHead: 1 }),
  three(promote4, rollback, apply, { rewind: 1 }),
  three(promote4, rollback, apply, { lostAnswer: 1, lostWrite: 1 }),
  three(promote4, apply, apply, { kill: 1, late: 1 }),
  shared(two(promote4, rollback, { foreign: 2 })),
  shared(two(promote4, promote5, { foreign: 1, lostAnswer: 1 })),
  shared(two(promote4, promote4, { foreign: 1, kill: 1 })),
  beside(EMPTY, shared(two(promote4, lock, { foreign: 1, lostAnswer: 1 }))),
  beside(EMPTY, two(promote4, lock, { lostAnswer: 1, late: 1, kill: 1, staleHead: 1 })),
  beside(HELD, two(promote4, override4, { kill: 1, lostAnswer: 1 })),
  beside(HELD, three(promote4, override4, rollback, {})),
  beside(EMPTY, alone(verify, { kill: 1, late: 1, lostAnswer: 1, staleTag: 1 })),
  beside(EMPTY, two(verify, verify, { kill: 1 })),
  beside(EMPTY, two(verify, promote4, { lostAnswer: 1, staleHead: 1 })),
  beside(EMPTY, two(verify, rollback, { kill: 1 })),
  beside(EMPTY, two(verify, lockAll, { lostAnswer: 1 })),
  beside(EMPTY, three(verify4, promote4, rollback, {})),
  beside(EMPTY, three(verify4, verify4, promote4, { kill: 1 })),
  beside(EMPTY, two(rollback, lockAll, { lostAnswer: 1, late: 1, staleHead: 1 })),
  beside(LOCKED, two(promote4, unlock, { kill: 1, journalRewind: 1 })),
  beside(LOCKED, three(lock, unlock, hold4, { journalRewind: 1 })),
  beside(EMPTY, three(promote4, promote5, hold4, { lostAnswer: 1 })),
  beside(EMPTY, three(promote4, rollback, lock, { journalRewind: 1 })),
  beside(EMPTY, three(promote4, lock, unlock, { lostAnswer: 1 })),
  moving(two(promote4, apply, { kill: 2, wait: 2 })),
  moving(two(rollback, apply, { kill: 2, wait: 2 })),
  moving(three(promote4, promote5, apply, { wait: 1 })),
  { ...beside(APPROVED, two(promote4, write({ kind: 'end', of: 'approve' }), { lostAnswer: 1 })), needsApproval: true },
  { ...beside(EMPTY, two(promote4, write({ kind: 'approve', version: 4 }), { kill: 1 })), needsApproval: true },
];

/** What `--deep` looks at as well: about three million states more. */
export const DEEP: readonly Surroundings[] = [
  ...ALL,
  three(promote4, rollback, apply, { kill: 1, late: 1 }),
  three(promote4, rollback, apply, { lostAnswer: 1, late: 1 }),
  two(promote4, promote5, { oldMerge: 1, lostAnswer: 1, staleHead: 1 }),
  three(promote4, rollback, apply, { oldMerge: 1 }),
];
