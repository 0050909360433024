// Token servers that anybody who holds the credentials vouches for.
import { describe, expect, test } from 'vitest';
import { composeRegistries } from '../../src/cli/session/compose.ts';
import { readTokenServers } from '../../src/cli/settings/token-servers.ts';
import { checkRealm, knownRealms } from '../../src/registry/oci/realms.ts';
import { refusal } from '../support/failure.ts';
import { captureIo } from '../support/io.ts';

describe('TAGFLOW_TOKEN_SERVERS', () => {
  test.each([
    [undefined, {}],
    ['', {}],
    ['registry.example.com=auth.example.com', { 'registry.example.com': ['auth.example.com'] }],
    ['Registry.Example.com:443=AUTH.example.com:443', { 'registry.example.com': ['auth.example.com'] }],
    ['r.example:5000=a.example  r.example:5000=b.example:8443', { 'r.example:5000': ['a.example', 'b.example:8443'] }],
  ])('%j', (text, expected) => {
    const read = [...readTokenServers(text)].map(([registry, servers]) => [registry, [...servers]]);
    expect(Object.fromEntries(read)).toEqual(expected);
  });

  test.each([
    'registry.example.com',
    'registry.example.com=',
    '=auth.example.com',
    'a=b=c',
    '*.example.com=auth.example.com',
    'registry.example.com=https://auth.example.com/token',
    'registry.example.com=auth.example.com@evil.example',
  ])('%j is refused', (text) => {
    expect(refusal(() => readTokenServers(text))).toMatchObject({
      code: 'credentials-invalid',
      message: expect.stringContaining(JSON.stringify(text)) as string,
    });
  });

  test('is read before a registry is first spoken to', () => {
    const { io } = captureIo([], { TAGFLOW_TOKEN_SERVERS: 'nonsense' });
    const options = { directory: '/', output: 'table', input: false, timeout: 60 } as const;
    const compose = () => composeRegistries(io, options, () => undefined, new AbortController().signal);
    expect(refusal(compose).code).toBe('credentials-invalid');
  });

  test('lets credentials go there, for that registry alone', () => {
    const known = knownRealms({}, readTokenServers('registry.example=auth.example'));
    const realm = 'https://auth.example/token';
    expect(checkRealm(realm, new URL('https://registry.example'), known).href).toBe(realm);
    for (const [registry, other] of [
      ['https://other.example', realm],
      ['https://registry.example', 'https://sub.auth.example/token'],
      ['https://registry.example', 'http://auth.example/token'],
    ] as const) {
      expect(refusal(() => checkRealm(other, new URL(registry), known)).code).toBe('credentials-unsafe');
    }
  });
});
