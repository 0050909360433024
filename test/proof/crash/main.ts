// `npm run crash`: kills the real program at every step and moment, and judges what is there after one rerun.
// `--size small|full`, `--seed N`, `--jobs N`, `--point ID` for one point alone, `--list` to print the points.
// Stopped by a signal, it tells what it has seen so far.
// Prints every violation with the point that shows it, and a closing line; exits 1 when there is one.
import { parseArgs } from 'node:util';
import { stoppedBySignals } from '../real/program.ts';
import { sweep } from './sweep.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'full' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    point: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
  },
});

const result = await sweep({
  size: values.size === 'small' ? 'small' : 'full',
  seed: Number(values.seed),
  jobs: Number(values.jobs),
  only: values.point,
  list: values.list,
  signal: stoppedBySignals(),
  say: (text) => void process.stdout.write(`${text}\n`),
});
if (result > 0) process.exitCode = 1;
