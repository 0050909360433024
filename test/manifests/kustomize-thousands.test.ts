// The generated family of kustomizations, many at once, judged by kustomize: what it renders before and after differs in the
// intended fields alone, for every pin style; another digest is another rendering, and the first digest again the first bytes.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { pinImages } from '../../src/manifests/manifests.ts';
import { parseTag } from '../../src/model/reference.ts';
import { IS_FULL, describeReal } from '../support/real.ts';
import { type Files, PROD, R, type Shape, filesOf, json, means, shape } from './kustomize-shapes.ts';
import { D, OLD, file, folder, options, pinOf } from './support.ts';

const CASES = IS_FULL ? 600 : 30;
const AT_ONCE = 60;
const STYLES = ['version+digest', 'digest', 'version', 'target', 'target+digest'] as const;
const MARK = 'tagflow.dev/digest.django';
/** The kinds whose Pod template kustomize knows. */
const KNOWN: ReadonlySet<string> = new Set(['Deployment', 'CronJob']);

interface Case {
  readonly shape: Shape;
  readonly style: (typeof STYLES)[number];
  readonly before: Files;
  readonly after: Files;
  readonly another: Files;
  /** What the first promotion warned of. */
  readonly warnings: readonly string[];
}

type Json = { [key: string]: Json } | Json[] | string | number | null;

describeReal('kustomize renders thousands of overlays that were pinned', ['kubectl'], () => {
  it('with other images where they were ours, other annotations where the tag moves, and nothing else', () => {
    const shapes = fc.sample(fc.record({ shape, style: fc.constantFrom(...STYLES) }), { numRuns: CASES, seed: 21 });
    let ours = 0;
    for (let at = 0; at < shapes.length; at += AT_ONCE) {
      const cases = shapes.slice(at, at + AT_ONCE).map(({ shape, style }) => caseOf(shape, style));
      const rendered = render(cases.flatMap(({ before, after, another }) => [before, after, another]));
      for (const [index, one] of cases.entries()) {
        const [before = [], after = [], another = []] = rendered.slice(index * 3, index * 3 + 3);
        ours += compare(one, before, after, another);
      }
    }
    expect(ours).toBeGreaterThan(CASES);
  }, 900_000);
});

/** A case with its files as they are, after a promotion, and after a second one; a third takes the second back. */
function caseOf(shape: Shape, style: Case['style']): Case {
  const before = filesOf(shape);
  const { files: after, warnings } = pin(before, shape.own, style, D);
  const another = pin(after, shape.own, style, OLD).files;
  const back = pin(another, shape.own, style, D).files;
  expect({ shape, style, back }).toEqual({ shape, style, back: after });
  return { shape, style, before, after, another, warnings };
}

function pin(
  files: Files,
  own: boolean,
  style: Case['style'],
  digest: typeof D,
): { readonly files: Files; readonly warnings: readonly string[] } {
  const all = Object.entries(files).map(([path, text]) => file(path, text));
  const here = all.filter(({ path }) => path.startsWith(`${folder}/`));
  const bases = all.filter(({ path }) => !path.startsWith(`${folder}/`));
  const version = digest === D ? 'V4.2' : 'V4.0';
  const names = ['django', R, PROD];
  const image = { ...pinOf({ names, repository: own ? PROD : R, digest, version }), targetTag: parseTag('live') };
  const { edits, warnings } = pinImages(here, [image], { ...options, style, bases });
  const written = edits.map(({ path, content }) => [path, new TextDecoder().decode(content)]);
  return { files: { ...files, ...(Object.fromEntries(written) as Files) }, warnings };
}

/** The objects of many trees, rendered by one process: each is built by itself, below a kustomization that names it. */
function render(trees: readonly Files[]): readonly (readonly Json[])[] {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tagflow-thousands-'));
  try {
    const write = (path: string, text: string): void => {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    for (const [index, files] of trees.entries()) {
      for (const [path, text] of Object.entries(files)) write(`${index}/${path}`, text);
      write(`${index}/top/kustomization.yaml`, json({ resources: [`../${folder}`], namePrefix: `t${index}-` }));
    }
    write('all/kustomization.yaml', json({ resources: trees.map((_, index) => `../${index}/top`) }));
    const words = ['kustomize', '--load-restrictor', 'LoadRestrictionsNone', join(root, 'all')];
    const out = execFileSync('kubectl', words, {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const objects = parseAllDocuments(out).map((document) => document.toJS() as { metadata: { name: string } });
    const byTree = Map.groupBy(objects, ({ metadata }) => Number(/^t(\d+)-/.exec(metadata.name)?.[1]));
    return trees.map((_, index) =>
      (byTree.get(index) ?? []).map((each) => ({
        ...each,
        metadata: { ...each.metadata, name: each.metadata.name.replace(/^t\d+-/, '') },
      })),
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Compares what one case rendered; returns how many images of ours it renders. */
function compare({ shape, style, before, warnings }: Case, ...[old, now, other]: readonly (readonly Json[])[]): number {
  const said = `${JSON.stringify({ shape, style })}\n${Object.entries(before).flat().join('\n')}`;
  let ours = 0;
  const pinned = (version: string, digest: string): unknown =>
    old!.map((object) =>
      mapped(object, (image) => {
        if (!means(image)) return image;
        ours += 1;
        return `${shape.own ? PROD : R}${written(style, version, digest)}`;
      }),
    );
  expect({ said, objects: now!.map(unmarked) }).toEqual({ said, objects: pinned('V4.2', D) });
  expect({ said, objects: other!.map(unmarked) }).toEqual({ said, objects: pinned('V4.0', OLD) });
  // an entry that nothing needs yet has its annotation too
  if (ours === 0) return 0;
  const [text, another] = [JSON.stringify(now), JSON.stringify(other)];
  expect({ said, isMarked: style !== 'target' && text.includes(MARK) }).toEqual({ said, isMarked: false });
  if (style !== 'target') return ours / 2;
  expect({ said, another }).toEqual({ said, another: text.replaceAll(`"${MARK}":"${D}"`, `"${MARK}":"${OLD}"`) });
  // a Pod template that stays the same is warned of; one that entries reach, of a kind that kustomize knows, does not
  const same = [...now!].flatMap((object) => templatesOf(object)).filter((template) => !isMarkedIn(template));
  const isReached = KNOWN.has(shape.kind) && shape.changes.length === 0;
  expect({ said, same: isReached ? same : [] }).toEqual({ said, same: [] });
  const isWarned = same.length === 0 || warnings.join('\n').includes('a deploy will not notice');
  expect({ said, isWarned }).toEqual({ said, isWarned: true });
  return ours / 2;
}

function written(style: Case['style'], version: string, digest: string): string {
  const tag = style.startsWith('version') ? `:${version}` : style.startsWith('target') ? ':live' : '';
  return `${tag}${style.endsWith('digest') ? `@${digest}` : ''}`;
}

/** An object with each image in a list of containers changed. */
function mapped(value: Json, change: (image: string) => string, key = ''): Json {
  if (Array.isArray(value)) return value.map((item) => mapped(item, change, key));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'image' && /containers$/i.test(key) && typeof inner === 'string'
        ? change(inner)
        : mapped(inner, change, name),
    ]),
  );
}

/** An object without our annotations, and without what only holds them. */
function unmarked(value: Json): Json {
  if (Array.isArray(value)) return value.map(unmarked);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value)
    .filter(([name]) => name !== MARK)
    .map(([name, inner]) => [name, unmarked(inner)] as const)
    .filter(([name, inner]) => !/^(?:annotations|metadata)$/.test(name) || Object.keys(inner as object).length > 0);
  return Object.fromEntries(kept);
}

/** The Pod templates below a value that name an image of ours. */
function templatesOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value.flatMap(templatesOf);
  if (value === null || typeof value !== 'object') return [];
  const pod = JSON.stringify(value['spec'] ?? value['inner'] ?? '');
  const isTemplate = /^\{"(?:containers|initContainers)"/.test(pod) && pod.includes(':live"');
  return isTemplate ? [value] : Object.values(value).flatMap(templatesOf);
}

function isMarkedIn(template: Json): boolean {
  return JSON.stringify((template as { readonly metadata?: Json }).metadata ?? {}).includes(MARK);
}
