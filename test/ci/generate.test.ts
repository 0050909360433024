import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configurationPage, errorsPage, exitCodesPage, schemaFile } from '../../.ci/pages.ts';
import { configJsonSchema } from '../../src/config/schema.ts';
import { ERRORS, EXIT } from '../../src/model/errors.ts';

const root = join(import.meta.dirname, '../..');

describe('the generated files', () => {
  it('the schema is the one parseConfig checks by', async () => {
    expect(JSON.parse(schemaFile())).toEqual(configJsonSchema());
    expect(schemaFile()).toBe(await readFile(join(root, 'tagflow.schema.json'), 'utf8'));
  });

  it('the reference has a section for every key', () => {
    const sections = [...configurationPage().matchAll(/^## `(.+)`$/gm)].map(([, path]) => path);
    expect(sections).toContain('environments.<name>.pins[].file');
    expect(sections).toHaveLength(new Set(sections).size);
    expect(sections.filter((path) => !path?.includes('.'))).toEqual(
      Object.keys(configJsonSchema()['properties'] as object),
    );
  });

  it('every example of the reference is YAML', () => {
    const blocks = [...configurationPage().matchAll(/```yaml\n(.*?)```/gs)].flatMap(([, block = '']) =>
      block.trim().split('\n'),
    );
    expect(blocks.length).toBeGreaterThan(20);
    for (const line of blocks) expect(() => parse(line) as unknown).not.toThrow();
  });

  it.each(Object.entries(EXIT))('the page of exit codes has %s', (_, code) => {
    expect(exitCodesPage()).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });

  it.each(Object.keys(ERRORS))('the index of errors has %s, linked when it has a page', (code) => {
    expect(errorsPage(new Set())).toContain(`| \`${code}\` |`);
    expect(errorsPage(new Set([code]))).toContain(`| [\`${code}\`](${code}.md) |`);
  });
});
