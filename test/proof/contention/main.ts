// `npm run contention`: many actors on one environment at once, over servers that lie, and every word of theirs compared with
// the branch and the registry. `--size small|full`, or `--actors N --rounds N --shared N`; `--seed N`.
// Stopped by a signal, it tells what it has seen so far.
// Prints every violation, and a closing line with figures; exits 1 when there is one.
import { parseArgs } from 'node:util';
import { stoppedBySignals } from '../real/program.ts';
import { contend } from './contention.ts';

const SIZES = {
  // Real processes, as many as a small machine can run at once.
  small: { actors: 8, rounds: 20, shared: 0, lateMs: 1_500 },
  // Thirty-two processes of Node at once are more than most machines have memory for: they share four.
  full: { actors: 32, rounds: 1_000, shared: 4, lateMs: 10_000 },
} as const;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'full' },
    seed: { type: 'string', default: '1' },
    actors: { type: 'string' },
    rounds: { type: 'string' },
    shared: { type: 'string' },
  },
});
const size = SIZES[values.size === 'small' ? 'small' : 'full'];
const number = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : Number(text));

const violations = await contend({
  actors: number(values.actors, size.actors),
  rounds: number(values.rounds, size.rounds),
  shared: number(values.shared, size.shared),
  lateMs: size.lateMs,
  seed: Number(values.seed),
  signal: stoppedBySignals(),
  say: (text) => void process.stdout.write(`${text}\n`),
});
if (violations > 0) process.exitCode = 1;
