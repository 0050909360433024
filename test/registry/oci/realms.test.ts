import { describe, expect, it } from 'vitest';
import { isTagflowError } from '../../../src/model/errors.ts';
import { isLoopback, isPrivate } from '../../../src/http/addresses.ts';
import { checkRealm, knownRealms, refuseOtherService } from '../../../src/registry/oci/realms.ts';
import { refusal } from '../../support/failure.ts';

function verdict(registry: string, realm: string, env: Record<string, string> = {}): string {
  try {
    return checkRealm(realm, new URL(registry), knownRealms(env)).href;
  } catch (error) {
    return isTagflowError(error) ? error.code : String(error);
  }
}

describe('case 22: the realm of a token', () => {
  it.each([
    ['https://registry.example', 'https://registry.example/token'],
    ['https://registry.example', 'https://registry.example/token?account=robot'],
    ['https://registry.example:5000', 'https://registry.example:5000/token'],
    ['https://gitlab.example:5050', 'https://gitlab.example/jwt/auth'],
    ['https://registry-1.docker.io', 'https://auth.docker.io/token'],
    ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5000/token'],
    ['https://10.1.2.3', 'https://10.1.2.3/token'],
  ])('of %s may be %s', (registry, realm) => {
    expect(verdict(registry, realm)).toBe(realm);
  });

  it.each([
    ['plain http', 'https://registry.example', 'http://registry.example/token'],
    ['foreign', 'https://registry.example', 'https://evil.example/token'],
    ['a look-alike of the host', 'https://registry.example', 'https://registry.example.evil.example/token'],
    ['a look-alike of Hub’s', 'https://registry-1.docker.io', 'https://auth.docker.io.evil.example/token'],
    ['Hub’s, for another registry', 'https://registry.example', 'https://auth.docker.io/token'],
    ['another port', 'https://registry.example', 'https://registry.example:8443/token'],
    ['another port of a plain registry', 'http://127.0.0.1:5000', 'http://127.0.0.1:5001/token'],
    ['port 80 of a plain registry', 'http://127.0.0.1:5000', 'http://127.0.0.1/token'],
    ['the metadata service', 'https://registry.example', 'http://169.254.169.254/latest/meta-data'],
    ['the metadata service over https', 'https://registry.example', 'https://169.254.169.254/token'],
    ['the metadata service by name', 'https://registry.example', 'https://metadata.google.internal/token'],
    ['a private address', 'https://registry.example', 'https://10.0.0.1/token'],
    ['a private address in decimal', 'https://registry.example', 'https://167772161/token'],
    ['a private address mapped into IPv6', 'https://registry.example', 'https://[::ffff:10.0.0.1]/token'],
    ['this machine', 'https://registry.example', 'https://localhost/token'],
    ['a user name', 'https://registry.example', 'https://evil@registry.example/token'],
    ['a password', 'https://registry.example', 'https://:evil@registry.example/token'],
    ['the host as a user name', 'https://registry.example', 'https://registry.example@evil.example/token'],
    ['relative', 'https://registry.example', '/token'],
    ['another scheme', 'https://registry.example', 'ftp://registry.example/token'],
    ['a file', 'https://registry.example', 'file:///etc/passwd'],
    ['empty', 'https://registry.example', ''],
  ])('may not be %s', (_what, registry, realm) => {
    expect(verdict(registry, realm)).toBe('credentials-unsafe');
  });

  it.each([
    ['relative', '/token', 'not an absolute URL'],
    ['another scheme', 'ftp://registry.example/token', 'not an https URL'],
    ['plain http', 'http://registry.example/token', 'anybody on the network could read'],
    ['a user name', 'https://evil@registry.example/token', 'contains a user name'],
    ['a metadata service', 'https://169.254.169.254/token', 'a private network or of a metadata service'],
    ['another host', 'https://other.example/token', 'other.example is neither registry.example'],
    ['another port', 'https://registry.example:8443/token', 'registry.example:8443 is neither registry.example'],
  ])('that is refused as %s is explained, and its registry named to programs', (_what, realm, why) => {
    const error = refusal(() => checkRealm(realm, new URL('https://registry.example'), knownRealms({})));
    expect(error.message).toContain(JSON.stringify(realm));
    expect(error.why).toContain(why);
    expect(error.why).toContain('nothing was sent');
    expect(error.details).toEqual({ host: 'registry.example' });
  });

  it('on another port of a private registry is not called an address inside a private network', () => {
    const error = refusal(() =>
      checkRealm('https://10.1.2.3:8443/token', new URL('https://10.1.2.3'), knownRealms({})),
    );
    expect(error.why).toContain('10.1.2.3:8443 is neither 10.1.2.3');
  });

  it('may be the GitLab server of the job on its own port, and there only', () => {
    const env = { CI_REGISTRY: 'r.acme.example', CI_SERVER_HOST: 'gitlab.acme.example', CI_SERVER_PORT: '8443' };
    const realm = 'https://gitlab.acme.example:8443/jwt/auth';
    expect(verdict('https://r.acme.example', realm, env)).toBe(realm);
    expect(verdict('https://r.acme.example', 'https://gitlab.acme.example/jwt/auth', env)).toBe('credentials-unsafe');
  });

  it.each([{ CI_REGISTRY: 'registry.acme.example' }, { CI_SERVER_HOST: 'gitlab.acme.example' }])(
    'is on no other host for a job that only says %j',
    (env) => {
      const realm = 'https://gitlab.acme.example/jwt/auth';
      expect(verdict('https://registry.acme.example', realm, env)).toBe('credentials-unsafe');
    },
  );

  it('may be the GitLab server of the job, for the registry of the job', () => {
    const env = { CI_REGISTRY: 'registry.acme.example', CI_SERVER_HOST: 'gitlab.acme.example' };
    const realm = 'https://gitlab.acme.example/jwt/auth';
    expect(verdict('https://registry.acme.example', realm, env)).toBe(realm);
    expect(verdict('https://other.acme.example', realm, env)).toBe('credentials-unsafe');
  });
});

describe('addresses', () => {
  it.each([
    '10.0.0.1',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '[fd00::1]',
    '[fe80::1]',
    '[::1]',
    '[::ffff:192.168.0.1]',
    'localhost',
    'LOCALHOST.',
    // Azure's wire server, and addresses of IPv4 inside of IPv6: compatible, NAT64, Teredo, 6to4; site-local ones.
    '168.63.129.16',
    '[::10.0.0.1]',
    '[::169.254.169.254]',
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::10.0.0.1]',
    '[2001:0:a9fe:a9fe::]',
    '[2002:0a00:1::]',
    '[2002:a9fe:a9fe::1]',
    '[fec0::1]',
  ])('%s is private', (host) => {
    expect(isPrivate(host)).toBe(true);
  });

  it.each(['8.8.8.8', '172.32.0.1', '[2606:4700::1111]', 'registry.example', 'localhost.example', '10.example'])(
    '%s is not private',
    (host) => {
      expect(isPrivate(host)).toBe(false);
    },
  );

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['[::1]', true],
    ['localhost', true],
    ['10.0.0.1', false],
    ['localhost.example', false],
    ['127.0.0.1.example', false],
  ])('%s is this machine: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('a token server that several registries share', () => {
  const shared = new Map([
    ['a.example', new Set(['sso.example'])],
    ['b.example:5000', new Set(['sso.example'])],
    ['c.example', new Set(['other.example'])],
  ]);
  const ask =
    (service: string | undefined, realm = 'https://sso.example/token') =>
    (): void =>
      refuseOtherService(service, new URL(realm), new URL('https://a.example'), shared);

  it.each(['b.example:5000', 'b.example'])('is not asked for a token of the other one: %s', (service) => {
    expect(refusal(ask(service))).toMatchObject({ code: 'credentials-unsafe' });
  });

  it.each([undefined, 'a.example', 'registry', 'c.example'])('is asked for any other service: %s', (service) => {
    expect(ask(service)).not.toThrow();
  });
});
