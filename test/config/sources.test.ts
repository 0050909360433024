// `sources` of tagflow.yaml: which repositories may be asked for commits, and what finds issues in messages.
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { refusal } from '../support/failure.ts';

const CONFIG = `version: 1
images: { web: { repository: registry.example.org/acme/web } }
environments: { dev: {} }
`;
const sourcesOf = (lines: string) => parseConfig(`${CONFIG}sources: { ${lines} }\n`).sources;

it('has addresses in one form, and a usual pattern of issues', () => {
  const listed =
    'repositories: ["https://GitHub.com/acme/web.git", "https://gitlab.example.org/shop/*", "https://git.example.org/*"]';
  const sources = sourcesOf(listed);
  expect(sources?.repositories).toEqual([
    'https://github.com/acme/web',
    'https://gitlab.example.org/shop/*',
    'https://git.example.org/*',
  ]);
  expect(['#12', 'SHOP-7', 'a-1'].filter((word) => sources?.issues.test(word))).toEqual(['#12', 'SHOP-7']);
  expect(parseConfig(CONFIG).sources).toBeUndefined();
});

it('says what hosts repositories where the name of the host does not', () => {
  const sources = sourcesOf('repositories: ["https://git.example.org/*"], hosts: { git.example.org: gitea }');
  expect(sources?.hosts).toEqual(new Map([['git.example.org', 'gitea']]));
});

it.each([
  ['repositories: [], hosts: { git.example.org: svn }', 'hosts'],
  ['repositories: [web]', '"web" is not the address of a Git repository'],
  ['repositories: ["javascript:alert(1)"]', 'is not the address of a Git repository'],
  ['repositories: ["*"]', 'is not the address of a Git repository'],
  ['repositories: ["https://*"]', 'is not the address of a Git repository'],
  ['repositories: ["https://*.example.org/acme/*"]', 'is not the address of a Git repository'],
  ['repositories: [], issues: "("', 'is not a pattern of issues: it is not a regular expression'],
  ['repositories: [], issues: "(a+)+b"', 'is not a pattern of issues: it could take very long'],
  ['repositories: [], issues: "x*"', 'is not a pattern of issues: it matches the empty string'],
  ['issues: "x"', 'repositories'],
])('refuses { %s }', (lines, why) => {
  const error = refusal(() => sourcesOf(lines));
  expect(error.code).toBe('config-invalid');
  expect(`${error.message} ${error.why}`).toContain(why);
});
