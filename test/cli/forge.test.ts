// The forge that the CLI composes: where its token is from, and that it goes through proxies and trusts what it is asked to.
import { writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ForgeSettings, composeForge } from '../../src/compose/forge.ts';
import type { Forge } from '../../src/forge/forge.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import { createCertificate } from '../support/certificate.ts';
import { runCli } from '../support/cli.ts';
import { createInstantClock } from '../support/clock.ts';
import { failureOf } from '../support/failure.ts';
import { FORGE_TOKENS, type ForgeServer, startForgeServer } from '../support/forge-server.ts';
import { temporaryFolder } from '../support/git-repository.ts';
import { type TestProxy, startProxy } from '../support/proxy.ts';

const MAIN = 'main' as BranchName;
const HOSTS = { github: 'github.acme.example', gitlab: 'gitlab.acme.example' } as const;

let folder: string;
let server: ForgeServer;
let proxy: TestProxy;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await temporaryFolder('compose-forge');
  const certificate = createCertificate(Object.values(HOSTS));
  await writeFile(join(folder, 'ca.pem'), certificate.cert);
  await writeFile(join(folder, 'token'), `${FORGE_TOKENS.writer}\n`);
  await writeFile(join(folder, 'empty'), '\n');
  server = await startForgeServer({ tls: certificate });
  await server.repository.commit('main', { a: 'x' });
  const address = new URL(server.origin).host;
  proxy = await startProxy(new Map(Object.values(HOSTS).map((host) => [`${host}:443`, address])));
  const url = new URL(proxy.url);
  env = {
    HTTPS_PROXY: `http://me:canary-password@${url.host}`,
    NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    TAGFLOW_FORGE_TOKEN: FORGE_TOKENS.writer,
  };
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

const compose = async (kind: keyof typeof HOSTS, more: Partial<ForgeSettings> = {}): Promise<Forge> =>
  composeForge({
    remote: { url: `https://${HOSTS[kind]}/acme/app.git`, namedByCaller: true },
    env,
    directory: folder,
    kind: undefined,
    clock: createInstantClock(),
    random: () => 0.5,
    ...more,
  });

describe.each(['github', 'gitlab'] as const)('a composed forge: %s', (kind) => {
  it('goes through the proxy, and trusts the authority that is named', async () => {
    expect(await (await compose(kind)).openOnto(MAIN)).toEqual([]);
    expect(proxy.lines.at(-1)).toBe(`CONNECT ${HOSTS[kind]}:443`);
  });

  it('trusts nobody else', async () => {
    const { NODE_EXTRA_CA_CERTS: _, ...others } = env;
    const error = await failureOf((await compose(kind, { env: others })).openOnto(MAIN));
    expect(error).toMatchObject({ code: 'forge-unavailable', why: expect.stringMatching(/self-signed certificate/) });
  });

  it('keeps the proxy’s password to itself', async () => {
    const url = `https://${kind}.nowhere.example/acme/app.git`;
    const error = await failureOf((await compose(kind, { remote: { url, namedByCaller: true } })).openOnto(MAIN));
    expect(error.code).toBe('forge-unavailable');
    expect(`${error.message} ${error.why} ${error.fix} ${error.stack}`).not.toContain('canary-password');
  });

  it('takes its token from a file', async () => {
    const { TAGFLOW_FORGE_TOKEN: _, ...others } = env;
    const forge = await compose(kind, { env: { ...others, TAGFLOW_FORGE_TOKEN_FILE: 'token' } });
    expect(await forge.openOnto(MAIN)).toEqual([]);
  });

  it.each(['empty', 'none'])('says that a file holds no token: %s', async (file) => {
    const error = await failureOf(compose(kind, { env: { TAGFLOW_FORGE_TOKEN_FILE: file } }));
    expect(error).toMatchObject({
      code: 'credentials-invalid',
      message: `${join(folder, file)} does not hold a token`,
    });
  });

  it('says that there is no token', async () => {
    expect(await failureOf(compose(kind, { env: {} }))).toMatchObject({ code: 'unauthorized' });
  });
});

describe('octokit', () => {
  afterEach(async () => rm(join(folder, 'spy.mjs'), { force: true }));

  it.each([[['--help']], [['promote', '--help']], [['status', '--help']]])(
    'is not loaded by tagflow %j',
    async (args) => {
      // A module of a package is resolved when it is loaded, and only then.
      const spy = join(folder, 'spy.mjs');
      await writeFile(
        spy,
        `import { registerHooks } from 'node:module';
       const seen = [];
       registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context); } });
       process.on('exit', () => process.stderr.write(seen.some((name) => name.includes('octokit')) ? 'octokit loaded' : 'octokit not loaded'));
       if (process.env.SPY_LOADS) await import(process.env.SPY_LOADS);`,
      );
      const loads = async (own: Record<string, string>): Promise<string> =>
        (await runCli(args, { cwd: folder, env: { NODE_OPTIONS: `--import=${spy}`, ...own } })).stderr;
      expect(await loads({})).toMatch(/octokit not loaded$/);
      expect(await loads({ SPY_LOADS: import.meta.resolve('octokit') })).toMatch(/octokit loaded$/);
    },
  );
});
