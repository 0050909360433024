// Which adapter a repository gets (src/cli/compose.ts), and who gets which credentials: hosts of Artifact Registry, hosts that only
// look like them. Every host is a server in this process, reached through a proxy that knows the names.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { composeRegistries } from '../../../src/cli/session/compose.ts';
import type { GlobalOptions } from '../../../src/cli/arguments/globals.ts';
import type { OpenRegistries } from '../../../src/compose/registries.ts';
import type { Io } from '../../../src/cli/process/io.ts';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { failureOf } from '../../support/failure.ts';
import {
  federationFile,
  GAR_CERTIFICATE,
  GAR_LOOK_ALIKES,
  GAR_PATH,
  garRepository,
  type GarServer,
  startGar,
  startTokenService,
  TOKEN,
  type TokenService,
} from '../../support/gar.ts';
import { textOf } from '../../support/oci.ts';
import { sampleIndex } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const STG = parseTag('stg');
let server: GarServer;
let google: TokenService;
let registries: OpenRegistries;
let folder: string;
const composed = (variables: Record<string, string> = {}): OpenRegistries => {
  const authorities = join(folder, 'ca.pem');
  writeFileSync(authorities, GAR_CERTIFICATE.cert);
  const env = {
    HOME: folder,
    HTTPS_PROXY: server.proxy.url,
    SSL_CERT_FILE: authorities,
    // Google's library asks the proxy even for this machine.
    NO_PROXY: '127.0.0.1',
    METADATA_SERVER_DETECTION: 'none',
    CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY: server.url,
    ...variables,
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const options: GlobalOptions = { directory: folder, output: 'table', input: false, timeout: 5 };
  registries = composeRegistries({ env } as unknown as Io, options, () => undefined, new AbortController().signal);
  return registries;
};
const withGoogle = (): OpenRegistries => composed({ GOOGLE_APPLICATION_CREDENTIALS: federationFile(folder, google) });
const withDocker = (): OpenRegistries => {
  const auth = Buffer.from(`oauth2accesstoken:${TOKEN}`).toString('base64');
  return composed({ DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'europe-west1-docker.pkg.dev': { auth } } }) });
};
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tagflow-gar-'));
  server = await startGar();
  google = await startTokenService();
  server.publish(GAR_PATH, sampleIndex(), V1);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  registries.close();
  rmSync(folder, { recursive: true });
  await google.stop();
  await server.stop();
});

describe('a repository of Artifact Registry', () => {
  it('has its images read by the Docker endpoint and its tags put by the API, with the credentials of Google', async () => {
    const registry = withGoogle().registryOf(garRepository());
    const { digest } = (await registry.resolve(garRepository(), V1))!;
    expect(await registry.tag(garRepository(), digest, STG)).toEqual({ changed: true, previous: undefined });
    expect(server.docker.lines.at(-1)).toBe(`GET /v2/${GAR_PATH}/manifests/V1.0`);
    expect(server.methods).toEqual(['GetTag', 'CreateTag']);
    expect(google.requests).toBe(1);
  });

  it('is copied from by its Docker endpoint, with a token of Google’s', async () => {
    const to = parseRepository(`oci:${join(folder, 'layout')}`);
    const { digest } = sampleIndex();
    const summary = await withGoogle().copyImage({ from: garRepository(), to, digest, label: 'app V1.0' });
    expect(summary).toMatchObject({ manifests: 3 });
    expect(server.methods).toEqual([]);
  });

  it('needs no credentials of Google’s where Docker’s files have some', async () => {
    const registry = withDocker().registryOf(garRepository());
    const { digest } = (await registry.resolve(garRepository(), V1))!;
    expect(await registry.tag(garRepository(), digest, STG)).toEqual({ changed: true, previous: undefined });
    expect(await registry.listTags(garRepository())).toEqual(['V1.0', 'stg']);
    expect(server.methods).toEqual([]);
    expect(google.requests).toBe(0);
  });

  it('without any credentials says how to log in to Google, and to Docker', async () => {
    const error = await failureOf(composed().registryOf(garRepository()).peek(garRepository(), V1));
    expect(error).toMatchObject({
      code: 'unauthorized',
      why: expect.stringContaining('no Application Default Credentials'),
      fix: expect.stringMatching(/gcloud auth application-default login.*docker login europe-west1-docker\.pkg\.dev/),
    });
  });
});

describe('case 25: another host, however alike', () => {
  it.each(GAR_LOOK_ALIKES.filter((host) => !host.endsWith('.')))(
    '%s gets no credentials of Google, and Google is not asked',
    async (host) => {
      const repository = parseRepository(`${host}/${GAR_PATH}`);
      const error = await failureOf(withGoogle().registryOf(repository).resolve(repository, V1));
      // It asked for a password, and there is none for it.
      expect(error).toMatchObject({ code: 'unauthorized', details: { host } });
      const { requests } = server.docker;
      expect(requests).not.toEqual([]);
      expect(requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
      const told = JSON.stringify(requests.map(({ headers, url }) => [headers, url])) + textOf(error);
      expect(told).not.toContain(TOKEN);
      expect(google.requests).toBe(0);
      expect(server.calls).toEqual([]);
    },
  );
});
