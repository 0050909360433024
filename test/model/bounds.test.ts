// How much is read, and how a caller says that more is honest.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOUNDS, type BoundName, raiseBound, readBounds, spellBound } from '../../src/model/bounds.ts';

const names = Object.keys(BOUNDS) as BoundName[];

describe.each(names)('the bound %s', (name) => {
  const { variable, usual, unit } = BOUNDS[name];
  const factor = unit === 'MB' ? 2 ** 20 : 1;

  it('is a variable, which empty is unset', () => {
    expect(readBounds({})[name]).toBe(usual * factor);
    expect(readBounds({ [variable]: '' })[name]).toBe(usual * factor);
    expect(readBounds({ [variable]: '7' })[name]).toBe(7 * factor);
  });

  it.each(['0', '-1', '1.5', '1e3', 'many', '12MB', ' 5', '99999999999'])('takes no %j', (text) => {
    expect(() => readBounds({ [variable]: text })).toThrow(variable);
  });

  it('is documented with what it is by default', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/reference/environment-variables.md'), 'utf8');
    expect(page).toMatch(new RegExp(`\`${variable}\` \\|.*default ${usual}\\b`));
  });

  it('is named where it is reached', () => {
    expect(raiseBound(name, 'it is honest')).toBe(`where it is honest, raise ${variable}`);
    expect(spellBound(readBounds({}), name)).toContain(unit);
  });
});

it('lets honest repositories through: 250,000 files, 100,000 releases of 1.5 KB', () => {
  const bounds = readBounds({});
  expect(bounds.files).toBeGreaterThanOrEqual(250_000);
  expect(bounds.records).toBeGreaterThan(150_000_000);
});
