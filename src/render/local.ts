// Rendering by the kubectl and the helm of PATH, in a copy of the files that is gone afterwards. Both only read the copy: no
// plugin of theirs is available, no program that a file names is started, and they reach neither a network nor a cluster.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { folderPrefix } from '../http/leftovers.ts';
import type { ProcessEnv } from '../model/effects.ts';
import { TagflowError } from '../model/errors.ts';
import { findOnPath } from '../programs/find.ts';
import { type ProgramEnd, runProgram } from '../programs/program.ts';
import type { RenderInput, RenderTarget, Rendered, Renderer } from './render.ts';

/** How long one rendering may take, in milliseconds. */
const LIMIT_MS = 30_000;
/** Bytes of a rendering; a longer one is not shown. */
const MOST_TEXT = 16 * 1024 * 1024;
/** Longest message of a tool that is shown, in characters. */
const MOST_WORDS = 400;

/** What renderers are made with. */
export interface RendererOptions {
  readonly env: ProcessEnv;
  readonly signal: AbortSignal;
  /** How long one rendering may take, in milliseconds; 30,000 by default. */
  readonly limitMs?: number;
}

/** Renders through the programs of this machine. */
export class LocalRenderer implements Renderer {
  readonly #options: RendererOptions;

  constructor(options: RendererOptions) {
    this.#options = options;
  }

  async render(target: RenderTarget, files: readonly RenderInput[]): Promise<Rendered> {
    const { env, signal, limitMs = LIMIT_MS } = this.#options;
    const name = target.kind === 'kustomize' ? 'kubectl' : 'helm';
    const program = await findOnPath(name, env);
    if (program === undefined) return { kind: 'missing', program: name };
    return inCopy(files, async (folder) => {
      const [tree, home] = [join(folder, 'tree'), join(folder, 'home')];
      const end = await runProgram([program, ...argumentsOf(target, tree)], {
        cwd: home,
        env: variablesFor(env, home),
        limitMs,
        signal,
        keep: MOST_TEXT,
      });
      return said(end, tree);
    });
  }
}

function argumentsOf(target: RenderTarget, tree: string): readonly string[] {
  const folder = join(tree, target.folder);
  // Plugins, programs and charts stay off in `kubectl kustomize` unless an option turns them on.
  if (target.kind === 'kustomize') return ['kustomize', folder];
  return [
    'template',
    '--include-crds',
    ...target.values.map((path) => `--values=${join(tree, path)}`),
    '--',
    target.release,
    folder,
  ];
}

/** Nothing of the caller's but where programs are: no secret, no cluster, no plugin, and no way to a network. */
function variablesFor({ PATH = '', SystemRoot }: ProcessEnv, home: string): Readonly<Record<string, string>> {
  // The port answers nobody, so that a request fails at once.
  const nowhere = 'http://127.0.0.1:9';
  return {
    PATH,
    ...(SystemRoot !== undefined && { SystemRoot }),
    HOME: home,
    USERPROFILE: home,
    TMPDIR: home,
    KUBECONFIG: join(home, 'none'),
    HELM_NO_PLUGINS: '1',
    HELM_PLUGINS: join(home, 'none'),
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
}

function said({ exitCode, problem, stdout, stderr, isWhole }: ProgramEnd, tree: string): Rendered {
  if (exitCode === 0 && isWhole) return { kind: 'rendered', text: stdout };
  if (exitCode === 0) return { kind: 'failed', why: `it wrote more than ${MOST_TEXT / 1024 / 1024} MiB` };
  const words = stderr.replaceAll(`${tree}/`, '').replaceAll(/\s+/g, ' ').trim();
  return { kind: 'failed', why: problem ?? (words === '' ? `exit code ${exitCode}` : words.slice(0, MOST_WORDS)) };
}

/** Works on a copy of files in a new folder, and removes it. Throws `storage-failed` where it cannot be written. */
async function inCopy<T>(files: readonly RenderInput[], work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await stored(async () => {
    const made = await mkdtemp(join(tmpdir(), folderPrefix('run')));
    await mkdir(join(made, 'home'));
    return made;
  });
  try {
    await stored(async () => {
      for (const { path, content } of files) {
        // The ledger refuses paths that lead out of a tree, and links are not among the files.
        const at = join(folder, 'tree', path);
        await mkdir(dirname(at), { recursive: true });
        await writeFile(at, content);
      }
    });
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `cannot write to ${tmpdir()}, where rendering keeps temporary files`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'free some space there, or set TMPDIR to another folder',
      cause,
    });
  }
}
