// Steps over real parts: HTTP servers on loopback, programs, a kubectl that is written here, and Prometheus's own answers.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLinkLocal } from '../../src/http/addresses.ts';
import { parseDigest } from '../../src/model/digest.ts';
import { parseObjectId } from '../../src/model/object-id.ts';
import { parseTag } from '../../src/model/reference.ts';
import type {
  CommandStep,
  HttpStep,
  KubernetesStep,
  PrometheusStep,
  VerifyStep,
} from '../../src/model/verification.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import { readJunit } from '../../src/verify/junit.ts';
import { judgePods, notRolledOut, selectorOf } from '../../src/verify/kubernetes.ts';
import type { Answer, Probe, VerifyTarget } from '../../src/verify/verify.ts';
import { type SmallServer, startSmallServer } from '../support/verifier.ts';

const V42 = parseDigest(`sha256:${'42'.repeat(32)}`);
const OTHER = `sha256:${'40'.repeat(32)}`;
const DJANGO = {
  name: 'django',
  repository: 'registry.example.org/shop/django',
  version: parseTag('V4.2'),
  digest: V42,
};

type Files = Readonly<Record<string, string>>;

function target(files: Files = {}, more: Partial<VerifyTarget> = {}): VerifyTarget {
  return {
    environment: 'prd',
    application: undefined,
    images: [DJANGO],
    release: { sequence: 7, commit: parseObjectId('0123456789012345678901234567890123456789') },
    async *files() {
      for (const [path, text] of Object.entries(files)) {
        yield { path, content: new TextEncoder().encode(text), isExecutable: path.endsWith('.sh') };
      }
    },
    statuses: async () => [],
    ...more,
  };
}

let open: Probe[] = [];
let servers: SmallServer[] = [];
let stop: AbortController;

beforeEach(() => {
  stop = new AbortController();
});
afterEach(async () => {
  await Promise.all(open.map(async (probe) => probe.close()));
  await Promise.all(servers.map(async (server) => server.stop()));
  [open, servers] = [[], []];
});

function probe(about: VerifyTarget = target(), env: Files = {}): Probe {
  const own = { PATH: process.env['PATH'] ?? '', TAGFLOW_RUN: '1', ...env };
  const made = createVerifier({ env: own, signal: stop.signal, directory: tmpdir() }).open(about);
  open.push(made);
  return made;
}

async function serve(handle: http.RequestListener): Promise<SmallServer> {
  const server = await startSmallServer(handle);
  servers.push(server);
  return server;
}

async function said(step: VerifyStep, about?: VerifyTarget, env?: Files): Promise<Answer> {
  return probe(about, env).ask(step, 5000);
}

describe('step http', () => {
  const http = (url: string, more: Partial<HttpStep> = {}): HttpStep => ({
    kind: 'http',
    name: 'version',
    url,
    status: 200,
    contains: undefined,
    json: [],
    token: false,
    ...more,
  });
  const text = async (body: string, status = 200): Promise<string> =>
    (await serve((_, response) => response.writeHead(status).end(body))).origin;

  test('the version that was released is in the answer', async () => {
    const url = await text('shop V4.2\n');
    expect(await said(http(url, { contains: '{version}' }))).toEqual({ said: 'yes', seen: 'status 200, V4.2' });
    expect(await said(http(url, { contains: '{version:django}' }))).toMatchObject({ said: 'yes' });
    expect(await said(http(url, { contains: '{digest:django}' }))).toMatchObject({ said: 'no' });
  });

  test('another version is not yet the release', async () => {
    expect(await said(http(await text('V4.0'), { contains: '{version}' }))).toEqual({
      said: 'no',
      seen: 'the body does not hold V4.2: V4.0',
    });
  });

  test.each([
    ['V4.20', 'no'],
    ['V4.2.1', 'no'],
    ['V4.2-rc1', 'no'],
    ['14.2 V4.20, next V4.2', 'yes'],
    ['V4.2.', 'yes'],
    ['"V4.2"', 'yes'],
    ['V4.2-g1a2b3c', 'yes'],
    ['V4.2-release', 'yes'],
  ])('a version is looked for whole: in %s', async (body, answer) => {
    expect((await said(http(await text(body), { contains: '{version}' }))).said).toBe(answer);
  });

  test('a version inside of a longer number is another one', async () => {
    const of = (version: string) => ({ ...target(), images: [{ ...target().images[0]!, version: version as never }] });
    for (const [body, answer] of [
      ['14.2', 'no'],
      ['1.4.2', 'no'],
      ['v4.2', 'yes'],
      ['shop-4.2', 'yes'],
    ] as const) {
      expect((await said(http(await text(body), { contains: '{version}' }), of('4.2'))).said).toBe(answer);
    }
    const url = await text('version=4.20;');
    expect((await said(http(url, { contains: 'version={version}' }), of('4.2'))).said).toBe('no');
    expect((await said(http(url, { contains: 'version={version}0;' }), of('4.2'))).said).toBe('yes');
  });

  test('a field of JSON is compared whole, and its own keys alone are looked at', async () => {
    const url = await text('{"build":{"version":"V4.2","n":3}}');
    const json = (path: string, equals: string) => http(url, { json: [{ path: path.split('.'), equals }] });
    expect(await said(json('build.version', '{version}'))).toMatchObject({ said: 'yes' });
    expect(await said(json('build.n', '3'))).toMatchObject({ said: 'yes' });
    expect(await said(json('build.version', 'V4'))).toEqual({ said: 'no', seen: 'build.version is "V4.2", not V4' });
    expect(await said(json('build.constructor', ''))).toMatchObject({ said: 'no' });
    expect(await said(json('nothing', ''))).toEqual({ said: 'no', seen: 'nothing is absent, not ' });
  });

  test('another status is a no, and a server in trouble is no answer', async () => {
    expect(await said(http(await text('', 404)))).toEqual({ said: 'no', seen: 'status 404, not 200' });
    expect(await said(http(await text('', 503)))).toEqual({ said: 'nothing', seen: 'status 503, not 200' });
    expect(await said(http(await text('', 503), { status: 503 }))).toMatchObject({ said: 'yes' });
  });

  test('redirects are answers, and are not followed', async () => {
    const other = await serve((_, response) => response.end('V4.2'));
    const server = await serve((_, response) => response.writeHead(302, { location: other.origin }).end());
    expect(await said(http(server.origin))).toEqual({ said: 'no', seen: 'status 302, not 200' });
    expect(other.requests).toEqual([]);
  });

  test('3 GB of an answer are not taken', async () => {
    let sent = 0;
    const server = await serve((_, response) => {
      const chunk = Buffer.alloc(65_536, 'x');
      const send = (): void => {
        while (sent < 3e9 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', send);
        }
      };
      send();
    });
    expect(await said(http(server.origin))).toMatchObject({ said: 'yes' });
    expect(await said(http(server.origin, { contains: '{version}' }))).toMatchObject({ said: 'no' });
    expect(sent).toBeLessThan(1e8);
  });

  test('a server that hangs is no answer', async () => {
    const server = await serve(() => undefined);
    expect(await probe().ask(http(server.origin), 100)).toEqual({
      said: 'nothing',
      seen: `${new URL(server.origin).host} did not answer within 0.1 s`,
    });
  });

  test('nobody who listens is no answer', async () => {
    const server = await startSmallServer(() => undefined);
    await server.stop();
    expect(await said(http(server.origin))).toMatchObject({
      said: 'nothing',
      seen: expect.stringContaining('refused'),
    });
  });

  test('values are percent-encoded in URLs', async () => {
    const server = await serve((_, response) => response.end());
    const strange = { ...DJANGO, version: 'V 1/../x?y' as typeof DJANGO.version };
    await said(http(`${server.origin}/v/{version}`), target({}, { images: [strange] }));
    expect(server.requests).toEqual(['GET /v/V%201%2F..%2Fx%3Fy']);
  });

  test('no token goes along but the one that is asked for, to the host that the caller names', async () => {
    const server = await serve((_, response) => response.end());
    const { host } = new URL(server.origin);
    const secrets = {
      TAGFLOW_GIT_TOKEN: 'git-secret',
      TAGFLOW_FORGE_TOKEN: 'forge-secret',
      GITHUB_TOKEN: 'gh-secret',
      CI_JOB_TOKEN: 'job-secret',
      TAGFLOW_VERIFY_TOKEN: 'verify-secret',
    };
    await said(http(server.origin), undefined, { ...secrets, TAGFLOW_VERIFY_HOST: host });
    await said(http(server.origin, { token: true }), undefined, secrets);
    await said(http(server.origin, { token: true }), undefined, {
      ...secrets,
      TAGFLOW_VERIFY_HOST: 'shop.example.com',
    });
    await said(http(server.origin, { token: true }), undefined, { ...secrets, TAGFLOW_VERIFY_HOST: host });
    expect(server.requests).toEqual(['GET /', 'GET /', 'GET /', 'GET / Bearer verify-secret']);
  });

  test('what a server echoes of the token is not in the result', async () => {
    const server = await serve((request, response) => response.end(`you sent ${request.headers.authorization}`));
    const { host } = new URL(server.origin);
    const env = { TAGFLOW_VERIFY_TOKEN: 'verify-secret', TAGFLOW_VERIFY_HOST: host };
    const { seen } = await said(http(server.origin, { token: true, contains: '{version}' }), undefined, env);
    expect(seen).toMatch(/you sent Bearer/);
    expect(seen).not.toContain('verify-secret');
  });

  test('beyond this machine nothing is asked without the caller’s permission, or with --config', async () => {
    const step = http('https://shop.example.com/version');
    expect(await said(step, undefined, { TAGFLOW_RUN: '' })).toEqual({
      said: 'nothing',
      seen: 'the caller has not allowed it: set TAGFLOW_RUN=1',
    });
    expect(await said(step, target({}, { distrust: 'not the trunk’s' }))).toEqual({
      said: 'nothing',
      seen: 'not the trunk’s',
    });
  });

  test.each(['http://169.254.169.254/latest/meta-data', 'http://[fe80::1]/', 'http://metadata.google.internal/'])(
    'link-local and metadata addresses are never asked: %s',
    async (url) => {
      expect(isLinkLocal(new URL(url).hostname)).toBe(true);
      expect(await said(http(url))).toMatchObject({ said: 'nothing', seen: expect.stringContaining('never asked') });
    },
  );

  test('a release of several images needs the name of one', async () => {
    const two = target({}, { images: [DJANGO, { ...DJANGO, name: 'worker' }] });
    expect(await said(http('http://127.0.0.1:1/{version}'), two)).toEqual({
      said: 'nothing',
      seen: 'http://127.0.0.1:1/{version} cannot be filled in for this release',
    });
  });
});

describe('step command', () => {
  const command = (...words: readonly [string, ...string[]]): CommandStep => ({
    kind: 'command',
    name: 'smoke',
    command: words,
    junit: undefined,
    env: [],
  });
  const script = (...lines: readonly string[]): Files => ({
    'verify/smoke.sh': ['#!/bin/sh', ...lines, ''].join('\n'),
  });
  const SMOKE = command('verify/smoke.sh', 'a b');

  test('exit code 0 is a yes, and the last line is what was seen', async () => {
    const files = script('echo "looking at $1"', 'echo all well');
    expect(await said(SMOKE, target(files))).toEqual({ said: 'yes', seen: 'all well', exitCode: 0 });
  });

  test('any other exit code is a no', async () => {
    const files = script('echo "cart is empty" >&2', 'exit 3');
    expect(await said(SMOKE, target(files))).toEqual({ said: 'no', seen: 'exit code 3: cart is empty', exitCode: 3 });
  });

  test('a program that is not there is no answer', async () => {
    expect(await said(SMOKE, target())).toMatchObject({ said: 'nothing' });
    expect(await said(command('tagflow-has-no-such-program'))).toMatchObject({ said: 'nothing' });
  });

  test('it knows the release, has the variables that are named, and none of the secrets', async () => {
    const files = script('env | sort');
    const step = { ...SMOKE, env: ['SHOP_TOKEN'] };
    const out = script('env > "$HOME/all"', 'tr "\\n" ";" < "$HOME/all"');
    expect(files).toBeDefined();
    const { seen } = await said(step, target(out), {
      SHOP_TOKEN: 'mine',
      OTHER: 'no',
      TAGFLOW_GIT_TOKEN: 'git-secret',
      CI_JOB_TOKEN: 'job-secret',
      GITHUB_TOKEN: 'gh-secret',
    });
    expect(seen).not.toMatch(/secret|OTHER/);
    const more = script('echo "$TAGFLOW_ENVIRONMENT $TAGFLOW_RELEASE $TAGFLOW_VERSION $SHOP_TOKEN $TAGFLOW_IMAGES"');
    const shown = (await said(step, target(more), { SHOP_TOKEN: 'mine-and-mine-alone' })).seen;
    expect(shown).not.toContain('mine-and-mine-alone');
    expect(shown.startsWith('prd 7 V4.2 ')).toBe(true);
    expect(shown.endsWith(JSON.stringify([DJANGO]))).toBe(true);
  });

  test('a program that hangs is ended with everything it started, and is no answer', async () => {
    const files = script('sleep 300 &', 'sleep 300');
    const started = performance.now();
    expect(await probe(target(files)).ask(SMOKE, 300)).toEqual({
      said: 'nothing',
      seen: 'verify/smoke.sh: it was ended after 0.3 s',
    });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a program that writes without end is held in little memory', async () => {
    const files = script('head -c 300000000 /dev/zero | tr "\\0" x', 'echo; echo done');
    expect(await probe(target(files)).ask(SMOKE, 60_000)).toEqual({ said: 'yes', seen: 'done', exitCode: 0 });
  });

  test('a stop ends the program', async () => {
    const files = script('sleep 300');
    const asking = probe(target(files)).ask(SMOKE, 60_000);
    setTimeout(() => stop.abort(new Error('stopped')), 100);
    await expect(asking).rejects.toThrow('stopped');
  });

  test('nothing starts without the caller’s permission, or with --config', async () => {
    const files = script('touch "$TMPDIR/started"');
    expect(await said(SMOKE, target(files), { TAGFLOW_RUN: '' })).toMatchObject({ said: 'nothing' });
    expect(await said(SMOKE, target(files, { distrust: 'not the trunk’s' }))).toMatchObject({ said: 'nothing' });
  });

  test('the copy of the tree is removed in the end', async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('tagflow-run-')).length;
    const made = probe(target(script('true')));
    await made.ask(SMOKE, 5000);
    await made.close();
    const after = (await readdir(tmpdir())).filter((name) => name.startsWith('tagflow-run-')).length;
    expect(after).toBeLessThanOrEqual(before);
  });

  describe('with results in JUnit XML', () => {
    const step = { ...SMOKE, junit: 'out/results.xml' };
    const writes = (xml: string, exit = 0): Files => ({
      ...script(`mkdir -p out; cp given.xml out/results.xml; exit ${exit}`),
      'given.xml': xml,
    });
    const good =
      '<testsuites><testsuite name="s"><testcase name="a"/><testcase name="b"></testcase></testsuite></testsuites>';
    const bad =
      '<testsuite><testcase name="cart &lt;3"><failure message="x">no</failure></testcase><testcase name="b"/></testsuite>';

    test.each<[string, Files, Answer]>([
      ['all passed', writes(good), { said: 'yes', seen: '2 tests passed' }],
      ['one failed', writes(bad), { said: 'no', seen: '1 of 2 tests failed: cart <3' }],
      ['one failed, exit code 1', writes(bad, 1), { said: 'no', seen: '1 of 2 tests failed: cart <3' }],
      [
        'exit code 1 without a failed test',
        writes(good, 1),
        { said: 'no', seen: 'exit code 1, though no test failed' },
      ],
      ['none written', script('echo hm'), { said: 'nothing', seen: 'it wrote no out/results.xml: hm' }],
      ['no test in it', writes('<testsuite/>'), { said: 'nothing', seen: 'out/results.xml has no test in it' }],
      [
        'a pipe',
        script('mkdir -p out; mkfifo out/results.xml'),
        { said: 'nothing', seen: 'out/results.xml is not a file' },
      ],
      ['no JUnit', writes('<html>'), { said: 'nothing', seen: 'out/results.xml is not JUnit XML' }],
    ])('%s', async (_, files, answer) => {
      expect(await said(step, target(files))).toEqual(answer);
    });

    test('output of tests is not taken for results', () => {
      const xml =
        '<testsuite><testcase name="a"><system-out><![CDATA[<failure/>]]></system-out></testcase><!-- <error/> --></testsuite>';
      expect(readJunit(xml)).toEqual({ tests: 1, failed: [] });
    });
  });
});

describe('step prometheus', () => {
  const step = (url: string, more: Partial<PrometheusStep> = {}): PrometheusStep => ({
    kind: 'prometheus',
    name: 'errors',
    url,
    query: 'sum(rate(errors{version="{version}"}[1m]))',
    min: undefined,
    max: 0.01,
    duringMs: 0,
    token: false,
    ...more,
  });
  const vector = (...values: readonly string[]): string =>
    JSON.stringify({
      status: 'success',
      data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1.5, value] })) },
    });

  test.each<[string, string, Partial<PrometheusStep>, Answer]>([
    ['within bounds', vector('0.001'), {}, { said: 'yes', seen: '0.001' }],
    ['above', vector('0', '0.5'), {}, { said: 'no', seen: '0.5 is above 0.01' }],
    ['below', vector('1'), { max: undefined, min: 2 }, { said: 'no', seen: '1 is below 2' }],
    ['no data', vector(), {}, { said: 'nothing', seen: 'the query has no data' }],
    ['no number', vector('NaN'), {}, { said: 'nothing', seen: 'a value is not a number (NaN)' }],
    ['infinity', vector('+Inf'), {}, { said: 'no', seen: 'Infinity is above 0.01' }],
    [
      'a scalar',
      '{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}',
      {},
      { said: 'yes', seen: '0' },
    ],
    [
      'its own error',
      '{"status":"error","error":"parse error"}',
      {},
      { said: 'nothing', seen: 'Prometheus says: parse error' },
    ],
    ['something else', '<html>', {}, { said: 'nothing', seen: 'status 200, and no result of an instant query' }],
  ])('%s', async (_, body, more, answer) => {
    const server = await serve((_request, response) => response.end(body));
    expect(await said(step(server.origin, more))).toEqual(answer);
    expect(server.requests[0]).toContain('/api/v1/query?query=sum%28rate%28errors%7Bversion%3D%22V4.2%22%7D');
  });
});

describe('step kubernetes', () => {
  const step: KubernetesStep = {
    kind: 'kubernetes',
    name: 'rollout',
    context: 'prd',
    namespace: 'shop',
    workload: 'deployment/web',
  };
  const deployment = (status: object, spec: object = {}) => ({
    kind: 'Deployment',
    metadata: { generation: 2 },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, ...spec },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2, ...status },
  });
  const pod = (digest: string, more: object = {}) => ({
    metadata: { name: 'web-1', ...more },
    status: {
      phase: 'Running',
      containerStatuses: [
        { name: 'proxy', image: 'envoy:1', imageID: `docker.io/envoy@${OTHER}` },
        { name: 'web', image: `${DJANGO.repository}:V4.2`, imageID: `${DJANGO.repository}@${digest}` },
      ],
    },
  });

  test.each<[string, object, string | undefined]>([
    ['complete', {}, undefined],
    ['not taken up', { observedGeneration: 1 }, 'its change was not taken up yet'],
    ['half updated', { updatedReplicas: 1 }, '1 of 2 Pods are updated'],
    ['old Pods', { replicas: 3 }, '1 old Pods are still there'],
    ['not available', { availableReplicas: 0 }, '0 of 2 Pods are available'],
  ])('a rollout that is %s', (_, status, lacks) => {
    expect(notRolledOut(deployment(status))).toBe(lacks);
  });

  test('every running Pod has the digest of the release', () => {
    const judged = (...items: readonly ReturnType<typeof pod>[]) => judgePods({ items: [...items] }, target());
    expect(judged(pod(V42), pod(V42))).toEqual({ said: 'yes', seen: '2 Pods run django by digest' });
    expect(judged(pod(V42), pod(OTHER))).toMatchObject({ said: 'no', seen: expect.stringContaining('not V4.2') });
    expect(judged(pod(V42), pod(OTHER, { deletionTimestamp: '2026-11-30T00:00:00Z' }))).toMatchObject({ said: 'yes' });
    expect(judged()).toEqual({ said: 'no', seen: 'no Pod runs' });
  });

  test('Pods without an image of the release are not among them', () => {
    const strange = pod(V42);
    strange.status.containerStatuses.pop();
    expect(judgePods({ items: [strange] }, target())).toMatchObject({ said: 'no' });
  });

  test('selectors of every kind', () => {
    expect(
      selectorOf({
        matchLabels: { app: 'web' },
        matchExpressions: [
          { key: 'tier', operator: 'In', values: ['a', 'b'] },
          { key: 'old', operator: 'DoesNotExist' },
        ],
      }),
    ).toBe('app=web,tier in (a,b),!old');
    expect(selectorOf({})).toBeUndefined();
    expect(selectorOf({ matchExpressions: [{ key: 'x', operator: 'Near' }] })).toBeUndefined();
  });

  describe('through a kubectl', () => {
    let folder: string;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kubectl-'));
      await mkdir(join(folder, 'bin'));
    });
    afterEach(async () => rm(folder, { recursive: true }));

    async function kubectl(...lines: readonly string[]): Promise<Files> {
      await writeFile(join(folder, 'bin/kubectl'), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
      await writeFile(join(folder, 'workload.json'), JSON.stringify(deployment({})));
      await writeFile(join(folder, 'pods.json'), JSON.stringify({ items: [pod(V42)] }));
      return { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, TAGFLOW_GIT_TOKEN: 'secret' };
    }
    const answers = () => [
      `echo "$*|$TAGFLOW_GIT_TOKEN" >> ${folder}/log`,
      `case "$*" in *pods*) cat ${folder}/pods.json;; *) cat ${folder}/workload.json;; esac`,
    ];

    test('the context, the namespace and the workload are asked for, and no secret goes along', async () => {
      expect(await said(step, undefined, await kubectl(...answers()))).toEqual({
        said: 'yes',
        seen: '1 Pods run django by digest',
      });
      const { readFile } = await import('node:fs/promises');
      expect((await readFile(join(folder, 'log'), 'utf8')).split('\n').slice(0, 2)).toEqual([
        '--context=prd --namespace=shop --request-timeout=5s get deployment/web --output=json|',
        expect.stringMatching(/get pods --selector=app=web --output=json\|$/),
      ]);
    });

    test('a kubectl that fails gives no answer, in its words', async () => {
      expect(await said(step, undefined, await kubectl('echo "Unable to connect to the server" >&2; exit 1'))).toEqual({
        said: 'nothing',
        seen: 'kubectl: Unable to connect to the server',
      });
    });

    test('what an application is called cannot become an option', async () => {
      const templated = { ...step, workload: 'deployment/{application}' };
      const about = target({}, { application: '--all' });
      expect(await said(templated, about, await kubectl(...answers()))).toMatchObject({ said: 'nothing' });
    });
  });
});

describe('step status', () => {
  const step = { kind: 'status', name: 'synced', status: 'kustomization/shop' } as const;
  const status = (name: string, state: 'success' | 'failure' | 'pending', description = '') => ({
    name,
    state,
    description,
  });
  const about = (...found: readonly ReturnType<typeof status>[]) => target({}, { statuses: async () => found });

  test.each<[string, VerifyTarget, Answer]>([
    [
      'success',
      about(status('kustomization/shop/1a2b', 'success', 'applied')),
      { said: 'yes', seen: 'kustomization/shop/1a2b: success: applied' },
    ],
    [
      'failure of one of two',
      about(status('kustomization/shop/1', 'success'), status('kustomization/shop/2', 'failure')),
      { said: 'no', seen: 'kustomization/shop/2: failure' },
    ],
    [
      'pending',
      about(status('kustomization/shop', 'pending')),
      { said: 'nothing', seen: 'kustomization/shop: pending' },
    ],
    [
      'another',
      about(status('kustomization/shopping', 'success')),
      { said: 'nothing', seen: 'the forge has no status kustomization/shop yet' },
    ],
  ])('%s', async (_, found, answer) => {
    expect(await said(step, found)).toEqual(answer);
  });
});
