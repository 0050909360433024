// Loaded before tagflow (`--import`), for points over files: every effect on the disk and every Git process is a step with a
// label. At the step and moment that TAGFLOW_PROOF_TRAP names the process says so on file descriptor 3 and stands still, all
// of it, until it is released or is killed. Without a trap it writes the label of each step to the descriptor.
import childProcess, { type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

const CHANNEL = 3;
const folder = process.env['TAGFLOW_PROOF_FOLDER'] ?? '';
const trap = process.env['TAGFLOW_PROOF_TRAP'];
const [trapLabel = '', trapCount = '', trapMoment = ''] = trap?.split('\t') ?? [];

const counts = new Map<string, number>();
/** The step that has been heard of, and whose moment comes before the next step. */
let due = false;

/** Stands still until the sweep says to go on. */
function stand(): void {
  fs.writeSync(CHANNEL, 'reached\n');
  const byte = Buffer.alloc(1);
  for (;;) {
    try {
      if (fs.readSync(CHANNEL, byte, 0, 1, null) > 0) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

function settleDue(): void {
  if (!due) return;
  due = false;
  stand();
}

/** A step begins. Gives what its moments say. */
function begin(label: string): { unanswered(): void; after(): void; late(): void } {
  settleDue();
  const count = (counts.get(label) ?? 0) + 1;
  counts.set(label, count);
  if (trap === undefined) fs.writeSync(CHANNEL, `${label}\n`);
  const here = trap !== undefined && label === trapLabel && String(count) === trapCount;
  if (here && trapMoment === 'before') stand();
  return {
    unanswered() {
      if (here && trapMoment === 'unanswered') stand();
    },
    after() {
      if (!here || trapMoment !== 'after') return;
      due = true;
      setImmediate(settleDue);
    },
    late() {
      if (here && trapMoment === 'late') stand();
    },
  };
}

/** A path without what differs from run to run; undefined outside of the point's folder. */
function placeOf(path: unknown): string | undefined {
  const text = String(path);
  if (!text.startsWith(`${folder}/`)) return undefined;
  return text
    .slice(folder.length + 1)
    .replace(/^work[^/]*/, 'work')
    .replace(/tagflow-git-[^/]*/, 'ledger')
    .replace(/\.tagflow-[0-9a-f-]{36}\.tmp/, '.tagflow.tmp');
}

type AnyFunction = (...args: never[]) => unknown;

/** Makes a step of a function that gives a promise. */
function wrapPromise(owner: object, name: string, labelOf: (args: readonly unknown[]) => string | undefined): void {
  const methods = owner as Record<string, AnyFunction>;
  const original = methods[name]!;
  methods[name] = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const label = labelOf(args);
    if (label === undefined) return original.apply(this, args as never[]);
    const step = begin(label);
    const result = await original.apply(this, args as never[]);
    step.unanswered();
    step.after();
    return result;
  };
}

/** Makes a step of a function whose last argument is a callback. */
function wrapCallback(name: 'mkdir' | 'rmdir'): void {
  const methods = fs as unknown as Record<string, AnyFunction>;
  const original = methods[name]!;
  methods[name] = function (this: unknown, ...args: unknown[]): unknown {
    const place = placeOf(args[0]);
    const callback = args.at(-1);
    // What a removal of the whole ledger does in it is one step of its own; names of objects differ from run to run.
    if (place === undefined || (name === 'rmdir' && place.includes('/ledger')) || typeof callback !== 'function')
      return original.apply(this, args as never[]);
    const step = begin(`${name} ${place}`);
    const told = (...results: unknown[]): void => {
      step.unanswered();
      step.after();
      (callback as (...values: unknown[]) => void)(...results);
    };
    return original.apply(this, [...args.slice(0, -1), told] as never[]);
  };
}

for (const name of ['mkdtemp', 'mkdir', 'writeFile', 'rm', 'rmdir', 'unlink'] as const) {
  wrapPromise(fs.promises, name, ([path]) => {
    const place = placeOf(path);
    return place === undefined ? undefined : `${name} ${place}`;
  });
}
wrapPromise(fs.promises, 'rename', ([, to]) => {
  const place = placeOf(to);
  return place === undefined ? undefined : `rename ${place}`;
});
// No step: the time of a lock. How often it is set depends on which of several locks is quicker, and stands between its
// making and its removal.
for (const name of ['mkdir', 'rmdir'] as const) wrapCallback(name);

const { open } = fs.promises;
fs.promises.open = async (path, flags, mode) => {
  const place = flags === 'wx' ? placeOf(path) : undefined;
  if (place === undefined) return open(path, flags, mode);
  const step = begin(`create ${place}`);
  const handle = await open(path, flags, mode);
  for (const name of ['writeFile', 'sync'] as const) wrapPromise(handle, name, () => `${name} ${place}`);
  step.unanswered();
  step.after();
  return handle;
};

const { spawn } = childProcess;
const tracked = (file: string, args: readonly string[], ...rest: unknown[]): ChildProcess => {
  // simple-git puts settings (`-c name=value`) first.
  const words = args.filter((arg, index) => arg !== '-c' && args[index - 1] !== '-c');
  const step = begin(`git ${words.find((word) => !word.startsWith('-')) ?? ''}`);
  const child = (spawn as (...values: unknown[]) => ChildProcess)(file, args, ...rest);
  step.late();
  const emit = child.emit.bind(child) as (event: string, ...values: unknown[]) => boolean;
  child.emit = (event: string, ...values: unknown[]) => {
    if (event === 'exit') step.unanswered();
    const heard = emit(event, ...values);
    if (event === 'close') step.after();
    return heard;
  };
  return child;
};
childProcess.spawn = tracked as typeof childProcess.spawn;

process.on('exit', () => {
  const step = begin('exit');
  step.unanswered();
  step.after();
  settleDue();
});

syncBuiltinESMExports();
