import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/config.ts';
import { draftConfig } from '../../src/config/draft-config.ts';
import { recogniseLayout } from '../../src/config/recognise/layout.ts';
import { configJsonSchema } from '../../src/config/schema.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { SHORT, WHOLE, WRONG } from './examples.ts';
import { fits } from './json-schema.ts';

const schema = configJsonSchema();

function isAccepted(text: string): boolean {
  try {
    parseConfig(text);
    return true;
  } catch (error) {
    if (isTagflowError(error, 'config-invalid')) return false;
    throw error;
  }
}

/** The shortest configuration with one value in one place. */
function variant(key: string, value: string | number): Readonly<Record<string, unknown>> {
  const image = { repository: 'r.example.com/app' };
  const base = { version: 1, images: { app: image }, environments: { dev: {} } };
  switch (key) {
    case 'trunk':
    case 'maxFileSize':
    case 'retain':
      return { ...base, [key]: value };
    case 'environment':
      return { ...base, environments: { [value]: null } };
    case 'image':
      return { ...base, images: { [value]: image } };
    case 'repository':
      return { ...base, images: { app: { repository: value } } };
    case 'repositories':
      return { ...base, environments: { dev: { repositories: { app: value } } } };
    case 'pattern':
      return { ...base, images: { app: { ...image, versions: { pattern: value } } } };
    case 'signers':
      return { ...base, signing: 'ssh', signers: value };
    case 'signedAfter':
      return { ...base, signing: 'ssh', environments: { dev: { signedAfter: value } } };
    case 'file':
      return { ...base, environments: { dev: { pins: [{ image: 'app', file: value, path: 'a' }] } } };
    default:
      return { ...base, environments: { dev: { [key]: value } } };
  }
}

const BRANCHES = [
  'dev',
  'feature/x',
  'Ümlaut',
  'a b',
  'x'.repeat(244),
  'x'.repeat(245),
  '🚀'.repeat(61),
  'refs/heads/x',
];
const PATHS = ['e/dev', './e', 'e/', '../e', '/e', 'a..b', 'a/..b', '..a', 'c:/e', 'e\\f', '.git', 'é ü', 'a/...'];
const NAMES = ['dev', 'd.e-v_1', 'a--b', 'a..b', 'a__b', 'Dev', '-a', '1', 'x'.repeat(63), 'x'.repeat(64)];
const REPOSITORIES = [
  'r.example.com/a/b',
  'r:5000/a__b',
  '[::1]:5000/a',
  'oci:./a b',
  'oci:C:\\a',
  'localhost/a---b',
  'r.io/A',
];
const VALUES: Readonly<Record<string, readonly (string | number)[]>> = {
  trunk: BRANCHES,
  branch: BRANCHES,
  tag: ['live', '_x', '-x', 'a/b', 'x'.repeat(117), 'x'.repeat(118), '1.0', 'é', 'A.b-C'],
  path: PATHS,
  file: PATHS,
  signers: PATHS,
  signedAfter: ['a'.repeat(40), 'A'.repeat(40), '1'.repeat(64), '1'.repeat(41), 'HEAD'],
  environment: NAMES,
  image: NAMES,
  repository: REPOSITORIES,
  repositories: REPOSITORIES,
  pattern: ['^(?<order>[0-9]+)$', '(?<order>x)', '^b(?<order>.*)-(?:x|y)$', '^x$', '^(?:a|(?<order>[0-9]))$'],
  retain: [1, 0, 1000, 1001, -1, 1.5, '10'],
  maxFileSize: [1024, 1023, 1024.5, 16_777_216, 16_777_217, '1KiB', '0.5 MiB', '1kb', '1e3KiB', '0016KiB'],
};
const ACCEPTED = Object.entries(VALUES)
  .flatMap(([key, values]) => values.map((value) => [`${key}: ${JSON.stringify(value)}`, variant(key, value)] as const))
  .filter(([, value]) => isAccepted(JSON.stringify(value)));

const SEEN = ['dev', 'prd'].flatMap((name) =>
  ['a', 'b'].map((image) => ({
    path: `${image}/${name}/k.yaml`,
    name: `r.example.com/${image}`,
    field: 'image',
    form: 'object',
    tag: undefined,
  })),
);
const DRAFTED = draftConfig(
  recogniseLayout({ paths: SEEN.map(({ path }) => path), images: SEEN, branches: [], builds: new Map() }),
  'main',
);

describe('the JSON Schema of tagflow.yaml', () => {
  it.each([
    ['every key', WHOLE],
    ['as few keys as there can be', SHORT],
    ['what init writes', DRAFTED],
  ])('accepts a configuration with %s', (_, text) => {
    expect(fits(parse(text), schema)).toBe(true);
  });

  it.each(WRONG.filter(({ structural }) => structural))('refuses, as parseConfig does: $title', ({ text }) => {
    expect(fits(parse(text), schema)).toBe(false);
  });

  it.each(ACCEPTED)('accepts, as parseConfig does: %s', (_, value) => {
    expect(fits(value, schema)).toBe(true);
  });

  it('says what holds where a key is absent as a part of its description, for editors know no such word', () => {
    const made = configJsonSchema();
    const properties = made['properties'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    expect(properties['revoked']?.['description']).toMatch(/ Default: no key is revoked\.$/);
    expect(properties['version']?.['description']).not.toContain('Default:');
    expect(JSON.stringify(made)).not.toContain('"absent"');
  });

  it('says a title and a description for every key', () => {
    const silent: string[] = [];
    const visit = (node: Readonly<Record<string, unknown>>, path: string): void => {
      for (const [key, child] of Object.entries(
        (node['properties'] ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        if (typeof child['title'] !== 'string' || typeof child['description'] !== 'string')
          silent.push(`${path}.${key}`);
        visit(child, `${path}.${key}`);
      }
      for (const next of [node['additionalProperties'], node['items'], ...((node['anyOf'] ?? []) as unknown[])]) {
        if (typeof next === 'object' && next !== null) visit(next as Record<string, unknown>, `${path}.*`);
      }
    };
    visit(schema, '');
    expect(silent).toEqual([]);
  });

  it('gives examples and defaults that fit', () => {
    const wrong: unknown[] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      const { examples = [], default: fallback } = node as { examples?: readonly unknown[]; default?: unknown };
      const values = fallback === undefined ? examples : [...examples, fallback];
      wrong.push(...values.filter((value) => !fits(value, node as Record<string, unknown>)));
      for (const [key, child] of Object.entries(node)) if (key !== 'examples' && key !== 'default') visit(child);
    };
    visit(schema);
    expect(wrong).toEqual([]);
  });
});
