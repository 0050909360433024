// What a reader of an error can do: words, and in them what tagflow can do about it. Which command that is, the command line
// says; a page may show a button; everybody else reads it in words.

/** Something that tagflow does, or that a request to it can say. `line`: an environment, or one application of it. */
export type Act =
  | {
      readonly act: 'apply' | 'approve' | 'check' | 'history' | 'plan' | 'status' | 'see live' | 'wait live' | 'unlock';
      readonly line?: string | undefined;
    }
  | {
      readonly act: 'promote';
      readonly line?: string | undefined;
      /** `IMAGE=VERSION`. */
      readonly version?: string | undefined;
      /** A gate that the promotion overrides by a flag of its own. */
      readonly despite?: 'held' | 'downgrade' | undefined;
    }
  | {
      readonly act: 'rollback';
      readonly line?: string | undefined;
      /** A version, or `#` and the number of a release. */
      readonly to?: string | undefined;
      readonly withReason?: boolean | undefined;
      /** The images of that release alone, without its configuration. */
      readonly imagesOnly?: boolean | undefined;
    }
  | { readonly act: 'verify'; readonly line: string; readonly again?: boolean | undefined }
  | { readonly act: 'check branch'; readonly line: string; readonly branch: string }
  | { readonly act: 'list digests' | 'list journal' | 'restart journal' | 'list errors' | 'init' | 'create branches' }
  | { readonly act: 'lift'; readonly entry: string }
  | { readonly act: 'hold' | 'find'; readonly image: string }
  | { readonly act: 'tag'; readonly source: string; readonly tag: string }
  | { readonly act: 'override'; readonly gate: string }
  | { readonly act: 'allow'; readonly gate: 'downgrade' | 'divergence' }
  | { readonly act: 'say'; readonly what: Sayable };

/** What a request can say. */
export type Sayable =
  | 'reason'
  | 'upstream'
  | 'branch'
  | 'remote'
  | 'release'
  | 'longer time-out'
  | 'wait for gates'
  | 'rendering'
  | 'merge of divergence';

/** How each act is said. */
export type ActWords = { readonly [K in Act['act']]: (act: Act & { readonly act: K }) => string };

/** Says an act. */
export type SayAct = (act: Act) => string;

/** A way to say acts, from words for each of them. */
export function sayer(words: ActWords): SayAct {
  return (act) => (words[act.act] as SayAct)(act);
}

const some = (line: string | undefined): string => line ?? 'the environment';

/** Acts in words, without commands. */
const IN_WORDS: ActWords = {
  apply: ({ line }) => `apply ${some(line)}`,
  approve: ({ line }) => `approve the release of ${some(line)}`,
  check: ({ line }) => `check ${line ?? 'every environment'}`,
  history: ({ line }) => `list the history of ${some(line)}`,
  plan: ({ line }) => `plan a promotion of ${some(line)}`,
  status: ({ line }) => `look at the status of ${some(line)}`,
  'see live': ({ line }) => `look at what runs in ${some(line)}`,
  'wait live': ({ line }) => `promote ${some(line)} and wait until it is live`,
  unlock: ({ line }) => `unlock ${some(line)}`,
  promote: ({ line, version, despite }) =>
    `promote ${some(line)}${version === undefined ? '' : ` with ${version}`}${despite === undefined ? '' : `, overriding ${despite}`}`,
  rollback: ({ line, to, withReason, imagesOnly }) =>
    `roll back ${imagesOnly ? 'the images of ' : ''}${some(line)}${to === undefined ? '' : ` to ${to}`}${withReason ? ', with a reason' : ''}`,
  verify: ({ line, again }) => `verify ${line}${again ? ' again' : ''}`,
  'check branch': ({ line, branch }) => `check ${line} on branch ${branch}`,
  'list digests': () => 'the status of the environment',
  'list journal': () => 'list the journal',
  'restart journal': () => 'restart the journal, with a reason',
  'list errors': () => 'list the errors',
  init: () => 'initialise the repository',
  'create branches': () => 'initialise the repository',
  lift: ({ entry }) => `lift hold ${entry}`,
  hold: ({ image }) => `hold ${image}`,
  find: ({ image }) => `find ${image}`,
  tag: ({ source, tag }) => `tag ${source} as ${tag}`,
  override: ({ gate }) => `override ${gate}, with a reason`,
  allow: ({ gate }) => `override ${gate}`,
  say: ({ what }) =>
    what === 'wait for gates' || what === 'rendering'
      ? what
      : what === 'longer time-out' || what === 'merge of divergence'
        ? `a ${what}`
        : `the ${what}`,
};

const inWords = sayer(IN_WORDS);

/** What a reader can do: words, and acts among them. */
export class Advice {
  readonly parts: readonly (string | Act)[];

  constructor(parts: readonly (string | Act)[]) {
    this.parts = parts;
  }

  /** In words. */
  get text(): string {
    return this.said(inWords);
  }

  /** With acts as somebody says them. */
  said(say: SayAct): string {
    return this.parts.map((part) => (typeof part === 'string' ? part : say(part))).join('');
  }

  /** The same with other words around the acts. */
  reworded(change: (words: string) => string): Advice {
    return new Advice(this.parts.map((part) => (typeof part === 'string' ? change(part) : part)));
  }
}

/** Advice from a template: ``advise`go back to the release before: ${{ act: 'rollback', line }}` ``. */
export function advise(
  words: TemplateStringsArray,
  ...values: readonly (string | number | Act | Advice | undefined)[]
): Advice {
  const parts = words.flatMap((text, at): (string | Act)[] => {
    const value = values[at];
    const own = text === '' ? [] : [text];
    if (value === undefined) return own;
    if (value instanceof Advice) return [...own, ...value.parts];
    return [...own, typeof value === 'number' ? String(value) : value];
  });
  return new Advice(parts);
}

/** The text of a fix, with acts as somebody says them; in words where nobody is given. */
export function fixText<T extends string | Advice | undefined>(
  fix: T,
  say: SayAct = inWords,
): string | Extract<T, undefined> {
  return (fix instanceof Advice ? fix.said(say) : fix) as string | Extract<T, undefined>;
}
