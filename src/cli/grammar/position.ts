// The position of the cursor on a command line: what kind of word is being typed.
import { Option } from 'commander';
import type { Command } from './define.ts';
import type { ArgumentSpec, Completion, OptionSpec, Specs } from '../arguments/options.ts';
import { GLOBAL_OPTIONS } from '../arguments/globals.ts';

/** What may stand at the end of a line. */
export type ArgumentPosition =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | {
      readonly kind: 'values';
      readonly completion: Completion | undefined;
      readonly command: string;
      readonly typed: readonly string[];
    };

/** The position at the last of the words; `typed` are the arguments before it. */
export function positionOf(commands: readonly Command[], words: readonly string[]): ArgumentPosition {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const shown = commands.filter(({ hidden }) => !hidden);
  let command: Command | undefined;
  let pending: OptionSpec<unknown> | undefined;
  const typed: string[] = [];
  for (const word of before) {
    if (pending) pending = undefined;
    else if (word.startsWith('-')) pending = valuedOption(word, command);
    else if (!command) command = shown.find(({ name }) => name === word);
    else typed.push(word);
  }
  if (pending) return valuesOf(pending, command?.name ?? '', typed);
  if (current.startsWith('-')) {
    const own = command ? namesOf(command.options) : ['--version'];
    return { kind: 'words', words: [...own, ...namesOf(GLOBAL_OPTIONS), '--help'] };
  }
  if (!command) return { kind: 'words', words: shown.map(({ name }) => name) };
  const all = Object.values(command.arguments);
  const argument = all[typed.length] ?? all.findLast(({ word }) => word.includes('...'));
  return argument ? valuesOf(argument, command.name, typed) : { kind: 'words', words: [] };
}

function valuesOf(
  spec: ArgumentSpec<unknown> | OptionSpec<unknown>,
  command: string,
  typed: readonly string[],
): ArgumentPosition {
  if (spec.choices) return { kind: 'words', words: spec.choices };
  return { kind: 'values', completion: spec.completion, command, typed };
}

/** The option whose value is the next word, if it is one. */
function valuedOption(word: string, command: Command | undefined): OptionSpec<unknown> | undefined {
  if (word.includes('=')) return undefined;
  // Of short options written together only the last one can have its value in the next word.
  const last = word.startsWith('--') ? word : `-${word.at(-1)}`;
  const all = [...Object.values(GLOBAL_OPTIONS), ...Object.values(command?.options ?? {})];
  return all.find((spec) => {
    const { long, short, required } = new Option(spec.flags);
    return required && (long === last || short === last);
  });
}

/** The option and the beginning of its value in one word: `--by=an`. Undefined for any other word. */
export function splitInlineValue(
  commands: readonly Command[],
  word: string,
): readonly [option: string, value: string] | undefined {
  const at = word.indexOf('=');
  if (!word.startsWith('--') || at < 0) return undefined;
  const option = word.slice(0, at);
  const takesValue = [undefined, ...commands].some((command) => valuedOption(option, command) !== undefined);
  return takesValue ? [option, word.slice(at + 1)] : undefined;
}

function namesOf(specs: Specs<OptionSpec<unknown>>): readonly string[] {
  const shown = Object.values(specs).filter(({ hidden }) => !hidden);
  return shown.map(({ flags }) => new Option(flags).long ?? flags);
}

/** Options of the program that say where to look, taken out of a line that is being typed: `-C demo promote d`. */
export function splitPlace(words: readonly string[]): {
  readonly place: readonly string[];
  readonly rest: readonly string[];
} {
  const place: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const value = words[at + 1];
    // The last word is the one being typed.
    if (['-C', '--directory', '--repo'].includes(word) && value !== undefined && at + 2 < words.length) {
      place.push(word, value);
      at += 1;
    } else rest.push(word);
  }
  return { place, rest };
}
