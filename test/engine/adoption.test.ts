// The shapes of repositories that teams bring along: in each, one application is promoted and rolled back, and nothing but its
// own files and its record changes.
import { describe, expect, it } from 'vitest';
import type { ObjectId } from '../../src/model/object-id.ts';
import { type Bench, DJANGO, MARIADB, createBench } from '../support/engine.ts';

interface Shape {
  readonly title: string;
  /** What follows `version: 1` in tagflow.yaml. */
  readonly config: string;
  readonly files: Readonly<Record<string, string>>;
  /** The line that is promoted, and the one upstream of it. */
  readonly lines: readonly [upstream: string, line: string];
  /** The files that a promotion of the line changes, its record aside. */
  readonly own: readonly string[];
}

const ONE = `images: { web: { repository: ${DJANGO} } }\n`;
const overlay = (name: string, version = 'V3.2'): string => `images:\n  - name: ${name}\n    newTag: ${version}\n`;
const PIN = '{ image: web, file: "apps/web/values-{environment}.yaml", path: image.tag }';
const APP = '{ image: web, file: app/values.yaml, path: image.tag }';
const values = (version = 'V3.2'): string =>
  `replicas: 2\nimage:\n  repository: ${DJANGO}\n  tag: "${version}" # app\n`;
const deployment = (name: string): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: '${name}:V3.2'\n`;

const SHAPES: readonly Shape[] = [
  {
    title: 'values files for environments (01, 25)',
    config: `layout: folders\n${ONE}environments:\n  dev: { files: [], pins: [${PIN}] }\n  prd: { from: dev, files: [], pins: [${PIN}] }\n`,
    files: {
      'apps/web/values.yaml': values(),
      'apps/web/values-dev.yaml': values(),
      'apps/web/values-prd.yaml': values(),
    },
    lines: ['dev', 'prd'],
    own: ['apps/web/values-prd.yaml'],
  },
  {
    title: 'folders of one branch (13, 26)',
    config: `layout: folders\n${ONE}environments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`,
    files: {
      'env/dev/kustomization.yaml': overlay(DJANGO),
      'env/prd/kustomization.yaml': overlay(DJANGO),
      'env/prd/settings.yml': 'PAGE_LIMIT: 25\n',
    },
    lines: ['dev', 'prd'],
    own: ['env/prd/kustomization.yaml'],
  },
  {
    title: 'applications in the folder of an environment (11)',
    config: `layout: folders\napplications:\n  '*':\n    path: env/{environment}/{application}\n    images: { web: { repository: ${DJANGO} } }\nenvironments: { dev: { tag: '{application}-dev' }, prd: { from: dev, tag: '{application}-prd' } }\n`,
    files: {
      'base/web/kustomization.yaml': 'resources: [d.yaml]\n',
      'base/web/d.yaml': deployment(DJANGO),
      ...Object.fromEntries(
        ['dev', 'prd'].flatMap((environment) =>
          ['web', 'api'].map((name) => [
            `env/${environment}/${name}/kustomization.yaml`,
            `resources: [../../../base/web]\n${overlay(DJANGO)}`,
          ]),
        ),
      ),
    },
    lines: ['dev/web', 'prd/web'],
    own: ['env/prd/web/kustomization.yaml'],
  },
  {
    title: 'overlays in the folder of an application (14)',
    config: `layout: folders\napplications:\n  '*':\n    path: '{application}/overlays/{environment}'\n    images: { '{application}': { repository: ${DJANGO} } }\nenvironments: { dev: { tag: '{application}-dev' }, prd: { from: dev, tag: '{application}-prd' } }\n`,
    files: Object.fromEntries(
      ['web', 'api'].flatMap((name) => [
        [`${name}/base/kustomization.yaml`, 'resources: [d.yaml]\n'],
        [`${name}/base/d.yaml`, deployment(DJANGO)],
        ...['dev', 'prd'].map((environment) => [
          `${name}/overlays/${environment}/kustomization.yaml`,
          `resources: [../../base]\n${overlay(DJANGO)}`,
        ]),
      ]),
    ) as Record<string, string>,
    lines: ['dev/web', 'prd/web'],
    own: ['web/overlays/prd/kustomization.yaml'],
  },
  {
    title: 'a folder without a kustomization (18)',
    config: `layout: folders\n${ONE}environments: { dev: { path: clusters/dev }, prd: { path: clusters/prd, from: dev } }\n`,
    files: { 'clusters/dev/web.yaml': deployment(DJANGO), 'clusters/prd/web.yaml': deployment(DJANGO) },
    lines: ['dev', 'prd'],
    own: ['clusters/prd/web.yaml'],
  },
  {
    title: 'an image that is not ours to tag (17)',
    config: `layout: folders\nimages: { web: { repository: ${DJANGO}, tags: false } }\nenvironments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`,
    files: { 'env/dev/kustomization.yaml': overlay(DJANGO), 'env/prd/kustomization.yaml': overlay(DJANGO) },
    lines: ['dev', 'prd'],
    own: ['env/prd/kustomization.yaml'],
  },
  {
    title: 'an image that only dev runs (30)',
    config: `layout: folders\nimages: { web: { repository: ${DJANGO} }, debug: { repository: ${MARIADB} } }\nenvironments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`,
    files: {
      'env/dev/kustomization.yaml': `${overlay(DJANGO)}  - name: ${MARIADB}\n    newTag: V10.3\n`,
      'env/prd/kustomization.yaml': overlay(DJANGO),
    },
    lines: ['dev', 'prd'],
    own: ['env/prd/kustomization.yaml'],
  },
  {
    title: 'one path on two branches (03)',
    config: `${ONE}environments:\n  dev: { path: app, pins: [${APP}] }\n  prd: { path: app, from: dev, pins: [${APP}] }\n`,
    files: { 'app/values.yaml': values() },
    lines: ['dev', 'prd'],
    own: ['app/values.yaml'],
  },
];

/** The files that differ between two commits, records left out. */
function changes(bench: Bench, from: ObjectId, to: ObjectId): readonly string[] {
  const [before, after] = [bench.remote.filesOf(from), bench.remote.filesOf(to)];
  const none = Buffer.of();
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => Buffer.compare(before.get(path) ?? none, after.get(path) ?? none) !== 0)
    .filter((path) => !path.startsWith('.tagflow/releases/'))
    .sort();
}

describe.each(SHAPES)('$title', ({ config, files, lines: [upstream, line], own }) => {
  it('is promoted and rolled back, and nothing else changes', async () => {
    const bench = createBench({ config: `version: 1\n${config}`, files });
    const debug = config.includes('debug') ? { debug: 'V10.6' } : {};
    await bench.released(upstream, { web: 'V4.0', ...debug });
    const first = await bench.released(line);
    expect(changes(bench, first.plan.base, first.commit)).toEqual(own);
    await bench.released(upstream, { web: 'V4.2' });
    const second = await bench.released(line);
    expect(changes(bench, second.plan.base, second.commit)).toEqual(own);
    const back = await bench.rollback(line);
    expect(back).toMatchObject({ kind: 'released', record: { restored: { sequence: 1 } } });
    if (back.kind !== 'released') return;
    expect(changes(bench, back.plan.base, back.commit)).toEqual(own);
    expect(back.record.images.map(({ name, version }) => `${name} ${version}`)).toEqual(['web V4.0']);
    const isUntagged = Object.keys(bench.aliases('django')).length === 0;
    expect(isUntagged).toBe(config.includes('tags: false') || config.includes('{application}'));
  });
});

describe('versions that are numbers, commit ids, or both (31)', () => {
  it.each([
    ['semver', '4'],
    ['unordered', 'abc1234'],
    ['[semver, unordered]', 'abc1234'],
  ])('%s: %s', async (scheme, version) => {
    const config = `version: 1\nlayout: folders\nimages: { web: { repository: ${DJANGO}, versions: ${scheme} } }\nenvironments: { dev: { path: env/dev } }\n`;
    const bench = createBench({ config, files: { 'env/dev/kustomization.yaml': overlay(DJANGO) } });
    bench.publish('django', version);
    const { record } = await bench.released('dev', { web: version });
    expect(record.images[0]?.version).toBe(version);
  });
});
