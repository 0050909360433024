// A secret belongs to a host: every secret that the environment may hold, against every place that could ask for one.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Destination, describeRelease, releaseSecret } from '../../src/http/secrets.ts';
import { failureOf } from '../support/failure.ts';

type Env = Record<string, string>;

/** All of them, each of another value. */
const TOKENS: Env = Object.fromEntries(
  [
    'TAGFLOW_GIT_TOKEN',
    'TAGFLOW_FORGE_TOKEN',
    'GH_TOKEN',
    'GH_ENTERPRISE_TOKEN',
    'GITHUB_TOKEN',
    'GITLAB_TOKEN',
    'CI_JOB_TOKEN',
  ].map((name) => [name, `value-of-${name}`]),
);
const ACTIONS = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_API_URL: 'https://api.github.com' };
const ENTERPRISE_ACTIONS = {
  GITHUB_SERVER_URL: 'https://git.acme.example',
  GITHUB_API_URL: 'https://git.acme.example/api/v3',
};
const GITLAB_CI = { CI_SERVER_URL: 'https://gitlab.acme.example', CI_API_V4_URL: 'https://gitlab.acme.example/api/v4' };

/** Which of all tokens go to a place, one after the other. */
async function released(to: Destination, env: Env): Promise<readonly string[]> {
  const left: Env = { ...TOKENS, ...env };
  const names: string[] = [];
  for (;;) {
    const { secret } = await releaseSecret(to, left, '/');
    if (!secret) return names;
    expect(secret.value).toBe(`value-of-${secret.from}`);
    names.push(secret.from);
    delete left[secret.from];
  }
}

const git = (url: string, namedByCaller = false): Destination => ({
  purpose: 'git',
  url: new URL(url),
  host: new URL(url).host,
  namedByCaller,
});
const forge = (purpose: 'github' | 'gitlab', host: string, api: string, namedByCaller = false): Destination => ({
  purpose,
  url: new URL(api),
  host,
  namedByCaller,
});

describe('a Git remote gets', () => {
  it.each<[string, Destination, Env, readonly string[]]>([
    ['nothing, where a checkout names it', git('https://evil.example/x'), {}, []],
    ['the caller’s token, where the caller names it', git('https://a.example/x', true), {}, ['TAGFLOW_GIT_TOKEN']],
    [
      'the caller’s token, where TAGFLOW_GIT_HOST has its host',
      git('https://a.example/x'),
      { TAGFLOW_GIT_HOST: 'b.example A.example' },
      ['TAGFLOW_GIT_TOKEN'],
    ],
    ['nothing at another port', git('https://a.example:8443/x'), { TAGFLOW_GIT_HOST: 'a.example' }, []],
    ['the job’s tokens on its server', git('https://github.com/a/b'), ACTIONS, ['TAGFLOW_GIT_TOKEN', 'GITHUB_TOKEN']],
    [
      'the tokens of a GitLab job on its server',
      git('https://gitlab.acme.example/a/b'),
      GITLAB_CI,
      ['TAGFLOW_GIT_TOKEN', 'CI_JOB_TOKEN'],
    ],
    ['nothing of a job over plain http', git('http://gitlab.acme.example/a/b'), GITLAB_CI, []],
    ['nothing of a job at another port', git('https://gitlab.acme.example:8443/a/b'), GITLAB_CI, []],
    ['nothing of a job that looks alike', git('https://github.com.evil.example/a/b'), ACTIONS, []],
  ])('%s', async (_, to, env, names) => {
    expect(await released(to, env)).toEqual(names);
  });
});

const HUB = ['github', 'github.com', 'https://api.github.com'] as const;
const LAB = ['gitlab', 'gitlab.acme.example', 'https://gitlab.acme.example/api/v4'] as const;
const GIT = ['github', 'git.acme.example', 'https://git.acme.example/api/v3'] as const;
const OWN_FORGE = 'TAGFLOW_FORGE_TOKEN';

describe('a forge gets', () => {
  it.each<[string, Destination, Env, readonly string[]]>([
    ['github.com: its own', forge(...HUB), {}, ['GH_TOKEN']],
    ['github.com in its own job: all of it', forge(...HUB), ACTIONS, [OWN_FORGE, 'GH_TOKEN', 'GITHUB_TOKEN']],
    ['github.com in a job of another server: not that job’s', forge(...HUB), ENTERPRISE_ACTIONS, ['GH_TOKEN']],
    ['github.com, named by the caller', forge(...HUB, true), {}, [OWN_FORGE, 'GH_TOKEN']],
    ['a host that only a checkout names: nothing', forge(...GIT), {}, []],
    [
      'an enterprise server in its own job',
      forge(...GIT),
      ENTERPRISE_ACTIONS,
      [OWN_FORGE, 'GH_ENTERPRISE_TOKEN', 'GITHUB_TOKEN'],
    ],
    [
      'an enterprise server that GH_HOST names',
      forge(...GIT),
      { GH_HOST: 'git.acme.example' },
      ['GH_ENTERPRISE_TOKEN'],
    ],
    [
      'an API elsewhere than the job’s',
      forge('github', 'git.acme.example', 'https://evil.example/api/v3'),
      ENTERPRISE_ACTIONS,
      [],
    ],
    ['a tenant that nobody named', forge('github', 'evil.ghe.com', 'https://api.evil.ghe.com'), {}, []],
    [
      'a tenant that GH_HOST names',
      forge('github', 'acme.ghe.com', 'https://api.acme.ghe.com'),
      { GH_HOST: 'acme.ghe.com' },
      ['GH_TOKEN'],
    ],
    [
      'github.com by name, its API elsewhere',
      forge('github', 'github.com', 'https://evil.example/api/v3'),
      ACTIONS,
      [],
    ],
    ['a GitLab in its own job', forge(...LAB), GITLAB_CI, [OWN_FORGE, 'GITLAB_TOKEN', 'CI_JOB_TOKEN']],
    ['another GitLab than the job’s', forge('gitlab', 'evil.example', 'https://evil.example/api/v4'), GITLAB_CI, []],
    [
      'another GitLab, though the caller names it: what is for anywhere',
      forge('gitlab', 'b.example', 'https://b.example/api/v4', true),
      GITLAB_CI,
      [OWN_FORGE],
    ],
    ['gitlab.com, without a job', forge('gitlab', 'gitlab.com', 'https://gitlab.com/api/v4'), {}, ['GITLAB_TOKEN']],
    [
      'a GitLab that GITLAB_HOST names',
      forge(...LAB),
      { GITLAB_HOST: 'https://gitlab.acme.example' },
      ['GITLAB_TOKEN'],
    ],
    [
      'gitlab.com, where GITLAB_HOST names another',
      forge('gitlab', 'gitlab.com', 'https://gitlab.com/api/v4'),
      { GITLAB_HOST: 'gitlab.acme.example' },
      [],
    ],
    [
      'a GitLab by name, its API elsewhere',
      forge('gitlab', 'gitlab.acme.example', 'https://evil.example/api/v4'),
      GITLAB_CI,
      [],
    ],
    ['a forge whose host TAGFLOW_GIT_HOST has', forge(...GIT), { TAGFLOW_GIT_HOST: 'git.acme.example' }, [OWN_FORGE]],
  ])('%s', async (_, to, env, names) => {
    expect(await released(to, env)).toEqual(names);
  });
});

describe('a host that neither the caller nor the CI system names', () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
  const host = fc
    .tuple(
      fc.constantFrom('', 'github.com.', 'gitlab.acme.example.', 'api.github.com.', 'git.acme.example.', 'x.'),
      label,
      fc.constantFrom('.example', '.ghe.com', '.com'),
      fc.constantFrom('', ':8443'),
    )
    .map((parts) => parts.join(''));

  it('gets no secret at all, whatever it is called and anybody who runs this', async () => {
    await fc.assert(
      fc.asyncProperty(
        host,
        fc.constantFrom({}, ACTIONS, ENTERPRISE_ACTIONS, GITLAB_CI),
        fc.constantFrom('git', 'github', 'gitlab'),
        async (name, env, purpose) => {
          fc.pre(!['github.com', 'gitlab.com'].includes(name));
          const url = new URL(`https://${name}/acme/app`);
          expect(await released({ purpose, url, host: url.host, namedByCaller: false }, env)).toEqual([]);
        },
      ),
    );
  });
});

describe('a token', () => {
  it('has its line ends taken off, and none within', async () => {
    const to = git('https://a.example/x', true);
    expect((await releaseSecret(to, { TAGFLOW_GIT_TOKEN: ' own\r\n' }, '/')).secret?.value).toBe('own');
    const error = await failureOf(releaseSecret(to, { TAGFLOW_GIT_TOKEN: 'a\r\nX: y' }, '/'));
    expect(error).toMatchObject({ code: 'credentials-invalid', message: 'TAGFLOW_GIT_TOKEN does not hold a token' });
  });

  it('that is held back is reported with whom it is for, and nothing of it', async () => {
    const words = describeRelease(
      await releaseSecret(
        forge('gitlab', 'evil.example', 'https://evil.example/api/v4'),
        { ...TOKENS, ...GITLAB_CI },
        '/',
      ),
    );
    expect(words).toContain('GITLAB_TOKEN is set, but only for gitlab.acme.example');
    expect(words).not.toContain('value-of');
  });

  it('of a file that may not go there is not even read', async () => {
    const { secret, withheld } = await releaseSecret(
      git('https://evil.example/x'),
      { TAGFLOW_GIT_TOKEN_FILE: '/nowhere' },
      '/',
    );
    expect(secret).toBeUndefined();
    expect(withheld.map(({ variable }) => variable)).toEqual(['TAGFLOW_GIT_TOKEN_FILE']);
  });
});
