import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../src/registry/oci/challenge.ts';

/** Challenges as `[scheme, parameters]`, easy to compare. */
function read(header: string): [string, Record<string, string>][] {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe('case 21: a header with several challenges', () => {
  it.each([
    ['one', 'Basic realm="registry"', [['basic', { realm: 'registry' }]]],
    [
      'commas inside a quoted scope',
      'Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push"',
      [['bearer', { realm: 'https://auth.example/token', service: 'r', scope: 'repository:a/b:pull,push' }]],
    ],
    [
      'two, one after the other',
      'Bearer realm="https://a/t", service="s", Basic realm="b"',
      [
        ['bearer', { realm: 'https://a/t', service: 's' }],
        ['basic', { realm: 'b' }],
      ],
    ],
    ['escaped quotes', String.raw`Basic realm="a \"b\" \\ c"`, [['basic', { realm: String.raw`a "b" \ c` }]]],
    ['escapes of what needs none', String.raw`Basic realm="a\ \b"`, [['basic', { realm: 'a b' }]]],
    ['unquoted values', 'bearer realm=x,service=y', [['bearer', { realm: 'x', service: 'y' }]]],
    ['space around the equals sign', 'Bearer realm = "x" , service= y', [['bearer', { realm: 'x', service: 'y' }]]],
    [
      'a scheme without parameters',
      'Negotiate, Basic realm="r"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'r' }],
      ],
    ],
    [
      'a scheme with a bare token',
      'Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+gAw==, Bearer realm="r"',
      [
        ['negotiate', {}],
        ['bearer', { realm: 'r' }],
      ],
    ],
    ['empty list members', ',, Basic realm="r",,', [['basic', { realm: 'r' }]]],
    ['names in any letter case', 'BEARER Realm="r"', [['bearer', { realm: 'r' }]]],
    ['a parameter twice: the first counts', 'Bearer realm="a",realm="b"', [['bearer', { realm: 'a' }]]],
    ['an empty value', 'Bearer realm="",service=""', [['bearer', { realm: '', service: '' }]]],
    ['nothing', '', []],
    ['rubbish', '"=,;', []],
    [
      'a value that never ends',
      'Basic realm="r", Bearer realm="x',
      [
        ['basic', { realm: 'r' }],
        ['bearer', {}],
      ],
    ],
  ])('is read with %s', (_what, header, expected) => {
    expect(read(header)).toStrictEqual(expected);
  });

  it('reads back whatever was quoted', () => {
    const value = fc.string({ unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 4 }), (values) => {
        const quote = (text: string): string => `"${text.replace(/["\\]/g, String.raw`\$&`)}"`;
        const header = values.map(([realm, scope]) => `Bearer realm=${quote(realm)},scope=${quote(scope)}`).join(', ');
        expect(read(header)).toEqual(values.map(([realm, scope]) => ['bearer', { realm, scope }]));
      }),
    );
  });

  it('ends for any text, soon', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (header) => {
        expect(parseChallenges(header).length).toBeLessThanOrEqual(header.length);
      }),
    );
    expect(parseChallenges(`${'a ='.repeat(5000)}"`)).toEqual([{ scheme: 'a', parameters: new Map() }]);
    expect(parseChallenges(`Basic realm="${'\\'.repeat(16_000)}`)).toHaveLength(1);
  });
});
