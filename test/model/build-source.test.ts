// Addresses of source repositories in one form, which of them are listed, issues in messages, and links that compare.
import { describe, expect, it } from 'vitest';
import {
  type SourceCommit,
  compareLink,
  isListedSource,
  issuesIn,
  parseSourceUrl,
  sourceHostOf,
} from '../../src/model/build-source.ts';
import type { ObjectId } from '../../src/model/object-id.ts';

const WEB = 'https://github.com/acme/web';

describe('the address of a repository', () => {
  it.each([
    [WEB, WEB],
    ['https://GitHub.com/acme/web.git/', WEB],
    ['https://user:secret@github.com/acme/web?x=1#main', WEB],
    ['git+https://github.com/acme/web.git', WEB],
    ['git@github.com:acme/web.git', WEB],
    ['github.com:acme/web', WEB],
    ['ssh://git@github.com:22/acme/web', WEB],
    ['https://github.com/acme/web/tree/main/services', WEB],
    ['https://gitlab.example.org/a/b/c/-/tree/0123abc', 'https://gitlab.example.org/a/b/c'],
    ['https://git.example.org:8443/x/y', 'https://git.example.org:8443/x/y'],
    ['https://github.com/other/../acme/web', WEB],
    ['http://127.0.0.1:3000/acme/web', 'http://127.0.0.1:3000/acme/web'],
    ['file:///srv/git/web.git', 'file:///srv/git/web'],
  ])('%s is %s', (text, url) => {
    expect(parseSourceUrl(text)).toBe(url);
  });

  it.each([
    '',
    'web',
    '/srv/git/web',
    'http://github.com/acme/web',
    'javascript:alert(1)',
    'data:text/html,x',
    'file://host/share',
    'https://github.com',
    'https://github.com/acme//web',
    'https://github.com/acme/%2e%2e%2fweb',
    'https://github.com/acme/we\u202eb',
    'https://github.com/acme/web --upload-pack=x',
    'ext::sh -c id',
    `https://github.com/${'x'.repeat(400)}`,
  ])('%j is not one', (text) => {
    expect(parseSourceUrl(text)).toBeUndefined();
  });

  it.each([
    [WEB, [WEB], true],
    [WEB, ['https://github.com/acme/*'], true],
    [`${WEB}2`, [WEB], false],
    ['https://github.com/acme-evil/web', ['https://github.com/acme/*'], false],
    ['https://github.com.evil.example/acme/web', ['https://github.com/acme/*', WEB], false],
    [WEB, [], false],
  ])('%s is listed in %j: %s', (url, listed, is) => {
    expect(isListedSource(url, listed)).toBe(is);
  });
});

it('issues are those that words of messages name, each once, in their order', () => {
  const commit = (message: string): SourceCommit => ({ id: '' as ObjectId, author: '', time: 0, message });
  const messages = ['SHOP-7: a cart', 'Fix\n\nCloses #12, and (SHOP-7).', `${'x'.repeat(80)}SHOP-9`, 'UTF-8'];
  expect(issuesIn(messages.map(commit), /SHOP-[0-9]+|#[0-9]+/u)).toEqual(['SHOP-7', '#12']);
});

const BITBUCKET = 'https://bitbucket.example.org';
it.each([
  [WEB, undefined, `${WEB}/compare/a1...b2`],
  ['https://gitlab.com/acme/web', undefined, 'https://gitlab.com/acme/web/-/compare/a1...b2'],
  ['https://codeberg.org/acme/web', undefined, 'https://codeberg.org/acme/web/compare/a1...b2'],
  ['https://git.example.org/acme/web', 'gitea', 'https://git.example.org/acme/web/compare/a1...b2'],
  ['https://bitbucket.org/acme/web', undefined, 'https://bitbucket.org/acme/web/branches/compare/b2%0Da1'],
  [
    `${BITBUCKET}/scm/shop/web`,
    undefined,
    `${BITBUCKET}/projects/shop/repos/web/compare/commits?sourceBranch=b2&targetBranch=a1`,
  ],
  [
    `${BITBUCKET}/scm/~ana/web`,
    'bitbucket-server',
    `${BITBUCKET}/users/ana/repos/web/compare/commits?sourceBranch=b2&targetBranch=a1`,
  ],
  ['https://git.example.org/acme/web', undefined, undefined],
  ['https://github.evil.example/acme/web', 'gitlab', 'https://github.evil.example/acme/web/-/compare/a1...b2'],
  ['file:///srv/web', 'github', undefined],
] as const)('the link that compares two commits of %s, hosted by %s, is %s', (url, told, link) => {
  const ends = { from: 'a1' as ObjectId, to: 'b2' as ObjectId };
  expect(compareLink(url, ends, told ?? sourceHostOf(url))).toBe(link);
});
