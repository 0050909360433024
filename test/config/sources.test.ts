// `verify` and `live` of tagflow.yaml: what they spell, and every mistake with its place.
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import type { Problem } from '../../src/config/problems.ts';
import { refusal } from '../support/failure.ts';

function configured(keys: string, images = '{ django: { repository: registry.example.com/acme/django } }'): string {
  return `version: 1\nimages: ${images}\nenvironments:\n  dev: {}\n  prd: { from: dev, ${keys} }\n`;
}

const TWO =
  '{ django: { repository: registry.example.com/acme/django }, db: { repository: registry.example.com/acme/db } }';

function mistakes(keys: string, images?: string): readonly string[] {
  const error = refusal(() => parseConfig(configured(keys, images)));
  expect(error.code).toBe('config-invalid');
  return (error.details['problems'] as readonly Problem[]).map(({ path, what, fix }) => `${path}: ${what}; ${fix}`);
}

const live = (keys: string, images?: string) =>
  parseConfig(configured(`live: ${keys}`, images)).environments.get('prd')?.live;
const steps = (step: string) => `verify: { steps: [{ name: one, ${step} }] }`;

describe('live that is right', () => {
  test('one source', () => {
    expect(live("{ http: { url: 'https://shop.example.com/version', json: build.version } }")).toEqual([
      { kind: 'http', url: 'https://shop.example.com/version', json: ['build', 'version'], image: undefined },
    ]);
    expect(live('{ kubernetes: { context: prd, namespace: shop, workload: deployment/web } }')).toEqual([
      { kind: 'kubernetes', context: 'prd', namespace: 'shop', workload: 'deployment/web' },
    ]);
    expect(live('{ status: kustomization/shop }')).toEqual([{ kind: 'status', status: 'kustomization/shop' }]);
    expect(parseConfig(configured('retain: 3')).environments.get('prd')).not.toHaveProperty('live');
  });

  test('several, of which an answer by HTTP names its image', () => {
    expect(
      live("[{ http: { url: 'http://127.0.0.1:1/{environment}', image: django } }, { status: argocd/shop }]", TWO),
    ).toMatchObject([{ image: 'django', json: [] }, { kind: 'status' }]);
  });
});

describe('live that is wrong', () => {
  test.each<[string, string]>([
    ['{}', 'environments.prd.live: the source asks nothing; write one of http, kubernetes, status'],
    [
      "{ status: a, http: { url: 'http://a/' } }",
      'environments.prd.live: a source has one of http, status, not both; write one of http, kubernetes, status',
    ],
    ['[]', 'environments.prd.live: the list is empty; list a source, or leave live out'],
    ["{ status: ' ' }", 'environments.prd.live.status: it is empty; name a commit status'],
    [
      "{ http: { url: 'ftp://a/' } }",
      'environments.prd.live.http.url: "ftp://a/" is not a URL; write one like https://shop.example.com/version',
    ],
    [
      "{ http: { url: 'http://ana:pw@a/' } }",
      'environments.prd.live.http.url: the URL has a password in it; leave it out',
    ],
    [
      "{ http: { url: 'http://{environment}.a/' } }",
      'environments.prd.live.http.url: the host of "http://{environment}.a/" has a placeholder; placeholders go into the path or query',
    ],
    [
      String.raw`{ http: { url: 'http:\\{environment}.a/' } }`,
      String.raw`environments.prd.live.http.url: "http:\\\\{environment}.a/" has a blank or a backslash; write / and %20`,
    ],
    [
      "{ http: { url: 'http:{environment}.a/' } }",
      'environments.prd.live.http.url: the host of "http:{environment}.a/" has a placeholder; placeholders go into the path or query',
    ],
    [
      "{ http: { url: 'http://a/', json: a..b } }",
      'environments.prd.live.http.json: "a..b" is not a field; write its keys joined by dots: build.version',
    ],
    [
      "{ http: { url: 'http://a/{version}' } }",
      'environments.prd.live: it has a placeholder for a version or digest; leave it out: what runs is what is asked',
    ],
    [
      "{ http: { url: 'http://a/', image: web } }",
      'environments.prd.live: it names the image "web", which prd does not have; prd has: django',
    ],
    [
      '{ status: "x/{application}" }',
      'environments.prd.live: {application} has no value: there are no applications; leave it out',
    ],
    [
      '{ kubernetes: { namespace: "-n", workload: deployment/web } }',
      'environments.prd.live.kubernetes.namespace: "-n" does not fit; name a namespace',
    ],
  ])('%s', (keys, expected) => {
    expect(mistakes(`live: ${keys}`)).toEqual([expected]);
  });

  test('an answer that could be about any of several images', () => {
    expect(mistakes("live: { http: { url: 'http://a/' } }", TWO)).toEqual([
      'environments.prd.live: its answer could be about any of 2 images; name one: image: IMAGE',
    ]);
  });
});

describe('verify that is wrong', () => {
  test.each<[string, string]>([
    ['verify: { steps: [] }', 'environments.prd.verify.steps: the list is empty; list a step, or leave verify out'],
    [
      steps("http: 'https://a/', status: b"),
      'environments.prd.verify.steps[0]: a step has one of http, status, not both; write one of http, command, kubernetes, status, prometheus',
    ],
    [
      steps("http: 'https://a/', junit: x.xml"),
      'environments.prd.verify.steps[0].junit: junit belongs to a step of kind command; remove it',
    ],
    [
      steps("http: 'http://127.example.com/', token: true"),
      'environments.prd.verify.steps[0].http: a token would be sent over plain HTTP; use https',
    ],
    [
      steps("http: 'https://a/', expect: { status: 99 }"),
      'environments.prd.verify.steps[0].expect.status: 99 is not an HTTP status; write one like 200',
    ],
    [
      steps("http: 'https://a/', expect: { contains: '{version:web}' }"),
      'environments.prd.verify.steps[0]: it names the image "web", which prd does not have; prd has: django',
    ],
    [
      steps('command: []'),
      "environments.prd.verify.steps[0].command: it does not name a program; for instance: ['verify/smoke.sh']",
    ],
    [
      steps('command: [../smoke.sh]'),
      'environments.prd.verify.steps[0].command[0]: "../smoke.sh" is not a path inside the repository: it has a .. part; write it without ..',
    ],
    [
      steps('command: [a], env: [CI_JOB_TOKEN]'),
      'environments.prd.verify.steps[0].env[0]: "CI_JOB_TOKEN" is for tagflow or the job alone; give the program a token of its own',
    ],
    [
      steps('kubernetes: { namespace: shop, workload: pod/web }'),
      'environments.prd.verify.steps[0].kubernetes.workload: "pod/web" does not fit; write deployment/NAME, statefulset/NAME or daemonset/NAME',
    ],
    [
      steps('kubernetes: { namespace: shop, workload: "deployment/web --all" }'),
      'environments.prd.verify.steps[0].kubernetes.workload: "deployment/web --all" does not fit; write deployment/NAME, statefulset/NAME or daemonset/NAME',
    ],
    [
      steps('kubernetes: { namespace: shöp, workload: deployment/web }'),
      'environments.prd.verify.steps[0].kubernetes.namespace: "shöp" does not fit; name a namespace',
    ],
    [
      steps('kubernetes: { context: "--kubeconfig=x", namespace: shop, workload: deployment/web }'),
      'environments.prd.verify.steps[0].kubernetes.context: "--kubeconfig=x" does not fit; name a context of the kubeconfig',
    ],
    [
      steps("prometheus: { url: 'https://p/', query: up }"),
      'environments.prd.verify.steps[0].prometheus: it has neither min nor max; say which values pass: max: 0.01',
    ],
    [
      "verify: { timeout: 1m, steps: [{ name: one, prometheus: { url: 'https://p/', query: up, min: 1, during: 1m } }] }",
      'environments.prd.verify.steps[0].prometheus.during: "1m" does not fit into the timeout; write a shorter one, or a longer timeout',
    ],
  ])('%s', (keys, expected) => {
    expect(mistakes(keys)).toEqual([expected]);
  });
});

describe('approvals on the forge', () => {
  const forge = (approvals: string) => `pullRequest: true, gates: { approvals: ${approvals} }`;

  test('are a number of people', () => {
    const gates = parseConfig(configured(forge('{ forge: 2 }'))).environments.get('prd')?.gates;
    expect(gates).toMatchObject({ reviews: 2, approvals: undefined });
  });

  test.each<[string, string]>([
    [
      'gates: { approvals: { forge: 2 } }',
      'environments.prd.gates.approvals: reviews are of pull requests, and releases do not go by them; set pullRequest: true',
    ],
    [forge('{ forge: 0 }'), 'environments.prd.gates.approvals.forge: 0 is out of range; write a number from 1 to 20'],
    [
      forge('{ forge: 2, by: [ana@example.com] }'),
      'environments.prd.gates.approvals.by: by was given beside forge; remove it, or forge',
    ],
  ])('%s', (keys, expected) => {
    expect(mistakes(keys)).toEqual([expected]);
  });
});
