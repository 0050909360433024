// The one place where option, variable and default become a value. EMPTY IS UNSET: an option that is typed with an empty text,
// and a variable that is set to one, count as unset, whichever they are. CI systems pass on what was never filled in.
import { TagflowError } from '../../model/errors.ts';
import { Invalid, type OptionSpec, type Specs, type Values } from './options.ts';
import type { Io } from '../process/io.ts';

/** What commander read of an option: its text, or that it is there; undefined when it was not typed. */
export type Typed = string | boolean | undefined;

/** Variables without those that are empty: no room ever sees one. */
export function withoutEmpty(env: Io['env']): Io['env'] {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => !isEmpty(value)));
}

/** The values of options: what was typed, else the variable, else the default. Throws `usage`. */
export function settleOptions<S extends Specs<OptionSpec<unknown>>>(
  specs: S,
  typed: Readonly<Record<string, Typed>>,
  env: Io['env'],
): Values<S> {
  const given = Object.fromEntries(Object.entries(typed).filter(([, value]) => !isEmpty(value)));
  refuseConflicts(specs, given);
  const values = Object.entries(specs).map(([key, spec]) => [key, settle(spec, given[key], env)]);
  // Each value was read by the specification that gives it its type.
  return Object.fromEntries(values) as Values<S>;
}

function settle<T>(spec: OptionSpec<T>, typed: Typed, env: Io['env']): T {
  if (typed !== undefined) return parsed(spec, typed === true || typed === false ? '' : typed, optionName(spec));
  const value = spec.variable === undefined ? undefined : env[spec.variable];
  return value === undefined || isEmpty(value) ? spec.preset : parsed(spec, value, spec.variable ?? '');
}

function parsed<T>({ parse, variable }: OptionSpec<T>, text: string, source: string): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    throw new TagflowError('usage', {
      what: `${JSON.stringify(text)} is not a value of ${source}`,
      why: error.message,
      fix:
        error.meant === undefined
          ? source === variable
            ? `correct the variable ${source}, or unset it`
            : `correct ${source}, or leave it out`
          : `did you mean ${error.meant}?`,
    });
  }
}

function refuseConflicts(specs: Specs<OptionSpec<unknown>>, given: Readonly<Record<string, Typed>>): void {
  for (const [key, spec] of Object.entries(specs)) {
    const other = spec.conflicts?.find((one) => key in given && one in given);
    const rival = other === undefined ? undefined : specs[other];
    if (rival) {
      throw new TagflowError('usage', {
        what: `${optionName(spec)} cannot be used with ${optionName(rival)}`,
        fix: `leave one of them out`,
      });
    }
  }
}

/** The long name of an option: `--limit`. */
export function optionName({ flags }: OptionSpec<unknown>): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

function isEmpty(value: Typed): boolean {
  return value === undefined || (typeof value === 'string' && value.trim() === '');
}
