// Which URLs are taken for a Git remote, and that passwords in them are never shown.
import { describe, expect, it } from 'vitest';
import { parseRemoteUrl } from '../../src/ledger/url.ts';
import { TagflowError } from '../../src/model/errors.ts';

describe('the URL of a Git remote', () => {
  it.each([
    ['https://git.example.org/team/app.git', 'https'],
    ['https://git.example.org:8443/app', 'https'],
    ['http://localhost:3000/app.git', 'http'],
    ['http://127.0.0.1:3000/app.git', 'http'],
    ['http://[::1]:3000/app.git', 'http'],
    ['ssh://git@git.example.org/team/app.git', 'ssh'],
    ['ssh://git@git.example.org:2222/~ann/app.git', 'ssh'],
    ['ssh://[2001:db8::1]/app.git', 'ssh'],
    ['git@git.example.org:team/app.git', 'ssh'],
    ['git.example.org:/srv/app.git', 'ssh'],
    ['file:///srv/app.git', 'file'],
    ['/srv/app.git', 'file'],
    ['/srv/our team/ü%20#1 "x" $(id).git', 'file'],
    ['/srv/back\\slash.git', 'file'],
  ])('%s is spoken to by %s alone', (text, protocol) => {
    expect(parseRemoteUrl(text)).toMatchObject({ protocol, url: text, credentials: undefined });
  });

  it.each([
    '',
    'app.git',
    './app.git',
    '../app.git',
    '--upload-pack=touch /tmp/x',
    '--upload-pack=x',
    '-oProxyCommand=x',
    'ext::sh -c x',
    'ext::sh%20-c%20x',
    'fd::17',
    'file::/srv/app.git',
    'http::https://git.example.org/app.git',
    'transport::address',
    'ssh://-oProxyCommand=x/app.git',
    'ssh://-oProxyCommand=x@git.example.org/app.git',
    'ssh://git@-oProxyCommand=x/app.git',
    'ssh://git.example.org/-x',
    'ssh://git.example.org/',
    'ssh://git.example.org',
    'ssh://git.example.org:22x/app.git',
    'ssh://git:secret@git.example.org/app.git',
    '-oProxyCommand=x:app.git',
    'git@-oProxyCommand=x:app.git',
    'git@git.example.org:-x',
    'git@git.example.org:',
    'git@git.example.org::x',
    'git://git.example.org/app.git',
    'git+ssh://git.example.org/app.git',
    'ftp://git.example.org/app.git',
    'http://git.example.org/app.git',
    'http://127.0.0.1.example.org/app.git',
    'http://localhost.example.org/app.git',
    'https://',
    'https:///app.git',
    'https://git.example.org/app.git?x=1',
    'https://git.example.org/app.git#x',
    'https://git.example.org/app.git\nx',
    'https://git.example.org/a b.git',
    'file://fd::17',
    'file://host/srv/app.git',
    'file://--upload-pack=x/app.git',
    'file://',
    '//host/share/app.git',
    '/srv/app.git\0x',
    'C:\\app.git',
  ])('%j is refused', (text) => {
    expect(() => parseRemoteUrl(text)).toThrow(TagflowError);
  });

  it('may be plain http when that is allowed', () => {
    const url = 'http://git.internal/app.git';
    expect(parseRemoteUrl(url, { allowPlainHttp: true })).toMatchObject({ protocol: 'http', url });
  });

  it.each([
    ['https://ann:p%40ss@git.example.org/app.git', { username: 'ann', password: 'p@ss' }],
    ['https://token@git.example.org/app.git', { username: 'token', password: '' }],
    ['https://ann:100%@git.example.org/app.git', { username: 'ann', password: '100%' }],
  ])('%s gives its credentials away, and is shown without', (text, credentials) => {
    expect(parseRemoteUrl(text)).toEqual({
      protocol: 'https',
      url: 'https://git.example.org/app.git',
      origin: 'https://git.example.org',
      credentials,
    });
  });

  it.each([
    'http://ann:hunter2@git.example.org/app.git',
    'ssh://ann:hunter2@git.example.org/app.git',
    'ftp://a:hunter2@b/c',
  ])('%s is refused without its password in the text', (text) => {
    expect(() => parseRemoteUrl(text)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2'), code: 'usage' }),
    );
  });
});
