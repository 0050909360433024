// Over whatever a configured path may point at: what is not a pin of the image stays, byte for byte.
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { pinImages } from '../../src/manifests/manifests.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { digestOf } from '../../src/model/digest.ts';
import { D, REPOSITORY, file, options, pinOf, textAfter } from '../manifests/support.ts';

const FILE = 'values.yaml';
const pin = { ...pinOf(), versions: { kind: 'semver' as const } };

const host = fc.constantFrom('quay.io', 'docker.io', 'localhost:5000', 'registry.example.com', '[::1]:80');
const path = fc.stringMatching(/^[a-z][a-z0-9]{0,6}(?:\/[a-z][a-z0-9]{0,6}){0,2}$/);
const tag = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,10}$/);
const digest = fc.string({ maxLength: 3 }).map((text) => digestOf(text));
const version = fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => `v${a}.${b}`);
const ours = fc.constantFrom('django', REPOSITORY);
const rest = fc.oneof(
  fc.constant(''),
  tag.map((text) => `:${text}`),
  digest.map((text) => `@${text}`),
  fc.tuple(tag, digest).map(([tag, digest]) => `:${tag}@${digest}`),
);

/** What a pin may replace. */
const pins = fc.oneof(
  fc.constant(''),
  version,
  digest,
  fc.tuple(version, digest).map(([version, digest]) => `${version}@${digest}`),
  fc.tuple(ours, rest).map((parts) => parts.join('')),
);

/** What no pin may replace. */
const strangers = fc
  .oneof(
    fc.tuple(host, path, rest).map(([host, path, rest]) => `${host}/${path}${rest}`),
    fc.tuple(fc.constantFrom('http', 'https', 'oci', 'git+ssh'), host, path).map(([a, b, c]) => `${a}://${b}/${c}`),
    fc.nat().map(String),
    fc.integer({ max: -1 }).map(String),
    fc.nat(9).map((count) => `${count}e1`),
    fc.constantFrom('true', 'false', 'yes', 'No', 'ON', 'off'),
    fc.array(fc.lorem({ maxCount: 1 }), { minLength: 2, maxLength: 5 }).map((words) => words.join(' ')),
    fc.tuple(ours, rest, fc.constantFrom(' --flag', ', more', '?x=1')).map((parts) => parts.join('')),
    fc.json().filter((text) => /^[[{]/.test(text)),
    fc.lorem({ mode: 'sentences', maxCount: 3 }).map((text) => `${text} ${text}`.replaceAll('. ', '.\n')),
  )
  .filter(
    (text) =>
      (text !== REPOSITORY && !text.startsWith(`${REPOSITORY}:`) && !text.startsWith(`${REPOSITORY}@`)) ||
      /[ ,?]/.test(text),
  );

const quotes = fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE');

/** A file with a value at `web.field`, beside others. */
function values(text: string, defaultStringType: 'PLAIN' | 'QUOTE_DOUBLE' | 'QUOTE_SINGLE'): string {
  return stringify(
    { above: { a: 1 }, web: { before: 'x', field: text, after: [1, 2] } },
    { defaultStringType, lineWidth: 0 },
  );
}

/** The text after pinning `web.field`, or the code of the refusal. */
function outcome(
  text: string,
  style: 'version+digest' | 'digest',
): { readonly after?: string; readonly code?: string } {
  try {
    const configured = [{ image: 'django', file: FILE, path: ['web', 'field'] }];
    const result = pinImages([file(FILE, text)], [pin], { ...options, style, configured });
    return { after: textAfter(result, FILE) ?? text };
  } catch (error) {
    if (isTagflowError(error)) return { code: error.code };
    throw error;
  }
}

const style = fc.constantFrom('version+digest' as const, 'digest' as const);

describe('a configured field', () => {
  it('that holds a pin of the image holds the new one afterwards, and nothing else changed', () => {
    fc.assert(
      fc.property(pins, quotes, style, (text, quotes, style) => {
        const before = values(text, quotes);
        const { after = '' } = outcome(before, style);
        expect(after).toContain(D);
        const lines = (all: string): string[] => all.split('\n').filter((line) => !line.includes('field'));
        expect(lines(after)).toEqual(lines(before));
      }),
      { numRuns: 500 },
    );
  });

  it('that holds anything else is refused', () => {
    fc.assert(
      fc.property(strangers, quotes, style, (text, quotes, style) => {
        expect(outcome(values(text, quotes), style)).toEqual({ code: 'manifest-unsafe-edit' });
      }),
      { numRuns: 2_000 },
    );
  });

  it('that holds a text block, a map or a list is refused', () => {
    const held = fc.oneof(
      pins.filter((text) => text !== '').chain((text) => fc.constantFrom(`|\n    ${text}`, `>-\n    ${text}`)),
      pins.map((text) => `{tag: '${text}'}`),
      pins.map((text) => `\n    - '${text}'`),
    );
    fc.assert(
      fc.property(held, style, (text, style) => {
        const { after, code } = outcome(`web:\n  before: x\n  field: ${text}\n  after: y\n`, style);
        expect(after).toBeUndefined();
        expect(['manifest-unsafe-edit', 'pin-not-found']).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});
