// How much of what others may write is read: of a commit, of a history, of what a server lists. Each bound is above honest
// repositories (250,000 files, 100,000 releases), is a variable, and is named by the error that it ends in.
import type { ProcessEnv } from './effects.ts';
import { TagflowError } from './errors.ts';

interface Bound {
  readonly variable: string;
  /** In the unit. */
  readonly usual: number;
  readonly unit: 'files' | 'levels' | 'pages' | 'MB';
  /** What is bounded: a noun for the error. */
  readonly what: string;
}

/** Every bound, by name. */
export const BOUNDS = {
  files: {
    variable: 'TAGFLOW_MAX_FILES',
    usual: 250_000,
    unit: 'files',
    what: 'the number of files that tagflow reads from one commit',
  },
  levels: {
    variable: 'TAGFLOW_MAX_LEVELS',
    usual: 100,
    unit: 'levels',
    what: 'how many levels of folders tagflow reads from one commit',
  },
  folder: {
    variable: 'TAGFLOW_MAX_FOLDER_MB',
    usual: 16,
    unit: 'MB',
    what: 'the size of one directory listing, and of one commit, in MB',
  },
  content: {
    variable: 'TAGFLOW_MAX_CONTENT_MB',
    usual: 64,
    unit: 'MB',
    what: 'how much file content tagflow reads at once, in MB',
  },
  records: {
    variable: 'TAGFLOW_MAX_RECORDS_MB',
    usual: 192,
    unit: 'MB',
    what: 'how much tagflow reads of the records of one environment, in MB',
  },
  listing: {
    variable: 'TAGFLOW_MAX_LISTING_MB',
    usual: 32,
    unit: 'MB',
    what: 'the size of a server’s list of branches or tags, and of a history’s list of changes, in MB',
  },
  talk: {
    variable: 'TAGFLOW_MAX_TALK_MB',
    usual: 32,
    unit: 'MB',
    what: 'how much tagflow reads of a server’s messages beside its response, in MB',
  },
  pages: {
    variable: 'TAGFLOW_MAX_PAGES',
    usual: 2000,
    unit: 'pages',
    what: 'how many pages of a registry’s list tagflow reads',
  },
} as const satisfies Readonly<Record<string, Bound>>;

/** The name of a bound. */
export type BoundName = keyof typeof BOUNDS;

/** The bounds of a run: counts, and sizes in bytes. */
export type ReadBounds = Readonly<Record<BoundName, number>>;

const NAMES = Object.keys(BOUNDS) as BoundName[];

/** The bounds that the process variables ask for. Throws `usage` for a value that is not a whole number. */
export function readBounds(env: ProcessEnv): ReadBounds {
  const entries = NAMES.map((name) => {
    const { variable, usual, unit, what } = BOUNDS[name];
    const text = env[variable] || String(usual);
    if (!/^[1-9][0-9]{0,8}$/.test(text)) {
      throw new TagflowError('usage', {
        what: `${variable} is ${JSON.stringify(text)}`,
        why: `it is ${what}: ${usual} by default`,
        fix: 'set it to a whole number, or unset it',
      });
    }
    return [name, unit === 'MB' ? Number(text) * 2 ** 20 : Number(text)] as const;
  });
  return Object.fromEntries(entries) as Record<BoundName, number>;
}

/** A bound as people read it: `250,000 files`, `32 MB`. */
export function spellBound(bounds: ReadBounds, name: BoundName): string {
  const { unit } = BOUNDS[name];
  const value = unit === 'MB' ? Math.ceil(bounds[name] / 2 ** 20) : bounds[name];
  return `${value.toLocaleString('en')} ${unit}`;
}

/** How to read more, where more is honest: `where … is really that large, raise TAGFLOW_MAX_FILES`. */
export function raiseBound(name: BoundName, where: string): string {
  return `where ${where}, raise ${BOUNDS[name].variable}`;
}
