// The transcripts in the documentation, played again: a page that carries `<!-- transcript: demo -->` has ```console
// blocks whose commands (`$ …`) are run, one after the other, in a sandbox of its own. test/docs/transcripts.test.ts
// compares; `node .ci/transcripts.ts [PAGE…]` writes the output of blocks that no longer match. A line `…` stands for lines
// left out; a `<!-- setup` comment holds commands that are run and not shown.
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where a page's commands run: inside the sandbox that `tagflow demo` leaves, beside it, or in an empty folder. */
export type Stage = 'demo' | 'beside-demo' | 'empty';

/** A command of a page, what the page says it prints, and what it printed. */
export interface Played {
  readonly command: string;
  readonly shown: readonly string[];
  readonly printed: readonly string[];
}

const ROOT = join(import.meta.dirname, '..');
const MARK = /^<!-- transcript: (demo|beside-demo|empty) -->$/m;
const BLOCK = /^```console\n([\s\S]*?)^```$/gm;
const SETUP = /^<!-- setup\n([\s\S]*?)^-->$/m;
const FOLDER = 'tagflow-demo';
const execute = promisify(execFile);

/** The Markdown files of the documentation, relative to the repository's root. */
export function markdownFiles(): readonly string[] {
  return globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).sort();
}

/** The pages whose transcripts are played, with their stages. */
export function transcriptPages(): readonly { readonly page: string; readonly stage: Stage }[] {
  return markdownFiles().flatMap((page) => {
    const stage = MARK.exec(readFileSync(join(ROOT, page), 'utf8'))?.[1];
    return stage === undefined ? [] : [{ page, stage: stage as Stage }];
  });
}

/** The folders in which pages are played: one finished demo, copied for each page. */
export class Theatre {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tagflow-docs-'));
  readonly #program: string;
  #demo: string | undefined;
  #story: readonly string[] = [];
  #pages = 0;
  /** By the options that come first. A program is written once: pages are played at the same time, and it may be running. */
  readonly #environments = new Map<string, Record<string, string>>();

  /** Plays with the program in a file. */
  constructor(program = join(ROOT, 'src/cli/main.ts')) {
    this.#program = program;
  }

  /** Plays a page's commands in order. */
  async play(page: string, stage: Stage): Promise<readonly Played[]> {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const folder = join(this.#folder, `page-${(this.#pages += 1)}`);
    mkdirSync(folder);
    if (stage !== 'empty') cpSync(this.#finishedDemo(), join(folder, FOLDER), { recursive: true });
    const cwd = stage === 'demo' ? join(folder, FOLDER) : folder;
    const env = this.#environment(stage === 'beside-demo' ? ['-C', FOLDER] : []);
    const run = async (command: string): Promise<string> =>
      execute('bash', ['-c', `{ ${command}\n} 2>&1; true`], { cwd, env }).then(({ stdout }) => stdout);
    await run(SETUP.exec(text)?.[1] ?? ':');
    const played: Played[] = [];
    for (const [, block = ''] of text.matchAll(BLOCK)) {
      for (const { command, shown } of commandsIn(block)) {
        played.push({ command, shown, printed: linesOf(await run(command)) });
      }
    }
    return played;
  }

  /** Removes everything. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What `tagflow demo` prints. */
  story(): readonly string[] {
    this.#finishedDemo();
    return this.#story;
  }

  #finishedDemo(): string {
    if (this.#demo !== undefined) return this.#demo;
    const demo = join(this.#folder, FOLDER);
    const env = this.#environment([]);
    const { status, stdout, stderr } = spawnSync('tagflow', ['demo', demo, '--story', 'releases'], {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the demo ended with ${status}: ${stderr}`);
    this.#story = linesOf(stdout);
    this.#demo = demo;
    return demo;
  }

  /** A person's machine with nothing on it but Git and tagflow: no CI job, no credentials, no settings of the caller. */
  #environment(options: readonly string[]): Record<string, string> {
    const key = options.join(' ');
    const env = this.#environments.get(key) ?? this.#makeEnvironment(options);
    this.#environments.set(key, env);
    return env;
  }

  #makeEnvironment(options: readonly string[]): Record<string, string> {
    const bin = join(this.#folder, `bin${options.length}`);
    const home = join(this.#folder, 'home');
    mkdirSync(bin, { recursive: true });
    mkdirSync(home, { recursive: true });
    const words = [process.execPath, this.#program, ...options].map((word) => `'${word}'`);
    writeFileSync(join(bin, 'tagflow'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
    chmodSync(join(bin, 'tagflow'), 0o755);
    const settings = '[user]\n\tname = ana\n\temail = ana@example.com\n[advice]\n\tdetachedHead = false\n';
    writeFileSync(join(home, '.gitconfig'), settings);
    return {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HOME: home,
      GIT_CONFIG_NOSYSTEM: '1',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      NO_COLOR: '1',
    };
  }
}

/** Whether what was printed is what the page shows: ids, times and spans aside, and `…` for any number of lines. */
export function matches(shown: readonly string[], printed: readonly string[]): boolean {
  return follows(inOneOrder(shown), inOneOrder(printed));
}

function follows(shown: readonly string[], printed: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return printed.length === 0;
  if (first.trim() === '…') return printed.some((_, at) => follows(rest, printed.slice(at))) || follows(rest, []);
  const [line, ...more] = printed;
  return line !== undefined && normalise(line) === normalise(first) && follows(rest, more);
}

/** Images are copied at the same time, and each is reported when it has arrived: such lines that follow one another, by name. */
function inOneOrder(lines: readonly string[]): readonly string[] {
  const ordered: string[] = [];
  for (const line of lines) {
    const isLater = (other = ''): boolean => other.startsWith('copied ') && other > line;
    let at = ordered.length;
    while (line.startsWith('copied ') && isLater(ordered[at - 1])) at -= 1;
    ordered.splice(at, 0, line);
  }
  return ordered;
}

/** A line without what differs from run to run. */
export function normalise(line: string): string {
  return line
    .replace(/\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4} [+-]\d{4}\b/, 'TIME')
    .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?/g, 'TIME')
    .replace(/\b\d+ (?:s|min|h|d)(?: \d+ (?:s|min|h))?\b/g, 'SPAN')
    .replace(/\b[0-9a-f]{7,64}\b/g, 'ID')
    .replace(/\.\.ID|ID\.\./g, 'ID')
    .replace(/ +/g, ' ')
    .trimEnd();
}

function commandsIn(block: string): readonly { readonly command: string; readonly shown: readonly string[] }[] {
  const commands: { command: string; shown: string[] }[] = [];
  for (const line of linesOf(block)) {
    const last = commands.at(-1);
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), shown: [] });
    else if (line.startsWith('> ') && last?.shown.length === 0) last.command += `\n${line.slice(2)}`;
    else last?.shown.push(line);
  }
  // A blank line before the next command is there for the eye.
  for (const { shown } of commands) while (shown.at(-1) === '') shown.pop();
  return commands;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

function rewrite(page: string, played: readonly Played[]): boolean {
  const file = join(ROOT, page);
  const text = readFileSync(file, 'utf8');
  const left = [...played];
  const written = text.replace(BLOCK, (_, block: string) => {
    const parts = commandsIn(block).map(() => {
      const { command, shown, printed } = left.shift() ?? { command: '', shown: [], printed: [] };
      const output = matches(shown, printed) ? shown : printed;
      return [`$ ${command.replaceAll('\n', '\n> ')}`, ...output].join('\n');
    });
    return `\`\`\`console\n${parts.join('\n\n')}\n\`\`\``;
  });
  if (written !== text) writeFileSync(file, written);
  return written !== text;
}

if (import.meta.main) {
  const theatre = new Theatre();
  try {
    const only = process.argv.slice(2);
    for (const { page, stage } of transcriptPages()) {
      if (only.length > 0 && !only.includes(page)) continue;
      if (rewrite(page, await theatre.play(page, stage))) process.stderr.write(`wrote ${page}\n`);
    }
  } finally {
    theatre.close();
  }
}
