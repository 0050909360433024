// How options and arguments are written down, with the types of their values.
import { nameMeant } from '../../model/nearest.ts';
import { parseDuration } from '../../model/duration.ts';

/** What a shell can offer for a word. */
export type Completion =
  | 'environment'
  /** An environment, and applications behind one. */
  | 'line'
  | 'application'
  | 'image'
  | 'pair'
  | 'version'
  | 'release'
  | 'gate'
  /** The person, job or signer of a release. */
  | 'actor'
  /** The id of a hold or an approval, or what is held. */
  | 'hold'
  | 'approval'
  | 'code'
  | 'command'
  | 'file'
  | 'folder';

/** An option whose value is a `T`. */
export interface OptionSpec<T> {
  /** As commander reads it: `-o, --output <format>`. */
  readonly flags: string;
  /** What the option does, in a few words, lower case, no full stop. */
  readonly meaning: string;
  /** The process variable that stands for the option where it is not typed. */
  readonly variable?: string;
  readonly choices?: readonly string[];
  /** Options that cannot stand beside this one, by key. */
  readonly conflicts?: readonly string[];
  readonly completion?: Completion;
  /** Whether it may be typed several times; the texts are joined by commas. */
  readonly repeats?: boolean;
  /** Left out of help and completion. */
  readonly hidden?: boolean;
  /** The value of what was typed. Throws `Invalid`. */
  readonly parse: (text: string) => T;
  /** The value where neither option nor variable gives one. */
  readonly preset: T;
  /** Whether the reference page names the preset. */
  readonly showPreset?: boolean;
}

/** An argument whose value is a `T`. */
export interface ArgumentSpec<T> {
  /** As commander reads it: `<env>`, `[env]`, `[env...]`. */
  readonly word: string;
  readonly meaning: string;
  readonly choices?: readonly string[];
  readonly preset?: string;
  readonly completion?: Completion;
  /** Whether an empty word counts as a word: only for completion. */
  readonly mayBeEmpty?: boolean;
  /** The value of the words that were typed, none of them empty. */
  readonly parse: (words: readonly string[]) => T;
}

/** Options or arguments by the names that `run` knows them by. */
export type Specs<Spec> = Readonly<Record<string, Spec>>;

/** The values of specifications, by name. */
export type Values<S extends Specs<{ readonly parse: (typed: never) => unknown }>> = {
  readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : ReturnType<S[K]['parse']>;
};

/** Why what was typed is not a value: the message says what is expected. */
export class Invalid extends Error {
  override readonly name = 'Invalid';
  /** What may have been meant. */
  readonly meant: string | undefined;

  constructor(message: string, meant?: string) {
    super(message);
    this.meant = meant;
  }
}

type More = Partial<Pick<OptionSpec<unknown>, 'variable' | 'conflicts' | 'completion' | 'showPreset' | 'hidden'>>;

/** An option without a value. */
export function flag(flags: string, meaning: string, more: More = {}): OptionSpec<boolean> {
  return { flags, meaning, parse: () => true, preset: false, ...more };
}

/** An option `--no-…`: true unless it is typed. */
export function unless(flags: string, meaning: string, more: More = {}): OptionSpec<boolean> {
  return { flags, meaning, parse: () => false, preset: true, ...more };
}

/** An option with any text as its value. */
export function text(flags: string, meaning: string, more: More = {}): OptionSpec<string | undefined> {
  return { flags, meaning, parse: (typed) => typed, preset: undefined, ...more };
}

/** An option with a value of its own kind. */
export function value<T>(
  flags: string,
  meaning: string,
  parse: (typed: string) => T,
  more: More = {},
): OptionSpec<T | undefined> {
  return { flags, meaning, parse, preset: undefined, ...more };
}

/** An option with a value of its own kind and a default. */
export function valueOr<T>(
  flags: string,
  meaning: string,
  parse: (typed: string) => T,
  more: More & { readonly preset: T },
): OptionSpec<T> {
  return { flags, meaning, parse, showPreset: true, ...more };
}

/** An option that may be repeated, or take several names joined by commas. */
export function list(flags: string, meaning: string, more: More = {}): OptionSpec<readonly string[]> {
  return { flags, meaning, repeats: true, parse: names, preset: [], ...more };
}

/** An option whose value is one of a list. */
export function choice<const C extends readonly string[], const P extends C[number] | undefined>(
  flags: string,
  meaning: string,
  choices: C,
  more: More & { readonly preset: P },
): OptionSpec<C[number] | P> {
  const parse = (typed: string): C[number] => chosen(choices, typed);
  return { flags, meaning, choices, parse, showPreset: more.preset !== undefined, ...more };
}

type ArgumentMore = Partial<Pick<ArgumentSpec<unknown>, 'choices' | 'completion' | 'preset' | 'mayBeEmpty'>>;

/** An argument that must be there: `<env>`. */
export function required(word: string, meaning: string, more: ArgumentMore = {}): ArgumentSpec<string> {
  return { word: `<${word}>`, meaning, parse: ([only = '']) => only, ...more };
}

/** An argument that is one of a list: `<shell>`. commander refuses any other. */
export function oneOf<const C extends readonly string[]>(
  word: string,
  meaning: string,
  choices: C,
): ArgumentSpec<C[number]> {
  return { word: `<${word}>`, meaning, choices, parse: ([only = '']) => chosen(choices, only) };
}

/** An argument that may be left out: `[env]`. */
export function optional(word: string, meaning: string, more: ArgumentMore = {}): ArgumentSpec<string | undefined> {
  return { word: `[${word}]`, meaning, parse: ([only]) => only, ...more };
}

/** Any number of arguments: `[env...]`. */
export function several(word: string, meaning: string, more: ArgumentMore = {}): ArgumentSpec<readonly string[]> {
  return { word: `[${word}...]`, meaning, parse: (words) => words, ...more };
}

/** At least one argument: `<tag...>`. */
export function oneOrMore(word: string, meaning: string, more: ArgumentMore = {}): ArgumentSpec<readonly string[]> {
  return { word: `<${word}...>`, meaning, parse: (words) => words, ...more };
}

/** A whole number from 1. */
export function count(typed: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(typed)) throw new Invalid('it must be a whole number, 1 or more');
  return Number(typed);
}

/** A number of seconds. */
export function seconds(typed: string): number {
  const found = Number(typed);
  if (!(found > 0 && found <= 86_400)) throw new Invalid('it must be a number of seconds, at most 86400');
  return found;
}

/** A span of time, in milliseconds. */
export function span(typed: string): number {
  const found = parseDuration(typed);
  if (found === undefined) throw new Invalid('it must be a whole number with s, m, h, d or w, such as 30m');
  return found;
}

function chosen<C extends string>(choices: readonly C[], typed: string): C {
  const found = choices.find((one) => one === typed);
  if (found === undefined) throw new Invalid(`it must be one of ${choices.join(', ')}`, nameMeant(typed, choices));
  return found;
}

function names(typed: string): readonly string[] {
  const given = typed.split(',').map((name) => name.trim());
  if (given.includes('')) throw new Invalid('one of the names is empty');
  return given;
}
