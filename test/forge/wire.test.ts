// What the adapters make of a wire that fails: lost answers, failures, rate limits, silence, redirects, rubbish; and what
// GitHub and GitLab each have of their own.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Forge, PullRequestDraft } from '../../src/forge/forge.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { failureOf } from '../support/failure.ts';
import { FORGE_TOKENS } from '../support/forge-server.ts';
import { OPENING, type WireWorld, createWireWorld } from './world.ts';

const MAIN = 'main' as BranchName;
const SIDE = 'tagflow/prd/8-1a2b3c4d5e6f' as BranchName;
const DRAFT: PullRequestDraft = { branch: SIDE, target: MAIN, title: 'release 8 of prd', body: 'two images' };
const LISTING = { github: /^GET .*\/pulls$/, gitlab: /^GET .*\/merge_requests$/ } as const;
const CLOSING = { github: /^PATCH /, gitlab: /^PUT / } as const;
const COMMENTING = { github: /^POST .*\/comments$/, gitlab: /^POST .*\/notes$/ } as const;
const REMOVING = /^DELETE /;

const json = (status: number, headers: Readonly<Record<string, string>> = {}, message = 'as a test wants it') => ({
  status,
  headers,
  body: { message },
});

describe.each(['github', 'gitlab'] as const)('%s on a bad wire', (kind) => {
  let world: WireWorld;
  let forge: Forge;
  let head: ObjectId;
  beforeEach(async () => {
    world = await createWireWorld(kind);
    forge = world.forge();
    head = await world.commit(SIDE, { 'app.yaml': 'v2\n' });
  });
  afterEach(async () => world.stop());

  const sent = (line: RegExp): number => world.server.requests.filter((request) => line.test(request.line)).length;

  it('lists the newest of many commits, and counts them all', async () => {
    const from = (await world.head(SIDE))!;
    const stream = Array.from({ length: 203 }, (_, index) => {
      const message = `change ${index + 1}`;
      const parent = index === 0 ? `from ${from}\n` : '';
      return `commit refs/heads/many\ncommitter Ana <ana@example.org> ${1_790_000_000 + index} +0000\ndata ${message.length}\n${message}\n${parent}\n`;
    });
    await world.server.repository.git(['fast-import', '--quiet'], stream.join(''));
    const to = (await world.head('many'))!;
    const found = await forge.compare('acme/app', { from, to });
    expect(found).toMatchObject({ direction: 'forward', total: 203 });
    expect(found?.commits.map(({ message }) => message.trim())).toEqual(
      Array.from({ length: 100 }, (_, index) => `change ${203 - index}`),
    );
    expect(sent(/compare/)).toBe(kind === 'github' ? 3 : 2);
  });

  describe('writes', () => {
    it.each(['drop', 502, 504] as const)('finds the one it opened when the response was lost: %s', async (answer) => {
      world.server.intercept(OPENING[kind], async (_request, next) => {
        await next();
        return answer === 'drop' ? 'drop' : json(answer);
      });
      expect(await forge.open(DRAFT)).toMatchObject({ number: 1, head });
      expect(sent(OPENING[kind])).toBe(1);
    });

    it.each(['drop', 500, 503] as const)('does not repeat an opening that failed: %s', async (answer) => {
      world.server.intercept(OPENING[kind], () => (answer === 'drop' ? 'drop' : json(answer)));
      expect(await failureOf(forge.open(DRAFT))).toMatchObject({ code: 'forge-unavailable' });
      expect(sent(OPENING[kind])).toBe(1);
    });

    it('opens it once the forge has seen the branch', async () => {
      const unseen =
        kind === 'github'
          ? { message: 'Validation Failed', errors: [{ resource: 'PullRequest', field: 'head', code: 'invalid' }] }
          : { message: { source_branch: ['does not exist'] } };
      world.server.intercept(OPENING[kind], () => ({ status: kind === 'github' ? 422 : 400, body: unseen }), 2);
      expect(await forge.open(DRAFT)).toMatchObject({ number: 1 });
      expect(world.clock.sleeps).toEqual([500, 1500]);
    });

    it('takes the one that somebody else opened at the same moment', async () => {
      world.server.intercept(OPENING[kind], async (_request, next) => {
        await next();
        return next();
      });
      expect(await forge.open(DRAFT)).toMatchObject({ number: 1 });
      expect(await world.kept()).toHaveLength(1);
    });

    it.each([
      ['the comment', COMMENTING[kind]],
      ['the closing', CLOSING[kind]],
      ['the removal', REMOVING],
    ])('closes it once when an answer was lost: %s', async (_what, line) => {
      const opened = await forge.open(DRAFT);
      world.server.intercept(line, async (_request, next) => {
        await next();
        return 'drop' as const;
      });
      await forge.close(opened, 'superseded by #13');
      expect(await world.kept()).toMatchObject([{ state: 'closed', comments: ['superseded by #13'] }]);
      expect(await world.head(SIDE)).toBeUndefined();
      expect(sent(line)).toBe(1);
    });

    it.each([
      ['the comment', COMMENTING[kind]],
      ['the closing', CLOSING[kind]],
      ['the removal', REMOVING],
    ])('says so when it could not be done: %s', async (_what, line) => {
      const opened = await forge.open(DRAFT);
      world.server.intercept(line, () => json(502));
      expect(await failureOf(forge.close(opened, 'why'))).toMatchObject({ code: 'forge-unavailable' });
      expect(sent(line)).toBe(1);
    });

    it('says so when the branch may not be removed', async () => {
      const opened = await forge.open(DRAFT);
      world.server.intercept(REMOVING, () => json(422, {}, 'rules of the repository'));
      const error = await failureOf(forge.close(opened, 'why'));
      expect(error).toMatchObject({ code: 'forge-refused', why: expect.stringContaining('rules of the repository') });
    });

    it('leaves the branch of one that is merged while it is being closed', async () => {
      const opened = await forge.open(DRAFT);
      world.server.intercept(CLOSING[kind], async (_request, next) => {
        await world.server.merge(opened.number, 'merge', { removeBranch: false });
        return next();
      });
      await forge.close(opened, 'superseded by #13');
      expect(await world.kept()).toMatchObject([{ state: 'merged' }]);
      expect(await world.head(SIDE)).toBe(head);
    });
  });

  describe('reads', () => {
    it.each(['drop', 500, 502, 503] as const)('tries again: %s', async (answer) => {
      world.server.intercept(LISTING[kind], () => (answer === 'drop' ? 'drop' : json(answer)), 3);
      expect(await forge.openOnto(MAIN)).toEqual([]);
      expect(world.clock.sleeps).toEqual([165, 330, 660]);
    });

    it('gives up after four', async () => {
      world.server.intercept(LISTING[kind], () => json(503, {}, 'we are\u001b[31m busy'));
      const error = await failureOf(forge.openOnto(MAIN));
      expect(error).toMatchObject({ code: 'forge-unavailable', why: String.raw`it answered 503: we are\x1b[31m busy` });
      expect(sent(LISTING[kind])).toBe(4);
    });

    it('gives up on silence', async () => {
      world.server.intercept(LISTING[kind], () => 'hang');
      const error = await failureOf(world.with({ requestTimeoutMs: 100 }).openOnto(MAIN));
      expect(error).toMatchObject({ code: 'forge-unavailable', why: 'no answer came within 0.1 s' });
      expect(sent(LISTING[kind])).toBe(4);
    });

    it('does not go round in circles', async () => {
      const headers = { link: '<http://127.0.0.1/>; rel="next"', 'x-next-page': '2' };
      world.server.intercept(LISTING[kind], () => ({ status: 200, headers, body: [] }));
      expect(await failureOf(forge.openOnto(MAIN))).toMatchObject({ code: 'forge-answer-invalid' });
      expect(sent(LISTING[kind])).toBe(100);
    });

    it.each([
      ['a login page', '<html>who are you?</html>'],
      ['something else', { hello: 'world' }],
      ['a list of something else', [{ id: 1 }]],
    ])('does not take it for an answer: %s', async (_what, body) => {
      world.server.intercept(LISTING[kind], () => ({ status: 200, body }));
      expect(await failureOf(forge.openOnto(MAIN))).toMatchObject({ code: 'forge-answer-invalid' });
    });

    it('shows no address that would do something to a terminal', async () => {
      await forge.open(DRAFT);
      world.server.intercept(LISTING[kind], async (_request, next) => {
        const [one] = (await next()).body as readonly object[];
        const page = 'https://forge.example.org/a\u001b[31m/\u202e1';
        return { status: 200, body: [{ ...one, html_url: page, web_url: page }] };
      });
      expect(await forge.openOnto(MAIN)).toMatchObject([{ url: 'https://forge.example.org/a%1B[31m/%E2%80%AE1' }]);
    });

    it('says that the repository is hidden or not there', async () => {
      const error = await failureOf(world.with({ project: 'acme/none' }).openOnto(MAIN));
      expect(error).toMatchObject({ code: 'forbidden', fix: expect.stringContaining("check the remote's URL") });
    });

    it('says that nothing is there', async () => {
      const { port } = await freePort();
      const error = await failureOf(world.with({ api: new URL(`http://127.0.0.1:${port}/api/v4`) }).openOnto(MAIN));
      expect(error).toMatchObject({ code: 'forge-unavailable', why: expect.stringContaining('ECONNREFUSED') });
    });
  });

  describe('limits', () => {
    it.each([
      ['reading', LISTING[kind]],
      ['opening', OPENING[kind]],
    ])('waits as long as it is asked to: %s', async (_what, line) => {
      world.server.intercept(line, () => json(429, { 'retry-after': '7' }), 2);
      expect(await forge.open(DRAFT)).toMatchObject({ number: 1 });
      expect(world.clock.sleeps).toEqual([7000, 7000]);
      expect(await world.kept()).toHaveLength(1);
    });

    it.each([
      ['too long a wait', { 'retry-after': '3600' }, '2026-01-01T01:00:00Z', []],
      ['a wait that never ends', { 'retry-after': '40' }, '2026-01-01T00:02:00Z', [40_000, 40_000]],
    ])('does not wait for ever: %s', async (_what, headers, until, sleeps) => {
      world.server.intercept(LISTING[kind], () => json(429, headers));
      const error = await failureOf(forge.openOnto(MAIN));
      expect(error).toMatchObject({ code: 'forge-unavailable', why: expect.stringContaining(until) });
      expect(world.clock.sleeps).toEqual(sleeps);
    });
  });

  describe('being told to stop', () => {
    it('cuts a read off', async () => {
      const stop = new AbortController();
      world.server.intercept(LISTING[kind], () => {
        stop.abort();
        return 'hang';
      });
      const error = await failureOf(world.forge({ signal: stop.signal }).openOnto(MAIN));
      expect(error.code).toBe('interrupted');
    });

    it('waits for the answer to a write', async () => {
      const stop = new AbortController();
      world.server.intercept(OPENING[kind], async (_request, next) => {
        stop.abort();
        return next();
      });
      expect(await world.forge({ signal: stop.signal }).open(DRAFT)).toMatchObject({ number: 1 });
    });

    it('does not wait for ever for it', async () => {
      const stop = new AbortController();
      world.server.intercept(OPENING[kind], () => {
        stop.abort();
        return 'hang';
      });
      const error = await failureOf(world.with({ signal: stop.signal, stopGraceMs: 50 }).open(DRAFT));
      expect(error.code).toBe('interrupted');
    });

    it('does not wait out a limit', async () => {
      const stop = new AbortController();
      world.server.intercept(LISTING[kind], () => {
        stop.abort();
        return json(429, { 'retry-after': '7' });
      });
      expect((await failureOf(world.forge({ signal: stop.signal }).openOnto(MAIN))).code).toBe('interrupted');
    });
  });

  describe('the token', () => {
    it('goes in a header of its own, and nowhere else', async () => {
      await forge.close(await forge.open(DRAFT), 'no more');
      for (const { line, query, body, headers } of world.server.requests) {
        expect(line + query.toString() + JSON.stringify(body)).not.toContain(FORGE_TOKENS.writer);
        const carrying = Object.entries(headers).filter(([, value]) => value?.includes(FORGE_TOKENS.writer));
        expect(carrying.map(([name]) => name)).toEqual([kind === 'github' ? 'authorization' : 'private-token']);
        expect(headers['user-agent']).toMatch(/^tagflow\b/);
      }
    });

    it('goes to no other host', async () => {
      const other = await listening();
      world.server.intercept(LISTING[kind], () => ({ status: 302, headers: { location: `${other.origin}/api` } }));
      const error = await failureOf(forge.openOnto(MAIN));
      expect(error).toMatchObject({
        code: 'forge-answer-invalid',
        message: expect.stringContaining(other.origin.slice(7)),
      });
      await other.stop();
      expect(other.lines).toEqual([]);
    });

    it.each([401, 403, 404, 418, 422, 429, 500])('is in no error, whatever the server says: %s', async (status) => {
      const { writer } = FORGE_TOKENS;
      const spelled = `${writer} ${Buffer.from(`x:${writer}`).toString('base64')} https://u:${writer}@host/`;
      world.server.intercept(/./, () => json(status, { 'retry-after': '3600' }, spelled));
      for (const call of [forge.openOnto(MAIN), forge.mayOpen()]) {
        const error = await failureOf(call);
        const told = [
          error.message,
          error.why,
          error.fix,
          error.stack,
          JSON.stringify(error.details),
          String(error.cause),
        ];
        expect(told.join('\n')).not.toContain(writer.slice(0, 20));
        expect(told.join('\n')).not.toContain(Buffer.from(`x:${writer}`).toString('base64').slice(4, 30));
      }
    });
  });

  it('cuts a title that is too long, and no character in two', async () => {
    await forge.open({ ...DRAFT, title: `a${'😀'.repeat(200)}` });
    const title = (await world.kept())[0]!.title;
    expect(title).toMatch(/^a(?:😀)+…$/u);
    expect(title.length).toBeGreaterThan(250);
    expect(title.isWellFormed()).toBe(true);
  });
});

describe('GitHub alone', () => {
  let world: WireWorld;
  beforeEach(async () => {
    world = await createWireWorld('github');
    await world.commit(SIDE, { 'app.yaml': 'v2\n' });
  });
  afterEach(async () => world.stop());

  // What it asks for is reported by its own clock.
  const date = 'Thu, 01 Jan 2026 03:00:00 GMT';
  const reset = (seconds: number): string => String(Date.UTC(2026, 0, 1, 3) / 1000 + seconds);

  it.each([
    ['the hour is used up', { date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset(30) }, '', 30_000],
    ['a secondary limit', { 'retry-after': '20' }, 'You have exceeded a secondary rate limit.', 20_000],
    ['a secondary limit without a time', {}, 'You have exceeded a secondary rate limit.', 60_000],
  ])('waits where a 403 is a limit: %s', async (_what, headers, message, wait) => {
    world.server.intercept(LISTING.github, () => json(403, headers, message), 1);
    expect(await world.forge().openOnto(MAIN)).toEqual([]);
    expect(world.clock.sleeps).toEqual([wait]);
  });

  it('names the time when the hour is used up for long', async () => {
    const headers = { date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset(1800) };
    world.server.intercept(LISTING.github, () => json(403, headers));
    const error = await failureOf(world.forge().openOnto(MAIN));
    expect(error).toMatchObject({ code: 'forge-unavailable', why: expect.stringContaining('2026-01-01T00:30:00Z') });
  });

  it('says nothing of its own where GitHub announces a change of its API', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    onTestFinished(() => warn.mockRestore());
    const headers = {
      deprecation: 'Sat, 01 Jan 2028 00:00:00 GMT',
      link: '<https://docs.example.org>; rel="deprecation"',
    };
    world.server.intercept(LISTING.github, async (_, next) => {
      const answer = await next();
      return { ...answer, headers: { ...answer.headers, ...headers } };
    });
    expect(await world.forge().openOnto(MAIN)).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('does not take every 403 for a limit', async () => {
    world.server.intercept(LISTING.github, () => json(403, { 'x-ratelimit-remaining': '4999' }));
    expect(await failureOf(world.forge().openOnto(MAIN))).toMatchObject({ code: 'forbidden' });
    expect(world.clock.sleeps).toEqual([]);
  });

  it('follows a repository that was renamed', async () => {
    const forge = world.with({ project: 'acme/old' });
    const opened = await forge.open(DRAFT);
    expect(await forge.openOnto(MAIN)).toEqual([opened]);
    await forge.close(opened, 'no more');
    expect(await world.kept()).toMatchObject([{ state: 'closed', comments: ['no more'] }]);
  });

  it('says that there is nothing to merge', async () => {
    await world.commit('twin', { 'app.yaml': 'v2\n' });
    await world.server.repository.move('twin', await world.head('main'));
    const error = await failureOf(world.forge().open({ ...DRAFT, branch: 'twin' as BranchName }));
    expect(error).toMatchObject({
      code: 'forge-refused',
      why: expect.stringContaining('No commits between main and twin'),
    });
  });

  it('cuts a text that is too long', async () => {
    await world.forge().open({ ...DRAFT, body: 'x'.repeat(70_000) });
    expect((await world.kept())[0]?.body).toHaveLength(65_536);
  });

  it.each([
    [undefined, 'unknown'],
    ['public_repo', 'no'],
    ['gist, repo', 'yes'],
  ] as const)('judges a token by its scopes: %s', async (scopes, granted) => {
    world.server.intercept(/^GET .*\/acme\/app$/, async (_request, next) => ({
      ...(await next()),
      headers: scopes === undefined ? {} : { 'x-oauth-scopes': scopes },
    }));
    expect(await world.forge().mayOpen()).toMatchObject({ granted });
  });

  it('leaves out one whose fork was removed', async () => {
    await world.forge().open(DRAFT);
    world.server.intercept(LISTING.github, async (_request, next) => {
      const answer = await next();
      const [one] = answer.body as readonly { readonly head: object }[];
      return { ...answer, body: [{ ...one, head: { ...one?.head, repo: null } }] };
    });
    expect(await world.forge().openOnto(MAIN)).toEqual([]);
  });
});

describe('GitLab alone', () => {
  let world: WireWorld;
  beforeEach(async () => {
    world = await createWireWorld('gitlab');
    await world.commit(SIDE, { 'app.yaml': 'v2\n' });
  });
  afterEach(async () => world.stop());

  it('gives it no commands', async () => {
    const forge = world.forge();
    const opened = await forge.open({ ...DRAFT, body: 'first\n/close\n  /merge\nand/or' });
    expect(await world.kept()).toMatchObject([{ state: 'open', body: 'first\n\\/close\n  \\/merge\nand/or' }]);
    await forge.close(opened, '/reopen');
    expect(await world.kept()).toMatchObject([{ comments: [String.raw`\/reopen`] }]);
  });

  it('has the branch removed by the merge', async () => {
    await world.forge().open(DRAFT);
    const posted = world.server.requests.find(({ line }) => OPENING.gitlab.test(line));
    expect(posted?.body).toMatchObject({ remove_source_branch: true });
  });

  it('says what a job token cannot do', async () => {
    const forge = world.with({ token: { value: FORGE_TOKENS.job, kind: 'job', from: 'CI_JOB_TOKEN' } });
    expect(await forge.mayOpen()).toMatchObject({ granted: 'no' });
    const error = await failureOf(forge.open(DRAFT));
    expect(error).toMatchObject({ code: 'unauthorized', message: expect.stringContaining('CI_JOB_TOKEN') });
    expect(error.fix).toMatch(/job token cannot open merge requests.*project access token.*TAGFLOW_FORGE_TOKEN/);
  });

  it.each([
    ['the scope', /\/self$/, { scopes: ['read_api'] }, 'no'],
    ['a token that tells nothing', /\/self$/, undefined, 'unknown'],
    [
      'the role',
      /projects\/[^/]*$/,
      { permissions: { project_access: null, group_access: { access_level: 20 } } },
      'no',
    ],
    [
      'a role by a shared group',
      /projects\/[^/]*$/,
      { permissions: { project_access: null, group_access: null } },
      'unknown',
    ],
  ] as const)('judges a token by %s', async (_what, line, body, granted) => {
    world.server.intercept(line, () => (body ? { status: 200, body } : json(404)));
    expect(await world.forge().mayOpen()).toMatchObject({ granted });
  });
});

async function listening() {
  const lines: string[] = [];
  const server = http.createServer((request, response) => {
    lines.push(`${request.method} ${request.url}`);
    response.end('[]');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  };
  return { origin: `http://127.0.0.1:${port}`, port, lines, stop };
}

/** A port where nothing listens any more. */
async function freePort(): Promise<{ readonly port: number }> {
  const server = await listening();
  await server.stop();
  return server;
}
