// What a run of several lines said is judged line by line.
import { expect, it } from 'vitest';
import { type Ended, operationsOf } from './program.ts';

const tag = (name: string, status: string) => ({ repository: 'r', tag: name, digest: 'sha256:1', status });
const release = (application: string, status: string) => ({ application, release: 2, tags: [tag('t', status)] });

it('a tag that is missing is that of its line: the exit code 8 is not one of the others', () => {
  const stdout = JSON.stringify({ commit: 'c', releases: [release('data', 'moved'), release('shop', 'failed')] });
  const args = ['promote', 'stg', '--all'];
  const run = { name: 'a', args, started: 0, ended: 1, exit: 8, stdout, stderr: '' } as unknown as Ended;
  expect(operationsOf(run, false, ['data', 'shop']).map(({ environment, exit }) => [environment, exit])).toEqual([
    ['stg/data', 0],
    ['stg/shop', 8],
  ]);
});
