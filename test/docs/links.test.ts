// Every relative link in the documentation leads to a file, and to a heading where it names one: in the checkout, and in the
// package that people install.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { markdownFiles } from '../../.ci/transcripts.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What `npm pack` puts into the package: the files that the manifest names, and those that npm always adds. */
const PACKED = [
  ...(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: readonly string[] }).files,
  'README.md',
  'LICENSE',
];

function isPacked(path: string): boolean {
  return PACKED.some((entry) => path === entry || path.startsWith(`${entry}/`));
}

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
}

/** Anchors of a page, as GitHub and GitLab make them. */
function anchorsOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the documentation', () => {
  it.each(markdownFiles())('%s: its links resolve', (page) => {
    const broken = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) return [target];
      return anchor !== undefined && !anchorsOf(file).includes(anchor) ? [target] : [];
    });
    expect(broken).toEqual([]);
  });

  it.each(markdownFiles().filter(isPacked))('%s: its links lead to files of the package', (page) => {
    const outside = [...textOf(page).matchAll(/\]\(([^)\s#]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !isPacked(join(dirname(page), target)));
    expect(outside).toEqual([]);
  });

  it.each(markdownFiles())('%s: its links by name have an address, and no address is left over', (page) => {
    const used = [...textOf(page).matchAll(/\]\[([^\]]+)\]/g)].map(([, name]) => name);
    const defined = [...textOf(page).matchAll(/^\[([^\]]+)\]: /gm)].map(([, name]) => name);
    expect(new Set(used)).toEqual(new Set(defined));
  });

  // The index itself, and a page that is there once the benchmarks were run.
  const index = new Set(['docs/README.md', 'docs/internals/benchmarks.md']);
  it.each(markdownFiles().filter((page) => page.startsWith('docs/') && !index.has(page)))(
    '%s: another page leads to it',
    (page) => {
      const sources = markdownFiles().filter((other) => other !== page);
      const linked = sources.some((other) =>
        [...textOf(other).matchAll(/\]\(([^)\s#]+)/g)].some(([, target = '']) => join(dirname(other), target) === page),
      );
      expect(linked).toBe(true);
    },
  );
});
