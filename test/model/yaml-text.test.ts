// YAML that readers of YAML 1.1 read as it was meant.
import { expect, test } from 'vitest';
import { toPlainYaml } from '../../src/model/yaml-text.ts';

// What YAML 1.1 takes for booleans, nulls, numbers, times, and special keys (yaml.org/type), and Ruby for symbols and numbers.
test.each([
  'y',
  'Y',
  'yes',
  'No',
  'n',
  'N',
  'on',
  'OFF',
  'true',
  'null',
  '~',
  '1_000',
  '+1',
  '0755',
  '0o17',
  '0b1010',
  '0x_1F',
  '12:30',
  '190:20:30',
  '1:20.5',
  '6.8523015e+5',
  '685.230_15',
  '.5',
  '1.',
  '.inf',
  '-.INF',
  '.NaN',
  '2024-01-01',
  '2001-12-14t21:59:43.10-05:00',
  '2001-12-14 21:59:43.10 -5',
  '=',
  '<<',
  '1,000',
  ':symbol',
])('%s is quoted, as a value and as a key', (text) => {
  expect(toPlainYaml({ a: text })).toMatch(/^a: ["'].*["']\n$/);
  expect(toPlainYaml({ [text]: 1 })).toMatch(/^["'].*["']: 1\n$/);
});

test.each(['V4.2', '1.10.0-rc1', 'v1', 'yesterday', 'nope', 'sha256:00ff', 'a, b', '2024-01-01-rc1', '1.2.3-4'])(
  '%s stands as it is',
  (text) => {
    expect(toPlainYaml({ a: text })).toBe(`a: ${text}\n`);
  },
);

test('a long text stays on one line, and what appears twice is written twice', () => {
  const words = 'word '.repeat(100).trimEnd();
  const item = { b: words };
  expect(toPlainYaml([item, item])).toBe(`- b: ${words}\n- b: ${words}\n`);
});
