// The options that every command takes.
import { resolve } from 'node:path';
import { type Values, choice, flag, seconds, text, unless, valueOr } from './options.ts';

/** The formats of `-o`. */
export const FORMATS = ['table', 'json', 'yaml', 'md', 'csv', 'openmetrics'] as const;

/** A format of `-o`. */
export type Format = (typeof FORMATS)[number];

/** The forms of `--log`. */
const LOG_FORMS = ['text', 'json'] as const;

/** The global options, in the order in which help lists them. */
export const GLOBAL_OPTIONS = {
  directory: text('-C, --directory <dir>', 'work as if started in this folder', { completion: 'folder' }),
  repo: text('--repo <url>', 'the Git remote that holds the environments (default: the remote origin)', {
    variable: 'TAGFLOW_REPO',
  }),
  output: choice('-o, --output <format>', 'how to write results', FORMATS, {
    preset: 'table',
    variable: 'TAGFLOW_OUTPUT',
  }),
  json: flag('--json', 'the same as -o json'),
  quiet: flag('-q, --quiet', 'print results and errors only'),
  verbose: flag('-v, --verbose', 'print each step, and the causes of errors'),
  log: choice('--log <form>', 'how to write the steps on stderr', LOG_FORMS, {
    preset: 'text',
    variable: 'TAGFLOW_LOG',
  }),
  pager: unless('--no-pager', 'print long results as they are, even at a terminal'),
  yes: flag('--yes', 'answer yes to every question'),
  input: unless('--no-input', 'never ask'),
  timeout: valueOr('--timeout <seconds>', 'how long one request may take', seconds, {
    preset: 60,
    variable: 'TAGFLOW_TIMEOUT',
  }),
  config: text('--config <file>', 'a configuration to try instead of the trunk’s; the record says so', {
    variable: 'TAGFLOW_CONFIG',
    completion: 'file',
  }),
};

/** What the global options say. */
export type TypedGlobals = Values<typeof GLOBAL_OPTIONS>;

/** The global options as a command sees them. */
export interface GlobalOptions {
  /** The folder to work in, absolute. */
  readonly directory: string;
  readonly repo?: string | undefined;
  readonly output: Format;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** `json`: one object a line for each step. */
  readonly log?: (typeof LOG_FORMS)[number];
  /** False: no pager. */
  readonly pager?: boolean;
  readonly yes?: boolean;
  /** False: never ask, even at a terminal. */
  readonly input: boolean;
  /** Seconds that one request or Git command may take. */
  readonly timeout: number;
  readonly config?: string | undefined;
}

/** The options as commands see them: the folder is absolute, and `--json` is a format. */
export function globalsOf({ json, output, directory, ...rest }: TypedGlobals, cwd: string): GlobalOptions {
  return { ...rest, output: json ? 'json' : output, directory: resolve(cwd, directory ?? '.') };
}
