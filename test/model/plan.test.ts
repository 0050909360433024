// Plans by example: what follows from the parts, what the record and the message say, and which files hold a plan.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/model/digest.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import {
  type Plan,
  type PlanParts,
  type ReleaseRequest,
  assemblePlan,
  messageOf,
  parsePlan,
  planDigest,
  recordOf,
} from '../../src/model/plan.ts';
import { parseTag } from '../../src/model/reference.ts';
import type { ReleaseImage } from '../../src/model/release.ts';
import { refusal } from '../support/failure.ts';
import { FULL_RECORD, TARGET, idOf } from '../support/records.ts';

function image(name: string, version: string): ReleaseImage {
  return {
    name,
    repository: `r.example.com/${name}`,
    version: parseTag(version),
    digest: digestOf(`${name} ${version}`),
  };
}

const PARTS: PlanParts = {
  request: { kind: 'promote', environment: 'prd', versions: {}, reason: 'INC-412' },
  target: { ...TARGET, from: 'stg', branch: 'production' as BranchName, tag: parseTag('live') },
  currentCommit: idOf('3'),
  scope: idOf('6'),
  current: { ...FULL_RECORD, sequence: 3, images: [image('django', 'V4.0'), image('mariadb', '1.10')] },
  images: [image('redis', '7.0'), image('django', 'V4.2'), image('mariadb', '1.10')],
  base: idOf('1'),
  source: { environment: 'stg', branch: 'stg', commit: idOf('2') },
  tree: idOf('2'),
  parents: [idOf('1'), idOf('2')],
  edits: [],
  fields: [],
  configurationChanges: [],
  held: [],
  gates: [{ gate: 'downgrade', decision: 'pass', reason: 'no image gets older' }],
  config: { commit: idOf('5') },
};
const EXECUTION = { actor: 'ana', time: '2026-01-01T00:00:00Z' };
const plan = (change: Partial<PlanParts> = {}): Plan => assemblePlan({ ...PARTS, ...change });

describe('a plan', () => {
  it('is for the environment of its target, in the sequence after the release that runs', () => {
    expect(plan()).toMatchObject({
      schemaVersion: 1,
      environment: 'prd',
      branch: 'production',
      tag: 'live',
      sequence: 4,
      previous: { sequence: 3, commit: idOf('3') },
      recordPath: '.tagflow/releases/prd.yaml',
      signaturePath: '.tagflow/releases/prd.yaml.sig',
      reason: 'INC-412',
      tree: idOf('2'),
    });
    expect(plan()).not.toHaveProperty('target');
    expect(plan({ current: undefined }).sequence).toBe(1);
  });

  it('has no reason where nobody gave one', () => {
    expect(plan({ request: { kind: 'promote', environment: 'prd', versions: {} } })).not.toHaveProperty('reason');
  });

  it('names its images in order, and what each runs now', () => {
    expect(plan().images).toEqual([
      { ...image('django', 'V4.2'), before: { version: 'V4.0', digest: image('django', 'V4.0').digest } },
      { ...image('mariadb', '1.10'), before: { version: '1.10', digest: image('mariadb', '1.10').digest } },
      image('redis', '7.0'),
    ]);
    expect(plan({ current: undefined }).images).toEqual([
      image('django', 'V4.2'),
      image('mariadb', '1.10'),
      image('redis', '7.0'),
    ]);
  });

  it('has its edits, fields, copies, holds and changed files in order', () => {
    const field = (path: string, line: number, name: string) => ({
      image: 'django',
      path,
      line,
      field: name,
      after: 'x',
    });
    const copy = (name: string) => ({ image: name, from: 'a', to: 'b', digest: digestOf(name) });
    const { edits, fields, copies, held, configurationChanges } = plan({
      edits: ['b', 'c', 'a'].map((path) => ({ kind: 'remove' as const, path })),
      fields: [field('b', 1, 'x'), field('a', 10, 'x'), field('a', 9, 'z'), field('a', 9, 'x'), field('a', 9, 'y')],
      copies: [copy('web'), copy('app'), copy('job')],
      held: [7, 10, 9].map((release) => ({ release, images: [] })),
      configurationChanges: ['c', 'a', 'b'],
    });
    expect(edits.map(({ path }) => path)).toEqual(['a', 'b', 'c']);
    expect(fields.map(({ path, line, field }) => `${path}:${line} ${field}`)).toEqual([
      'a:9 x',
      'a:9 y',
      'a:9 z',
      'a:10 x',
      'b:1 x',
    ]);
    expect(copies.map((one) => one.image)).toEqual(['app', 'job', 'web']);
    expect(held.map(({ release }) => release)).toEqual([7, 9, 10]);
    expect(configurationChanges).toEqual(['a', 'b', 'c']);
  });

  it('copies nothing where no copies are named', () => {
    expect(plan().copies).toEqual([]);
  });

  it('has a digest that tells it from any other, however its keys are ordered', () => {
    const turned = Object.fromEntries(Object.entries(plan()).toReversed()) as unknown as Plan;
    expect(planDigest(turned)).toBe(planDigest(plan()));
    const source = { commit: idOf('2'), branch: 'stg', environment: 'stg' };
    expect(planDigest(plan({ source }))).toBe(planDigest(plan()));
    expect(planDigest(plan({ parents: [idOf('2'), idOf('1')] }))).not.toBe(planDigest(plan()));
    expect(planDigest(plan({ images: [image('django', 'V4.3')] }))).not.toBe(planDigest(plan()));
  });
});

describe('the record of a plan', () => {
  it('says what was done, by whom, and what came before', () => {
    const held = [{ release: 2, images: [], commit: idOf('4') }];
    const execution = { ...EXECUTION, onBehalfOf: 'ben', job: 'https://ci.example.com/1' };
    const made = plan({ held });
    expect(recordOf(made, execution)).toEqual({
      schema: 2,
      environment: 'prd',
      sequence: 4,
      action: 'promote',
      images: [image('django', 'V4.2'), image('mariadb', '1.10'), image('redis', '7.0')],
      source: { environment: 'stg', branch: 'stg', commit: idOf('2') },
      previous: { sequence: 3, commit: idOf('3') },
      scope: idOf('6'),
      ...execution,
      reason: 'INC-412',
      held,
      gates: PARTS.gates,
      plan: planDigest(made),
      config: { commit: idOf('5') },
    });
  });

  it('of a first release has nothing before it, and names nobody who is not there', () => {
    const request: ReleaseRequest = { kind: 'promote', environment: 'prd', versions: {} };
    const record = recordOf(plan({ current: undefined, request }), EXECUTION);
    expect(record.sequence).toBe(1);
    for (const key of ['previous', 'restored', 'onBehalfOf', 'job', 'reason']) expect(record).not.toHaveProperty(key);
  });

  it('of a rollback names the release that was restored', () => {
    const restored = { sequence: 2, commit: idOf('3') };
    const record = recordOf(plan({ request: { kind: 'rollback', environment: 'prd' }, restored }), EXECUTION);
    expect(record).toMatchObject({ action: 'rollback', restored });
  });
});

describe('the commit message of a plan', () => {
  it('has what changes first, then every image, then trailers', () => {
    expect(messageOf(plan(), { ...EXECUTION, job: 'https://ci.example.com/1' }))
      .toBe(`prd: promote django V4.2, redis 7.0

INC-412

django: V4.0 -> V4.2 ${image('django', 'V4.2').digest}
mariadb: 1.10 ${image('mariadb', '1.10').digest}
redis: 7.0 ${image('redis', '7.0').digest}

Tagflow-Environment: prd
Tagflow-Release: 4
Promoted-From: stg@${idOf('2')}
Promoted-By: ana
CI-Job: https://ci.example.com/1
`);
  });

  it('says neither a reason nor a job where there is none, and the branch where no environment is upstream', () => {
    const request: ReleaseRequest = { kind: 'promote', environment: 'prd', versions: {} };
    const source = { branch: 'main', commit: idOf('2') };
    expect(messageOf(plan({ request, source, images: [image('django', 'V4.0')] }), EXECUTION))
      .toBe(`prd: promote django V4.0

django: V4.0 ${image('django', 'V4.0').digest}

Tagflow-Environment: prd
Tagflow-Release: 4
Promoted-From: main@${idOf('2')}
Promoted-By: ana
`);
  });

  it.each([
    [3, 'prd: promote a V1, b V1, c V1'],
    [5, 'prd: promote a V1, b V1, c V1 and 2 more'],
  ])('names at most three images of %i', (count, subject) => {
    const images = ['a', 'b', 'c', 'd', 'e'].slice(0, count).map((name) => image(name, 'V1'));
    expect(messageOf(plan({ images }), EXECUTION).split('\n')[0]).toBe(subject);
  });

  it('of a rollback says to which release', () => {
    const request: ReleaseRequest = { kind: 'rollback', environment: 'prd' };
    const restored = { sequence: 2, commit: idOf('3') };
    const message = messageOf(plan({ request, restored, images: [image('django', 'V3.9')] }), EXECUTION);
    expect(message.split('\n')[0]).toBe('prd: roll back to release 2: django V3.9');
  });
});

describe('a file holds a plan', () => {
  /** The file of a plan, changed in one place; a path of keys and indexes. */
  function changed(path: readonly (string | number)[], value: unknown): string {
    const made = JSON.parse(JSON.stringify(plan())) as Record<string | number, unknown>;
    let at = made;
    for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
    at[path.at(-1) ?? ''] = value;
    return JSON.stringify(made);
  }
  const flags = { overrides: ['held', 'run/ticket'] };

  it.each<[string, unknown]>([
    ['a promotion with every flag', { ...PARTS.request, from: 'dev', versions: { '*': 'V4.2' }, ...flags }],
    ['a rollback', { kind: 'rollback', environment: 'prd' }],
    ['a rollback with every flag', { kind: 'rollback', environment: 'prd', to: '#7', imagesOnly: true, reason: 'r' }],
  ])('of %s', (_, request) => {
    const text = changed(['request'], request);
    expect(parsePlan(text, 'plan.json')).toEqual(JSON.parse(text));
  });

  it.each<[string, string, string]>([
    ['it is not JSON', '{', 'it is not JSON'],
    ['it is a list', '[]', 'not a map'],
    ['its schema is another', changed(['schemaVersion'], 2), 'schemaVersion: '],
    ['its environment is empty', changed(['environment'], ''), 'environment: '],
    ['its base is not an object id', changed(['base'], 'main'), 'base: it is not an object id'],
    ['its base is a list', changed(['base'], [idOf('1')]), 'base: it is not an object id'],
    ['its source is not an object id', changed(['source', 'commit'], 'main'), 'source.commit: '],
    ['its source is a list', changed(['source', 'commit'], [idOf('1')]), 'source.commit: '],
    ['an image has no name', changed(['images', 0, 'name'], ''), 'images.0.name: '],
    ['a version is not a tag', changed(['images', 0, 'version'], '-x'), 'images.0.version: it is not a tag'],
    ['a version is a list', changed(['images', 0, 'version'], ['V1']), 'images.0.version: it is not a tag'],
    ['a digest is not one', changed(['images', 1, 'digest'], 'sha256:0'), 'images.1.digest: it is not a digest'],
    ['a digest is a list', changed(['images', 1, 'digest'], [digestOf('a')]), 'images.1.digest: it is not a digest'],
    ['it asks for something else', changed(['request', 'kind'], 'delete'), 'request'],
    ['it asks for what is not known', changed(['request', 'force'], true), 'request'],
    [
      'a rollback asks for what is not known',
      changed(['request'], { kind: 'rollback', environment: 'prd', x: 1 }),
      'request',
    ],
    ['it asks for a version of nothing', changed(['request', 'versions'], { '': 'V1' }), 'request.versions'],
    ['its overrides are text', changed(['request', 'overrides'], 'held'), 'request.overrides: '],
    [
      'its reason has two lines',
      changed(['request', 'reason'], 'a\nb'),
      'request.reason: it is not a single line of plain text',
    ],
  ])('not when %s', (_, text, why) => {
    const error = refusal(() => parsePlan(text, 'plan.json'));
    expect(error).toMatchObject({ code: 'plan-invalid', message: 'plan.json is not a plan' });
    expect(error.why).toContain(why);
  });
});
