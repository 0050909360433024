// Tokens: how they are asked for, how long they are used, and which of them a refusal takes away.
import { describe, expect, it } from 'vitest';
import type { HttpRequest, HttpResponse } from '../../../src/http/http.ts';
import { createRedactor } from '../../../src/http/redact.ts';
import { createTokenSource, type TokenRequest } from '../../../src/registry/oci/token.ts';
import { createInstantClock } from '../../support/clock.ts';
import { failureOf } from '../../support/failure.ts';

const REALM = new URL('https://auth.example/token?account=ci');

function asking(change: Partial<TokenRequest> = {}): TokenRequest {
  return {
    realm: REALM,
    service: 'registry.example',
    scopes: ['repository:acme/app:pull'],
    owner: 'registry.example/acme/app',
    credential: undefined,
    ...change,
  };
}

/** A source whose server answers with `token-1`, `token-2`, …, or with what a test gives. */
function source(answer: { status?: number; body?: unknown } = {}) {
  const clock = createInstantClock();
  const requests: HttpRequest[] = [];
  const send = async (request: HttpRequest): Promise<HttpResponse> => {
    requests.push(request);
    const body = answer.body ?? { token: `token-${requests.length}` };
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return { status: answer.status ?? 200, headers: {}, body: bytes, url: request.url };
  };
  return { clock, requests, tokens: createTokenSource({ clock, redactor: createRedactor(), send }) };
}

/** The form that a request sends. */
function formOf(request: HttpRequest | undefined): URLSearchParams {
  return new URLSearchParams(request?.body instanceof Uint8Array ? Buffer.from(request.body).toString() : '');
}

describe('a token is asked for', () => {
  it('by GET, with the service and each scope beside what the realm has', async () => {
    const { tokens, requests } = source();
    await tokens.get(asking({ scopes: ['repository:a:pull', 'repository:b:pull'] }));
    expect(requests.map(({ method, url, headers }) => [method, url.href, headers])).toEqual([
      [
        'GET',
        'https://auth.example/token?account=ci&service=registry.example&scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull',
        { accept: 'application/json' },
      ],
    ]);
    expect(REALM.search).toBe('?account=ci');
  });

  it('without a service where the registry names none', async () => {
    const { tokens, requests } = source();
    await tokens.get(asking({ service: undefined }));
    await tokens.get(
      asking({ service: undefined, credential: { kind: 'identity-token', token: 'x' }, owner: 'other' }),
    );
    expect(requests[0]?.url.searchParams.has('service')).toBe(false);
    expect(formOf(requests[1]).has('service')).toBe(false);
  });

  it('with a password in Authorization', async () => {
    const { tokens, requests } = source();
    await tokens.get(asking({ credential: { kind: 'password', username: 'ana', password: 'p:w' } }));
    expect(requests[0]?.headers['authorization']).toBe(`Basic ${btoa('ana:p:w')}`);
  });

  it('with an identity token by POST, as a form', async () => {
    const { tokens, requests } = source();
    await tokens.get(asking({ credential: { kind: 'identity-token', token: 'secret' } }));
    expect(requests.map(({ method, url, headers }) => [method, url.href, headers])).toEqual([
      ['POST', REALM.href, { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }],
    ]);
    expect([...formOf(requests[0])]).toEqual([
      ['grant_type', 'refresh_token'],
      ['client_id', 'tagflow'],
      ['scope', 'repository:acme/app:pull'],
      ['service', 'registry.example'],
      ['refresh_token', 'secret'],
    ]);
  });
});

describe('a token is used', () => {
  it.each([
    ['60 s when none is said', undefined, 60],
    ['as long as is said', 300, 300],
    ['as long as is said in text', '300', 300],
    ['60 s when nonsense is said', 'soon', 60],
    ['60 s when none at all is left', 0, 60],
    ['60 s when it is over', -5, 60],
    ['60 s when it never ends', '1e999', 60],
  ])('for four fifths of its life: %s', async (_, lifetime, seconds) => {
    const body = { token: 'token', ...(lifetime !== undefined && { expires_in: lifetime }) };
    const { tokens, clock, requests } = source({ body });
    await tokens.get(asking());
    clock.advance(seconds * 800 - 1);
    await tokens.get(asking());
    expect(requests).toHaveLength(1);
    clock.advance(1);
    await tokens.get(asking());
    expect(requests).toHaveLength(2);
  });

  it.each<[string, Partial<TokenRequest>]>([
    ['another repository', { owner: 'registry.example/acme/web' }],
    ['other scopes', { scopes: ['repository:acme/app:pull,push'] }],
    ['another service', { service: 'other' }],
    ['another realm', { realm: new URL('https://auth.example/other') }],
  ])('for no %s', async (_, change) => {
    const { tokens } = source();
    expect([await tokens.get(asking()), await tokens.get(asking(change))]).toEqual(['token-1', 'token-2']);
  });

  it('by all who ask at once, and asked for again by those after a failure', async () => {
    const answer: { status?: number } = { status: 400 };
    const { tokens, requests } = source(answer);
    const both = [tokens.get(asking()), tokens.get(asking())];
    for (const one of both) expect(await failureOf(one)).toMatchObject({ code: 'unauthorized' });
    answer.status = 200;
    expect(await tokens.get(asking())).toBe('token-2');
    expect(requests).toHaveLength(2);
  });
});

describe('a token that a registry refused', () => {
  const pull = asking();
  const push = asking({ scopes: ['repository:acme/app:pull,push'] });
  const other = asking({ owner: 'registry.example/acme/web' });

  it('is forgotten with the older ones of its repository, and with no other', async () => {
    const { tokens } = source();
    const [first, second, third] = [await tokens.get(pull), await tokens.get(other), await tokens.get(push)];
    tokens.forget(third);
    expect(await tokens.get(other)).toBe(second);
    expect(await tokens.get(pull)).not.toBe(first);
    expect(await tokens.get(push)).not.toBe(third);
  });

  it('leaves the newer ones of its repository', async () => {
    const { tokens } = source();
    const [older, newer] = [await tokens.get(pull), await tokens.get(push)];
    tokens.forget(older);
    expect(await tokens.get(push)).toBe(newer);
    expect(await tokens.get(pull)).not.toBe(older);
  });

  it('leaves the one that took its place', async () => {
    const { tokens } = source();
    const refused = await tokens.get(pull);
    tokens.forget(refused);
    const next = await tokens.get(pull);
    tokens.forget(refused);
    expect(await tokens.get(pull)).toBe(next);
  });
});

describe('an answer without a token', () => {
  it.each([
    [300, 'credentials-unsafe'],
    [399, 'credentials-unsafe'],
    [400, 'unauthorized'],
    [503, 'unauthorized'],
  ])('of status %i is %s', async (status, code) => {
    expect(await failureOf(source({ status }).tokens.get(asking()))).toMatchObject({ code });
  });

  it.each([
    ['no JSON', 'token'],
    ['a list', []],
    ['an empty token', { token: '', access_token: '' }],
    ['a token with a blank', { token: 'a b' }],
    ['a token that ends the header', { token: 'a\r\nb: c' }],
  ])('is refused when it is %s', async (_, body) => {
    expect(await failureOf(source({ body }).tokens.get(asking()))).toMatchObject({ code: 'registry-answer-invalid' });
  });

  it('is not one where the other field has it', async () => {
    expect(await source({ body: { token: '', access_token: 'x' } }).tokens.get(asking())).toBe('x');
  });
});
