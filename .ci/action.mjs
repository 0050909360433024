// The work of action.yml: installs tagflow, runs one command, and passes its facts on as outputs. GitHub starts it with its own
// Node 24, so that it does not matter which Node a job has. No shell is started but for the hooks, which are
// commands of the workflow: any other input is a word of a command, whatever it holds.
import { spawn } from 'node:child_process';
import { appendFile, chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Exit codes after which the same command can succeed. A rollback that was overtaken is for a person. */
const RETRIES = { promote: [5, 7, 8], rollback: [7, 8], apply: [5, 7, 8], check: [7], verify: [5, 7] };
const TRIES = 3;
/** Milliseconds before the second try; twice as long before the third one. */
const PAUSE = Number(process.env.TAGFLOW_JOB_PAUSE ?? 5000);

/** The outputs, by what tagflow calls them. */
const OUTPUTS = {
  TAGFLOW_ENV: 'environment',
  TAGFLOW_VERSION: 'version',
  TAGFLOW_DIGEST: 'digest',
  TAGFLOW_COMMIT: 'commit',
  TAGFLOW_PREVIOUS: 'previous',
  TAGFLOW_CHANGED: 'changed',
  TAGFLOW_PULL_REQUEST: 'pull-request',
};

function input(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
}

/** The words of the command that the inputs ask for. */
function wordsOf(command) {
  const environment = input('environment');
  const override = input('override');
  const overriding = override === '' ? [] : ['--override', override];
  if (['promote', 'rollback', 'verify'].includes(command) && environment === '') {
    throw new Error(`${command} needs the input environment`);
  }
  if (command === 'promote') {
    const images = input('images').split(/\s+/).filter(Boolean);
    return ['promote', ...overriding, '--', environment, ...images];
  }
  if (command === 'rollback') {
    const to = input('to');
    return ['rollback', ...overriding, ...(to === '' ? [] : [`--to=${to}`]), '--', environment];
  }
  if (command === 'verify') return ['verify', '--wait', '--', environment];
  const environments = environment === '' ? [] : ['--', environment];
  if (command === 'apply') return ['apply', ...(environment === '' ? ['--all'] : environments)];
  if (command === 'check') return ['check', ...environments];
  throw new Error('the input command is none of setup, promote, rollback, apply, check, verify');
}

/** Starts a program and resolves to its exit code. */
function run(program, words, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: 'inherit', env });
    child.on('error', (cause) => reject(new Error(`cannot start ${program}: ${cause.message}`, { cause })));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Installs the package in a folder of its own, puts its command on the PATH of later steps, and returns the folder of the command. */
async function install(name, env) {
  const folder = await mkdtemp(join(env.RUNNER_TEMP ?? tmpdir(), 'tagflow-'));
  const options = ['--global', '--ignore-scripts', '--no-fund', '--no-audit', '--prefix', folder];
  const code = await run('npm', ['install', ...options, '--', name], env);
  if (code !== 0) throw new Error(`npm could not install ${name}`);
  const program = join(folder, 'lib/node_modules/tagflow/dist/tagflow.js');
  const command = join(folder, 'tagflow');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  await chmod(command, 0o755);
  if (env.GITHUB_PATH) await appendFile(env.GITHUB_PATH, `${folder}\n`);
  return folder;
}

/** Variables for tagflow: without the inputs, which hold the token; with the files that it writes facts to. */
function variables() {
  const { GITHUB_OUTPUT: _, ...env } = process.env;
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('INPUT_')));
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = env;
  own.TAGFLOW_REPO = input('repository') || `${server}/${repository}.git`;
  // Programs of the trunk may run in this job, and hosts beyond it may be asked.
  own.TAGFLOW_RUN ??= '1';
  if (input('reason') !== '') own.TAGFLOW_REASON = input('reason');
  if (input('token') !== '') own.GITHUB_TOKEN = input('token');
  return own;
}

/** Writes the outputs that tagflow left in its report. */
async function writeOutputs(report) {
  const lines = (await readFile(report, 'utf8').catch(() => '')).split('\n');
  const outputs = lines.flatMap((line) => {
    const at = line.indexOf('=');
    const name = OUTPUTS[line.slice(0, at)];
    return name === undefined ? [] : [`${name}=${line.slice(at + 1)}\n`];
  });
  if (process.env.GITHUB_OUTPUT) await appendFile(process.env.GITHUB_OUTPUT, outputs.join(''));
}

/**
 * Runs a hook in a shell. It gets the variables of the job and the facts of the release as variables, and no token that was an input.
 * Resolves to its exit code; 0 where there is none.
 */
async function hook(name, { report, code }) {
  const command = input(name);
  if (command === '') return 0;
  const lines = (await readFile(report, 'utf8').catch(() => '')).split('\n').filter((line) => line.includes('='));
  const facts = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const job = Object.entries(process.env).filter(([variable]) => !variable.startsWith('INPUT_'));
  return run('sh', ['-c', command], { ...Object.fromEntries([...job, ...facts]), TAGFLOW_JOB_EXIT: String(code) });
}

async function main() {
  const command = input('command') || 'promote';
  const words = command === 'setup' ? ['--version'] : wordsOf(command);
  const env = variables();
  const name = input('package');
  if (name !== '') env.PATH = [await install(name, env), env.PATH].join(delimiter);
  const report = join(await mkdtemp(join(env.RUNNER_TEMP ?? tmpdir(), 'tagflow-')), 'tagflow.env');
  env.TAGFLOW_DOTENV = report;
  if ((await hook('before', { report, code: 0 })) !== 0) throw new Error('the hook before failed; nothing was done');
  let code = await run('tagflow', words, env);
  for (let tried = 1; tried < TRIES && (RETRIES[command] ?? []).includes(code); tried += 1) {
    console.log(`exit code ${code}: trying again`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE * tried));
    code = await run('tagflow', words, env);
  }
  await writeOutputs(report);
  if (code !== 0) await hook('on-failure', { report, code });
  else if ((await hook('after', { report, code })) !== 0) throw new Error('the hook after failed; the release stands');
  process.exitCode = code;
}

try {
  await main();
} catch (error) {
  const text = String(error.message).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  console.log(`::error title=tagflow::${text}`);
  process.exitCode = 2;
}
