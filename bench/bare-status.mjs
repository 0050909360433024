// The Git commands of `tagflow status` and nothing else: `node bare-status.mjs REPOSITORY`, what a Node program that asks Git cannot go below.
// It is JavaScript, because Node takes 30 ms to strip types.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const url = pathToFileURL(process.argv[2]).href;
const folder = await mkdtemp(join(tmpdir(), 'tagflow-bare-'));

async function git(args, input = '') {
  const child = spawn('git', args, { cwd: folder, stdio: [input === '' ? 'ignore' : 'pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stdin?.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`git ${args[0]} ended with ${code}`);
  return text;
}

try {
  await git(['config', '--list', '-z', '--show-scope']);
  await git(['init', '-q', '--bare']);
  await git(['remote', 'add', 'origin', url]);
  const heads = [
    ...(await git(['ls-remote', '--symref', 'origin', 'HEAD', 'refs/heads/*'])).matchAll(/refs\/heads\/(\S+)$/gm),
  ];
  const branches = heads.map(([, branch]) => branch).filter((branch) => /^(?:main|dev|stg|prd)$/.test(branch));
  const refs = branches.map((branch) => `refs/heads/${branch}:refs/tagflow/${branch}`);
  await git([
    'fetch',
    '-q',
    '--depth=14',
    '--filter=blob:limit=16k',
    '--no-tags',
    '--no-write-fetch-head',
    'origin',
    ...refs,
  ]);
  const paths = branches.flatMap((branch) =>
    ['tagflow.yaml', `.tagflow/releases/${branch}.yaml`].map((path) => `${branch}:${path}`),
  );
  const read = await git(
    ['cat-file', '--batch-command'],
    paths.map((path) => `contents refs/tagflow/${path}\n`).join(''),
  );
  if (!read.includes('environments:')) throw new Error('the configuration was not read');
} finally {
  await rm(folder, { recursive: true });
}
