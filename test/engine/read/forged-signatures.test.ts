// A corpus of forgeries where releases are signed: every record in it is perfect, and only the signature is wrong. Signed and
// verified by the real ssh-keygen and gpg.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { status } from '../../../src/engine/status.ts';
import { history } from '../../../src/engine/read/history.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import type { Signing } from '../../../src/signing/signing.ts';
import { type Bench, DJANGO, FIRST, MARIADB, createBench, recordOf } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { EVIL, type Forgery, amend, expectUnmasked, forge, rewrite, scopeAfter } from '../../support/forgeries.ts';
import { type Keys, createGpgKeys, createSshKeys } from '../../support/keys.ts';
import { describeReal } from '../../support/real.ts';

/** tagflow.yaml with signing; `roles`: who may sign for stg. */
function config(signing: string, roles: string, more = ''): string {
  return `version: 1
signing: ${signing}
signers: signers
${more}
images:
  django: { repository: ${DJANGO} }
  mariadb: { repository: ${MARIADB} }
environments:
  dev: {}
  stg: { from: dev, signedBy: [${roles}], gates: { upstream: off } }
  prd: { from: stg, gates: { upstream: off } }
`;
}

/** A commit's text with a signature put in, as the last of its headers. */
function withHeader(content: string, header: string, armour: string): string {
  return content.replace('\n\n', () => `\n${header} ${armour.trimEnd().replaceAll('\n', '\n ')}\n\n`);
}

const SIGNATURE = `${recordOf('stg')}.sig`;

interface Scene {
  readonly bench: Bench;
  readonly genuine: ObjectId;
  restore(): void;
}

async function scene(keys: Keys, text: string, files: Readonly<Record<string, string>>): Promise<Scene> {
  const bench = createBench({ config: text, files, signing: keys.signing('bot') });
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  bench.publish('django', EVIL);
  const branches = new Map(bench.remote.branches);
  return {
    bench,
    genuine: bench.head('stg'),
    restore() {
      bench.remote.branches.clear();
      for (const [branch, head] of branches) bench.remote.branches.set(branch, head);
    },
  };
}

/** Forges a release, then signs its commit in some way. */
type Forge = (at: Scene, keys: Keys) => Promise<ObjectId>;
/** From a record's text to what stands in the file beside it; undefined: no such file. */
type Sign = (record: string, keys: Keys, at: Scene) => string | undefined | Promise<string | undefined>;

const forging =
  (sign: Sign, how?: Forgery): Forge =>
  async (at, keys) => {
    forge(at.bench, how);
    const record = at.bench.remote.file('stg', recordOf('stg'))!;
    return amend(at.bench, 'stg', { [SIGNATURE]: await sign(record, keys, at) });
  };
const signed =
  (owner: string, namespace?: string): Sign =>
  async (record, keys) =>
    keys.sign(owner, record, namespace);
/** Signed well by somebody who may, another record. */
const signedOther =
  (change: (record: string, at: Scene) => string): Sign =>
  async (record, keys, at) => {
    const other = change(record, at);
    expect(other).not.toBe(record);
    return keys.sign('bot', other);
  };
const genuineSignature = ({ bench, genuine }: Scene): string =>
  Buffer.from(bench.remote.filesOf(genuine).get(SIGNATURE)!).toString();
/** The commit signed well in its header, as releases of schema 1 are, and nothing beside the record. */
const commitSigned: Forge = async (at, keys) => {
  await forging(() => undefined)(at, keys);
  return rewrite(at.bench, 'stg', async (content) =>
    withHeader(content, 'gpgsig', await keys.sign('bot', content, 'git')),
  );
};

const ANY_METHOD: readonly [what: string, why: RegExp, write: Forge][] = [
  ['no signature', /it is not signed/, forging(() => undefined)],
  ['an empty signature', /does not hold one signature/, forging(() => '')],
  ['a signature by a key that is not listed', /with a key that|ERRSIG/, forging(signed('eve'))],
  [
    'a signature by somebody who may release another environment only',
    /who may not release it/,
    forging(signed('dora')),
  ],
  [
    'an author who is not the signer',
    /with a key that|ERRSIG/,
    forging(signed('eve'), { author: 'bot <bot@example.org>' }),
  ],
  ['the signature of the release before', /bot.* is not valid|BADSIG/, forging((_, __, at) => genuineSignature(at))],
  [
    'another actor than was signed',
    /bot.* is not valid|BADSIG/,
    forging(signedOther((record) => record.replace('actor: ana', 'actor: bob'))),
  ],
  [
    'another time than was signed',
    /bot.* is not valid|BADSIG/,
    forging(signedOther((record) => record.replace(/^time: .*/m, 'time: "2020-01-01T00:00:00Z"'))),
  ],
  [
    'another tree than was signed',
    /bot.* is not valid|BADSIG/,
    forging(signedOther((record, { bench }) => record.replace(/^scope: .*/m, `scope: ${scopeAfter(bench, 'prd')}`))),
  ],
  [
    'another release before than was signed',
    /bot.* is not valid|BADSIG/,
    forging(signedOther((record, { bench, genuine }) => record.replace(genuine, bench.head('dev')))),
  ],
  [
    'a record with more space than was signed',
    /bot.* is not valid|BADSIG/,
    forging(signedOther((record) => record.replace(/\n$/, ''))),
  ],
  ['a signed commit with no signature beside the record', /it is not signed/, commitSigned],
  [
    'two signatures, the good one first',
    /does not hold one signature/,
    forging(async (record, keys) => `${await keys.sign('bot', record)}${await keys.sign('eve', record)}`),
  ],
  [
    'two signatures, the good one last',
    /does not hold one signature/,
    forging(async (record, keys) => `${await keys.sign('eve', record)}${await keys.sign('bot', record)}`),
  ],
  [
    'a good signature in the message',
    /it is not signed/,
    async (at, keys) => {
      await forging(() => undefined)(at, keys);
      const record = at.bench.remote.file('stg', recordOf('stg'))!;
      const armour = await keys.sign('bot', record);
      return rewrite(at.bench, 'stg', (content) => `${content}\n${armour}`);
    },
  ],
  [
    'a good signature beside the record of another environment',
    /it is not signed/,
    async (at, keys) => {
      forge(at.bench);
      const armour = await keys.sign('bot', at.bench.remote.file('stg', recordOf('stg'))!);
      return forging(() => undefined, { files: { [`${recordOf('prd')}.sig`]: armour } })(at, keys);
    },
  ],
  [
    'a link in place of the signature',
    /it is not signed/,
    async ({ bench }) =>
      forge(bench, { beside: { [SIGNATURE]: 'kustomization.yaml' }, modes: { [SIGNATURE]: '120000' } }),
  ],
  [
    'a signature that is cut short',
    /with a key that|ERRSIG|BADSIG|is not valid/,
    forging(async (record, keys) =>
      (await keys.sign('bot', record)).replace(/(\n[A-Za-z0-9+/]{20})[A-Za-z0-9+/=]+\n/, '$1\n'),
    ),
  ],
  [
    'words in place of a signature',
    /does not hold one signature/,
    forging(
      () => 'Good "tagflow-release" signature for bot@example.org\n[GNUPG:] GOODSIG 0 bot\n[GNUPG:] VALIDSIG 0\n',
    ),
  ],
  [
    'signers of the environment’s own branch',
    /with a key that|ERRSIG/,
    forging(signed('eve'), { files: { signers: 'eve@example.org *', 'tagflow.yaml': 'version: 1\n' } }),
  ],
];

const SSH: readonly [what: string, why: RegExp, write: Forge][] = [
  ['a signature by a key that had expired', /with a key .* as valid at that time/, forging(signed('old'))],
  [
    'a signature by an expired key, with an old date',
    /older than a release below it/,
    forging(signed('old'), { record: { time: '2025-06-01T00:00:00Z' } }),
  ],
  ['a signature by a key that was not valid yet', /with a key .* as valid at that time/, forging(signed('young'))],
  ['a signature by a revoked key', /mallory.* is not valid|REVKEYSIG/, forging(signed('mallory'))],
  ['a signature made for commits', /bot.* is not valid/, forging(signed('bot', 'git'))],
  ['a signature made for the journal', /bot.* is not valid/, forging(signed('bot', 'tagflow-journal'))],
  ['a signature for files', /bot.* is not valid/, forging(signed('bot', 'file'))],
  ['a signature by a key that is for other things', /filer.* is not valid/, forging(signed('filer'))],
  [
    'a signature by somebody whom a wildcard lists',
    /keys of patterns, such as \*@wild\.example\.org, do not count/,
    forging(signed('wild')),
  ],
  [
    'a signature of OpenPGP’s form',
    /with a key that/,
    forging(() => '-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0=\n-----END PGP SIGNATURE-----\n'),
  ],
];

/** The forgeries of one method against one scene. */
function corpus(
  forgeries: readonly [what: string, why: RegExp, write: Forge][],
  stage: () => { readonly at: Scene; readonly keys: Keys },
): void {
  test.each(forgeries)('%s', async (_, why, write) => {
    const { at, keys } = stage();
    const forged = await write(at, keys);
    await expectUnmasked(at.bench, forged, at.genuine);
    const { unverified } = await history(at.bench.context(), { environment: 'stg', limit: 9 });
    expect(unverified[0]).toMatchObject({ commit: forged, problem: expect.stringMatching(why) });
  });

  test('a genuine release that lost its signature', async () => {
    const { at } = stage();
    const forged = amend(at.bench, 'stg', { [SIGNATURE]: undefined });
    const { bench } = at;
    const { releases, unverified } = await history(bench.context(), { environment: 'stg', limit: 9 });
    expect(releases.map(({ record }) => record.sequence)).toEqual([1]);
    expect(unverified).toMatchObject([{ commit: forged, problem: expect.stringContaining('it is not signed') }]);
    expect(await failureOf(bench.promote('prd'))).toMatchObject({
      code: 'signature-invalid',
      why: expect.stringContaining('it is not signed'),
    });
  });

  test('a forgery is mended by a rollback, after which releases go on', async () => {
    const { at, keys } = stage();
    const forged = await forging(signed('eve'))(at, keys);
    const { bench } = at;
    bench.clock.advance(60_000);
    const [applied] = await (await import('../../../src/engine/release/apply.ts')).apply(bench.context(), ['stg']);
    expect(applied).toMatchObject({ tags: [], problem: { code: 'signature-invalid' } });
    expect(await bench.rollback('stg', { run: { dryRun: true } })).toMatchObject({
      kind: 'planned',
      plan: { sequence: 3, restored: { sequence: 2, commit: at.genuine } },
    });
    const { findings } = await check(bench.context(), { environments: ['stg'], registry: false });
    expect(findings).toContainEqual(expect.objectContaining({ rule: 'signature', commit: forged }));
  });

  test('genuine releases are shown with who signed them, rolled back to and carried downstream', async () => {
    const { at } = stage();
    const { bench } = at;
    const { releases, unverified } = await history(bench.context(), { environment: 'stg', limit: 9 });
    expect(releases.map(({ record, signer }) => [record.sequence, signer])).toEqual([
      [2, releases[0]?.signer],
      [1, releases[0]?.signer],
    ]);
    expect(releases[0]?.signer).toMatch(/^(?:bot@example\.org|[0-9A-F]{40})$/);
    expect(unverified).toEqual([]);
    expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
    expect(await bench.rollback('stg', { run: { dryRun: true } })).toMatchObject({
      plan: { restored: { sequence: 1 } },
    });
    expect(await bench.promote('prd', { mariadb: 'V10.11' }, { run: { dryRun: true } })).toMatchObject({
      kind: 'planned',
    });
    // A commit made by hand on top is not a release, and changes nothing about the one below it.
    bench.remote.commit('stg', { 'notes.txt': 'x' });
    expect(await bench.promote('prd', { mariadb: 'V10.11' }, { run: { dryRun: true } })).toMatchObject({
      kind: 'planned',
    });
  });

  test('who may not release learns so before anything is pushed', async () => {
    const { at, keys } = stage();
    const { bench } = at;
    const error = await failureOf(
      bench.promote('stg', { mariadb: 'V10.11' }, { as: { signing: keys.signing('dora') } }),
    );
    expect(error).toMatchObject({ code: 'signature-invalid', message: expect.stringContaining('nothing was changed') });
    expect(bench.head('stg')).toBe(at.genuine);
  });
}

describeReal('forged signatures of OpenSSH', ['ssh-keygen'], () => {
  let keys: Keys;
  let at: Scene;
  beforeAll(async () => {
    keys = await createSshKeys(['bot', 'dora', 'eve', 'old', 'young', 'mallory', 'filer', 'wild']);
    const line = async (owner: string, options = ''): Promise<string> =>
      `${owner}@example.org ${options}${options && ' '}${await keys.publicKey(owner)}`;
    const signers = [
      '# who may release',
      await line('bot', 'namespaces="git,tagflow-release,tagflow-journal"'),
      await line('dora'),
      await line('old', 'valid-before="20251201"'),
      await line('young', 'valid-after="20270101"'),
      await line('mallory'),
      await line('filer', 'namespaces="file"'),
      `*@wild.example.org ${await keys.publicKey('wild')}`,
      'this line is not one',
    ];
    const roles = ['bot', 'old', 'young', 'mallory', 'filer'].map((owner) => `${owner}@example.org`).join(', ');
    at = await scene(keys, config('ssh', roles, 'revoked: revoked'), {
      signers: `${signers.join('\n')}\n`,
      revoked: `${await keys.publicKey('mallory')}\n`,
    });
  });
  afterEach(() => at.restore());
  afterAll(async () => keys.remove());

  corpus([...ANY_METHOD, ...SSH], () => ({ at, keys }));

  test('an expired key stays good for what it signed while it was valid', async () => {
    const bench = createBench({
      config: config('ssh', ''),
      files: {
        signers: `bot@example.org ${await keys.publicKey('bot')}\nold@example.org valid-before="202601010010" ${await keys.publicKey('old')}\n`,
      },
      signing: keys.signing('old'),
    });
    await bench.through(FIRST);
    bench.clock.advance(86_400_000);
    expect((await history(bench.context(), { environment: 'dev', limit: 9 })).releases).toMatchObject([
      { signer: 'old@example.org' },
    ]);
    expect(await failureOf(bench.promote('dev', { django: 'V4.2' }))).toMatchObject({ code: 'signature-invalid' });
    expect(await bench.promote('dev', { django: 'V4.2' }, { as: { signing: keys.signing('bot') } })).toMatchObject({
      kind: 'released',
    });
  });

  test('releases from before signing count, up to the commit that the trunk names, and none after it', async () => {
    const bench = createBench();
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    const [head, first] = bench.remote.history('stg').map(({ id }) => id);
    const turnOn = (after: string): void =>
      void bench.remote.commit('main', {
        'tagflow.yaml': config('ssh', '')
          .replace('dev: {}', `dev: { signedAfter: '${bench.head('dev')}' }`)
          .replace('signedBy: []', `signedAfter: '${after}'`),
        signers: `bot@example.org ${publicKey}\n`,
      });
    const publicKey = await keys.publicKey('bot');
    const as = { signing: keys.signing('bot') };
    const numbers = async (): Promise<readonly number[]> =>
      (await history(bench.context(as), { environment: 'stg', limit: 9 })).releases.map(
        ({ record }) => record.sequence,
      );

    turnOn(head!);
    expect(await numbers()).toEqual([2, 1]);
    turnOn(first!);
    expect(await numbers()).toEqual([1]);
    expect(await failureOf(bench.promote('stg', { mariadb: 'V10.11' }, { as }))).toMatchObject({
      code: 'signature-invalid',
      fix: expect.stringContaining('signedAfter'),
    });
    turnOn('f'.repeat(40));
    expect(await numbers()).toEqual([]);
    turnOn(bench.head('prd'));
    expect(await numbers(), 'a commit of another branch does not vouch for these').toEqual([]);
    turnOn(head!);
    bench.publish('django', EVIL);
    const forged = forge(bench);
    expect(await numbers()).toEqual([2, 1]);
    bench.remote.branches.set('stg' as BranchName, head!);
    expect(forged).not.toBe(head);
    expect(await bench.promote('stg', { mariadb: 'V10.11' }, { as })).toMatchObject({ kind: 'released' });
    expect(await numbers()).toEqual([3, 2, 1]);
  });

  test('no more signatures are asked for than are needed', async () => {
    const bench = createBench({
      config: config('ssh', ''),
      files: { signers: `bot@example.org ${await keys.publicKey('bot')}\n` },
      signing: keys.signing('bot'),
    });
    await bench.released('dev', FIRST);
    for (const django of ['V4.2', 'V4.3']) await bench.released('dev', { django });
    for (const mariadb of ['V10.11', 'V10.6', 'V10.11']) {
      await bench.released('dev', { mariadb }, { overrides: ['downgrade'], reason: 'back and forth' });
    }
    const asked = new Set<string>();
    const inner = keys.signing('bot');
    const signing: Signing = {
      ...inner,
      async verify(claim) {
        asked.add(Buffer.from(claim.payload).toString());
        return inner.verify(claim);
      },
    };
    await history(bench.context({ signing }), { environment: 'dev', limit: 1 });
    // What changed is reported against the release below, so one release more is judged than is shown.
    expect(asked.size).toBe(5);
    asked.clear();
    await status(bench.context({ signing }), 'dev');
    expect(asked.size).toBe(1);
  });

  test('a rollback finds a release that lies far below', async () => {
    const bench = createBench({
      config: config('ssh', ''),
      files: { signers: `bot@example.org ${await keys.publicKey('bot')}\n` },
      signing: keys.signing('bot'),
    });
    await bench.released('dev', { django: 'V3.2', mariadb: 'V10.3' });
    for (let turn = 0; turn < 11; turn += 1) {
      await bench.released('dev', { django: turn % 2 === 0 ? 'V4.0' : 'V4.2' }, { overrides: ['downgrade'] });
    }
    const run = { dryRun: true };
    expect(await bench.rollback('dev', { run })).toMatchObject({ plan: { restored: { sequence: 11 } } });
    expect(await bench.rollback('dev', { to: 'V3.2', run })).toMatchObject({ plan: { restored: { sequence: 1 } } });
  });

  test('a signers file that is missing stops everything, and says which', async () => {
    const bench = createBench({ config: config('ssh', ''), signing: keys.signing('bot') });
    expect(await failureOf(bench.promote('dev', FIRST))).toMatchObject({
      code: 'config-missing',
      message: 'the trunk (main) has no signers',
    });
  });

  test('a remote record without signing in the library is refused, not trusted', async () => {
    const { signing: _, ...context } = at.bench.context();
    expect(await failureOf(history(context, { environment: 'stg', limit: 1 }))).toMatchObject({
      code: 'not-supported',
    });
    expect(at.bench.remote.file('stg', recordOf('stg'))).toBeDefined();
  });
});

const GPG: readonly [what: string, why: RegExp, write: Forge][] = [
  [
    'a signature by a key that has expired',
    /EXPKEYSIG/,
    forging(async (record, keys) => keys.sign('old', record, '--faked-system-time 20240601T000000')),
  ],
  [
    'a signature by an expired key, with an old date',
    /older than a release below it/,
    forging(async (record, keys) => keys.sign('old', record, '--faked-system-time 20240601T000000'), {
      record: { time: '2024-06-01T00:00:00Z' },
    }),
  ],
  ['a signature by a revoked key', /mallory.* is not valid|REVKEYSIG/, forging(signed('mallory', ''))],
  ...['SHA1', 'RIPEMD160'].map((hash): (typeof ANY_METHOD)[number] => [
    `a signature of a broken hash, ${hash}`,
    /broken hash algorithm/,
    forging(async (record, keys) => keys.sign('bot', record, `--digest-algo ${hash} --allow-weak-key-signatures`)),
  ]),
  [
    'a signature of OpenSSH’s form',
    /with a key that/,
    forging(() => '-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ==\n-----END SSH SIGNATURE-----\n'),
  ],
];

describeReal(
  'forged signatures of OpenPGP',
  ['gpg', 'gpgconf'],
  () => {
    let keys: Awaited<ReturnType<typeof createGpgKeys>>;
    let at: Scene;
    beforeAll(async () => {
      keys = await createGpgKeys(['bot', 'dora', 'eve', 'old', 'mallory'], ['old']);
      const revocation = await keys.revoked('mallory');
      const signers = [
        ...(await Promise.all(['bot', 'dora', 'old'].map(async (owner) => keys.publicKey(owner)))),
        revocation,
      ];
      const roles = ['bot', 'old', 'mallory'].map((owner) => keys.fingerprint(owner)).join(', ');
      at = await scene(keys, config('gpg', roles), { signers: signers.join('\n') });
    });
    afterEach(() => at.restore());
    afterAll(async () => keys.remove());

    corpus([...ANY_METHOD, ...GPG], () => ({ at, keys }));
  },
  { optional: true },
);
