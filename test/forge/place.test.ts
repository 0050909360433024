// Where a remote's forge is, and which token is for it.
import { describe, expect, it } from 'vitest';
import { placeForge } from '../../src/forge/place.ts';
import type { ProcessEnv } from '../../src/model/effects.ts';
import type { ForgeKind } from '../../src/model/pipeline.ts';
import { refusal } from '../support/failure.ts';

const ACTIONS = { GITHUB_SERVER_URL: 'https://git.acme.example', GITHUB_API_URL: 'https://git.acme.example/api/v3' };
const GITLAB_CI = { CI_SERVER_URL: 'https://acme.example/gitlab', CI_API_V4_URL: 'https://acme.example/gitlab/api/v4' };
const told = (url: string, kind?: ForgeKind, env: ProcessEnv = {}): string => {
  const place = placeForge(url, kind, env);
  return `${place.kind} ${place.api.href} ${place.project}`;
};

describe('the place of a forge', () => {
  it.each([
    ['https://github.com/acme/app.git', 'github https://api.github.com/ acme/app'],
    ['https://github.com/acme/app', 'github https://api.github.com/ acme/app'],
    ['https://github.com/acme/app/', 'github https://api.github.com/ acme/app'],
    ['https://GitHub.com/Acme/App.git', 'github https://api.github.com/ Acme/App'],
    ['https://user:secret@github.com/acme/app.git', 'github https://api.github.com/ acme/app'],
    ['git@github.com:acme/app.git', 'github https://api.github.com/ acme/app'],
    ['git@github.com:/acme/app.git', 'github https://api.github.com/ acme/app'],
    ['github.com:acme/app.js.git', 'github https://api.github.com/ acme/app.js'],
    ['ssh://git@github.com/acme/app.git', 'github https://api.github.com/ acme/app'],
    ['ssh://git@ssh.github.com:443/acme/app.git', 'github https://api.github.com/ acme/app'],
    ['https://acme.ghe.com/acme/app.git', 'github https://api.acme.ghe.com/ acme/app'],
    ['https://github.acme.example/acme/app.git', 'github https://github.acme.example/api/v3 acme/app'],
    ['https://gitlab.com/acme/team/app.git', 'gitlab https://gitlab.com/api/v4 acme/team/app'],
    ['ssh://git@altssh.gitlab.com:443/acme/app.git', 'gitlab https://gitlab.com/api/v4 acme/app'],
    ['https://gitlab.acme.example:8443/a/b/c/app.git', 'gitlab https://gitlab.acme.example:8443/api/v4 a/b/c/app'],
    ['ssh://git@gitlab.acme.example:2222/acme/app.git', 'gitlab https://gitlab.acme.example/api/v4 acme/app'],
    ['http://gitlab.acme.example:8080/acme/app.git', 'gitlab https://gitlab.acme.example/api/v4 acme/app'],
  ])('is reported by the host: %s', (url, place) => {
    expect(told(url)).toBe(place);
  });

  it.each([
    ['https://git.acme.example/acme/app.git', 'github', 'github https://git.acme.example/api/v3 acme/app'],
    ['https://git.acme.example/acme/app.git', 'gitlab', 'gitlab https://git.acme.example/api/v4 acme/app'],
    ['http://127.0.0.1:8080/acme/app.git', 'gitlab', 'gitlab http://127.0.0.1:8080/api/v4 acme/app'],
    ['http://[::1]:8080/acme/app.git', 'github', 'github http://[::1]:8080/api/v3 acme/app'],
    ['https://github.acme.example/acme/app.git', 'gitlab', 'gitlab https://github.acme.example/api/v4 acme/app'],
  ] as const)('is reported by tagflow.yaml: %s, %s', (url, kind, place) => {
    expect(told(url, kind)).toBe(place);
  });

  it.each([
    ['https://git.acme.example/acme/app.git', ACTIONS, 'github https://git.acme.example/api/v3 acme/app'],
    ['git@git.acme.example:acme/app.git', ACTIONS, 'github https://git.acme.example/api/v3 acme/app'],
    ['https://acme.example/gitlab/team/app.git', GITLAB_CI, 'gitlab https://acme.example/gitlab/api/v4 team/app'],
    ['git@acme.example:team/app.git', GITLAB_CI, 'gitlab https://acme.example/gitlab/api/v4 team/app'],
    ['https://gitlab.other.example/team/app.git', GITLAB_CI, 'gitlab https://gitlab.other.example/api/v4 team/app'],
    // An API that would have the token go over plain http is not taken from a job.
    [
      'https://gitlab.acme.example/team/app.git',
      { CI_API_V4_URL: 'http://gitlab.acme.example/api/v4' },
      'gitlab https://gitlab.acme.example/api/v4 team/app',
    ],
  ])('is reported by the CI job on that host: %s', (url, env, place) => {
    expect(told(url, undefined, env)).toBe(place);
  });

  it.each([
    [
      'https://git.acme.example/acme/app.git',
      'https://api.acme.example/api/v3/',
      'github https://api.acme.example/api/v3 acme/app',
    ],
    [
      'https://git.acme.example/acme/app.git',
      'https://git.acme.example/api/v4',
      'gitlab https://git.acme.example/api/v4 acme/app',
    ],
    [
      'https://acme.example/git/team/app.git',
      'https://acme.example/git/api/v4',
      'gitlab https://acme.example/git/api/v4 team/app',
    ],
    ['https://github.com/acme/app.git', 'http://127.0.0.1:8080/api/v3', 'github http://127.0.0.1:8080/api/v3 acme/app'],
  ])('is where TAGFLOW_FORGE_URL says: %s at %s', (url, api, place) => {
    expect(told(url, undefined, { ...GITLAB_CI, TAGFLOW_FORGE_URL: api })).toBe(place);
  });

  it.each([
    ['https://git.acme.example/acme/app.git', undefined],
    ['https://mygithub.example/acme/app.git', undefined],
    ['https://user:secret@git.acme.example/acme/app.git', undefined],
    ['/srv/git/app.git', 'github'],
    ['file:///srv/git/acme/app.git', 'gitlab'],
    ['https://github.com/app.git', undefined],
    ['https://github.com/acme/team/app.git', undefined],
    ['https://gitlab.com/app.git', undefined],
    ['https://gitlab.com/acme//app.git', undefined],
    ['git@gitlab.com:acme/../app.git', undefined],
    ['https://gitlab.com/acme/%2e%2e%2fapp.git', undefined],
  ] as const)('is not known: %s', (url, kind) => {
    const error = refusal(() => placeForge(url, kind, {}));
    expect(error).toMatchObject({ code: 'forge-unknown', exit: 2 });
    expect([error.why, error.fix].every(Boolean)).toBe(true);
    expect(error.message).not.toContain('secret');
  });

  it.each([
    'http://acme.example/api/v4',
    'ftp://acme.example',
    'acme.example',
    'https://u:secret@acme.example/',
    'https://a/?x=1',
  ])('is not an address of an API: %s', (api) => {
    const error = refusal(() => placeForge('https://gitlab.com/a/b', undefined, { TAGFLOW_FORGE_URL: api }));
    expect(error).toMatchObject({ code: 'forge-unknown', message: 'TAGFLOW_FORGE_URL is not an address of an API' });
    expect(error.why).not.toContain('secret');
  });
});
