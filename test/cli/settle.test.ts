// Where an option's value comes from, and the one rule for all of them: empty is unset.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { optionName, settleOptions, withoutEmpty } from '../../src/cli/arguments/settle.ts';
import { GLOBAL_OPTIONS } from '../../src/cli/arguments/globals.ts';
import { COMMANDS } from '../../src/cli/program.ts';

const ALL = [{ name: 'tagflow', options: GLOBAL_OPTIONS }, ...COMMANDS].flatMap(({ name, options }) =>
  Object.entries(options).map(([key, spec]) => ({ key, spec, title: `${name} ${optionName(spec)}` })),
);
const VALUED = ALL.filter(({ spec }) => /[<[]/.test(spec.flags));
const WITH_VARIABLE = ALL.filter(({ spec }) => spec.variable !== undefined);
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/reference/environment-variables.md'), 'utf8');

describe('empty is unset', () => {
  test.each(VALUED)('$title', ({ key, spec }) => {
    for (const empty of ['', ' ', '\t\n']) {
      expect(settleOptions({ [key]: spec }, { [key]: empty }, {})).toEqual({ [key]: spec.preset });
    }
  });

  test.each(WITH_VARIABLE)('the variable of $title', ({ key, spec }) => {
    for (const empty of ['', ' ']) {
      expect(settleOptions({ [key]: spec }, {}, { [spec.variable!]: empty })).toEqual({ [key]: spec.preset });
    }
  });

  test.each(WITH_VARIABLE)('$title, typed empty, leaves the variable its word', ({ key, spec }) => {
    const word = spec.choices?.at(-1) ?? '7';
    expect(settleOptions({ [key]: spec }, { [key]: '' }, { [spec.variable!]: word })).toEqual({
      [key]: spec.parse(word),
    });
  });

  test('an empty option conflicts with none', () => {
    const { options } = COMMANDS.find(({ name }) => name === 'show')!;
    expect(settleOptions(options, { at: '', release: '3' }, {})).toMatchObject({ release: 3 });
  });

  test('an empty variable counts as unset, for every documented one', () => {
    const names = [...PAGE.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(60);
    expect(withoutEmpty(Object.fromEntries(names.map((name) => [name, ''])))).toEqual({});
  });
});

test.each(WITH_VARIABLE)('$title is stronger than its variable', ({ key, spec }) => {
  const [typed, variable] = spec.choices ? [spec.choices[0]!, spec.choices[1]!] : ['8', '7'];
  expect(settleOptions({ [key]: spec }, { [key]: typed }, { [spec.variable!]: variable })).toEqual({
    [key]: spec.parse(typed),
  });
});

test.each(WITH_VARIABLE)('the variable of $title is on the reference page', ({ spec }) => {
  expect(PAGE).toContain(`| \`${spec.variable}\` |`);
});

test('a variable that is not a value is named in the error', () => {
  expect(() => settleOptions(GLOBAL_OPTIONS, {}, { TAGFLOW_TIMEOUT: 'soon' })).toThrow(
    '"soon" is not a value of TAGFLOW_TIMEOUT',
  );
});
