// Doctor, where releases are signed: whether the key that is configured makes releases that count, and whether anybody's does.
// With the real ssh-keygen and gpg.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doctor } from '../../../src/engine/doctor/doctor.ts';
import { createSigning } from '../../../src/signing/keys.ts';
import type { Signing } from '../../../src/signing/signing.ts';
import { type Bench, DJANGO, createBench } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { CLEAN_ENVIRONMENT } from '../../support/git-repository.ts';
import { type Keys, createGpgKeys, createSshKeys } from '../../support/keys.ts';
import { describeReal } from '../../support/real.ts';

const MACHINE = { node: '24.9.0', git: '2.39.5' };

/** A bench whose releases are signed; `prd`: lines for prd in tagflow.yaml. */
function signed(method: 'ssh' | 'gpg', signers: string, prd: string): Bench {
  const config = `version: 1
signing: ${method}
signers: signers
images: { django: { repository: ${DJANGO} } }
environments:
  dev: {}
  prd: { from: dev, ${prd} }
`;
  return createBench({ config, files: { signers } });
}

/** What doctor says of signing, as `ok prd: …`. */
async function said(bench: Bench, signing: Signing | undefined, name?: string): Promise<readonly string[]> {
  const all = await doctor(bench.context({ ...(signing && { signing }) }), MACHINE, name);
  return all
    .filter(({ check }) => check === 'signing')
    .map(
      ({ severity, subject, what, why }) => `${severity} ${subject}: ${what}${severity === 'ok' ? '' : ` (${why})`}`,
    );
}

function day(days: number): string {
  return new Date(Date.UTC(2026, 0, 1) + days * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
}

describeReal('doctor, where ssh signs releases', ['ssh-keygen'], () => {
  let keys: Keys;
  let signers: string;
  beforeAll(async () => {
    keys = await createSshKeys(['ana', 'bot', 'eve', 'old']);
    const line = async (owner: string, options = ''): Promise<string> =>
      `${owner}@example.org ${options}${await keys.publicKey(owner)}\n`;
    signers = (await line('ana')) + (await line('bot')) + (await line('old', `valid-before="${day(29)}" `));
  });
  afterAll(async () => keys.remove());

  const bench = (prd: string): Bench => signed('ssh', signers, prd);
  const BY_BOT = 'signedBy: [bot@example.org]';

  test('lines that are good for commits alone are named', async () => {
    const only = `bot@example.org namespaces="git" ${await keys.publicKey('bot')}\n`;
    const both = `ana@example.org namespaces="git,tagflow-*" ${await keys.publicKey('ana')}\n`;
    const findings = await said(signed('ssh', only + both, BY_BOT), keys.signing('ana'), 'prd');
    expect(findings[0]).toMatch(
      /^warning prd: signers lists bot@example\.org for other namespaces than tagflow-release: no new release of theirs counts/,
    );
    expect(findings[1]).toMatch(/^error prd: this identity’s key may not release prd/);
  });

  test('a release by a key that is good for commits alone is refused with what its line lacks', async () => {
    const only = `bot@example.org namespaces="git" ${await keys.publicKey('bot')}\n`;
    const release = signed('ssh', only, '').promote(
      'dev',
      { django: 'V4.0' },
      { as: { signing: keys.signing('bot') } },
    );
    expect(await failureOf(release)).toMatchObject({
      code: 'signature-invalid',
      fix: expect.stringMatching(/^where this key is one of bot@example\.org: add tagflow-release to namespaces/),
    });
  });

  test('a key that may release is fine, and names its owner', async () => {
    expect(await said(bench(BY_BOT), keys.signing('bot'))).toEqual([
      'ok dev: releases are signed by bot@example.org, who may release it',
      'ok prd: releases are signed by bot@example.org, who may release it',
    ]);
  });

  test('a key that may release another environment only is an error of this one', async () => {
    expect(await said(bench(BY_BOT), keys.signing('ana'))).toEqual([
      'ok dev: releases are signed by ana@example.org, who may release it',
      'error prd: this identity’s key may not release prd (it is signed by ana@example.org, who may not release it)',
    ]);
  });

  test('a key that nobody lists is an error of each', async () => {
    expect(await said(bench(BY_BOT), keys.signing('eve'))).toEqual([
      'error dev: this identity’s key may not release dev (its signature was made with a key that signers did not list as valid at that time)',
      'error prd: this identity’s key may not release prd (its signature was made with a key that signers did not list as valid at that time)',
    ]);
  });

  test('a key that stops counting soon is a warning', async () => {
    expect(await said(bench(BY_BOT), keys.signing('old'), 'dev')).toEqual([
      'warning dev: the key of old@example.org stops counting within 30 days (its signature was made with a key that signers did not list as valid at that time)',
    ]);
  });

  test.each([
    ['no key', undefined, 'no signing key is configured'],
    ['a file that is not there', '/nonexistent/key', 'cannot read the key that TAGFLOW_SIGNING_KEY names'],
  ])('%s is one error, whatever the environments', async (_what, key, what) => {
    const signing = createSigning({
      env: CLEAN_ENVIRONMENT,
      timeoutMs: 60_000,
      directory: '/',
      key,
      gitKey: undefined,
      sshProgram: undefined,
      gpgProgram: undefined,
    });
    const lines = await said(bench(BY_BOT), signing);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`error signing: ${what}`);
  });

  test('signers who have no key in the file: a warning beside others, an error alone', async () => {
    expect(await said(bench('signedBy: [bot@example.org, release@example.org]'), keys.signing('bot'), 'prd')).toEqual([
      'warning prd: release@example.org may release prd and has no key in signers (environments.prd.signedBy names them as the signers file has to)',
      'ok prd: releases are signed by bot@example.org, who may release it',
    ]);
    expect(await said(bench('signedBy: [release@example.org]'), keys.signing('bot'), 'prd')).toEqual([
      'error prd: release@example.org may release prd and has no key in signers: nobody can release it (environments.prd.signedBy names them as the signers file has to)',
    ]);
  });

  test.each([
    ['*@example.org', 'a pattern'],
    ['b?t@example.org', 'one that fits a character'],
    ['ops@example.org,bot@*', 'one of several'],
    ['*', 'everybody'],
    ['!ana@example.org,*@example.org', 'all but one'],
    ['"*@example.org"', 'one in quotes'],
  ])('a key that is listed for %s may release nothing that signedBy guards: %s', async (principal) => {
    const lines = `${principal} ${await keys.publicKey('eve')}\n${signers}`;
    const at = signed('ssh', lines, BY_BOT);
    expect(await said(at, keys.signing('eve'), 'prd')).toEqual([
      expect.stringContaining(
        `error prd: signers lists keys for ${principal.replaceAll('"', '')}: they count for nobody`,
      ),
      expect.stringMatching(/^error prd: this identity’s key may not release prd .*patterns, such as .* do not count/),
    ]);
    expect((await said(at, keys.signing('bot'), 'prd')).at(-1)).toBe(
      'ok prd: releases are signed by bot@example.org, who may release it',
    );
  });

  test('a signedAfter that is not on the branch is a warning', async () => {
    const at = bench(`${BY_BOT}, signedAfter: ${'ab'.repeat(20)}`);
    const [first] = await said(at, keys.signing('bot'), 'prd');
    expect(first).toContain('warning prd: signedAfter names abababa, which is not on prd');
    const config = at.remote.file('main', 'tagflow.yaml')!.replace('ab'.repeat(20), at.head('prd'));
    at.remote.commit('main', { 'tagflow.yaml': config });
    expect(await said(at, keys.signing('bot'), 'prd')).toHaveLength(1);
  });

  test('who uses tagflow as a library and gave it no signing learns so', async () => {
    const lines = await said(bench(BY_BOT), undefined, 'prd');
    expect(lines[0]).toContain('error signing: releases are signed here, and this run can neither sign nor verify');
  });

  test('nothing is said of signing, and nothing is signed, where releases are not signed', async () => {
    const refuse = async (): Promise<never> => Promise.reject(new Error('nobody asked'));
    expect(await said(createBench(), { sign: refuse, verify: refuse, unlisted: refuse })).toEqual([]);
  });
});

describeReal('doctor, where gpg signs releases', ['gpg', 'gpgconf'], () => {
  let keys: Awaited<ReturnType<typeof createGpgKeys>>;
  beforeAll(async () => {
    keys = await createGpgKeys(['ana', 'bot']);
  });
  afterAll(async () => keys.remove());

  test('knows whose key may release, and which fingerprints no key has', async () => {
    const both = (await keys.publicKey('ana')) + (await keys.publicKey('bot'));
    const stranger = 'D8692123C4065DEA5E0F3AB5249B39D24F25E3B6';
    const bench = signed('gpg', both, `signedBy: [${keys.fingerprint('bot')}, ${stranger}]`);
    expect(await said(bench, keys.signing('bot'))).toEqual([
      `ok dev: releases are signed by ${keys.fingerprint('bot')}, who may release it`,
      `warning prd: ${stranger} may release prd and has no key in signers (environments.prd.signedBy names them as the signers file has to)`,
      `ok prd: releases are signed by ${keys.fingerprint('bot')}, who may release it`,
    ]);
    expect(await said(bench, keys.signing('ana'), 'prd')).toContain(
      `error prd: this identity’s key may not release prd (it is signed by ${keys.fingerprint('ana')}, who may not release it)`,
    );
  });
});
