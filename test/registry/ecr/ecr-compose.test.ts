// Which adapter a repository gets (src/cli/compose.ts), and who gets which credentials: real hosts of Amazon ECR, hosts that
// only look like them, the public gallery. Every host is a server in this process, reached through a proxy that knows the names.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { composeRegistries } from '../../../src/cli/session/compose.ts';
import type { GlobalOptions } from '../../../src/cli/arguments/globals.ts';
import type { OpenRegistries } from '../../../src/compose/registries.ts';
import type { Io } from '../../../src/cli/process/io.ts';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { createCertificate } from '../../support/certificate.ts';
import { ECR_HOST, type EcrServer, ecrRepository, KEYS, LOOK_ALIKES, startEcr } from '../../support/ecr.ts';
import { failureOf } from '../../support/failure.ts';
import { type HttpRegistry, startHttpRegistry } from '../../support/http-registry.ts';
import { textOf } from '../../support/oci.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { sampleIndex } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const NAMES = [ECR_HOST, 'public.ecr.aws', ...LOOK_ALIKES];
const certificate = createCertificate(NAMES.map((name) => name.replace(/:\d+$/, '')));
/** The emulator's first. */
const PASSWORD = 'canary-docker-password-1';
let aws: EcrServer;
let sink: HttpRegistry;
let proxy: TestProxy;
let registries: OpenRegistries;
let folder: string;
beforeEach(async () => {
  aws = await startEcr();
  sink = await startHttpRegistry({ tls: certificate, auth: { kind: 'basic', user: 'AWS', password: PASSWORD } });
  proxy = await startProxy(
    new Map(NAMES.map((name) => [/:\d+$/.test(name) ? name : `${name}:443`, sink.host] as const)),
  );
  folder = mkdtempSync(join(tmpdir(), 'tagflow-ecr-'));
  const authorities = join(folder, 'ca.pem');
  writeFileSync(authorities, certificate.cert);
  vi.stubEnv('AWS_ENDPOINT_URL_ECR', aws.url);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', KEYS.sessionToken);
  const env = { HOME: folder, HTTPS_PROXY: proxy.url, SSL_CERT_FILE: authorities, AWS_ENDPOINT_URL_ECR: aws.url };
  const options: GlobalOptions = { directory: folder, output: 'table', input: false, timeout: 5 };
  registries = composeRegistries({ env } as unknown as Io, options, () => undefined, new AbortController().signal);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  registries.close();
  rmSync(folder, { recursive: true });
  await proxy.stop();
  await sink.stop();
  await aws.stop();
});

describe('a repository of Amazon ECR', () => {
  it('is served by ECR’s own API', async () => {
    aws.publish('acme/app', sampleIndex(), V1);
    const registry = registries.registryOf(ecrRepository());
    expect(await registry.resolve(ecrRepository(), V1)).toMatchObject({ digest: sampleIndex().digest });
    expect(aws.operations).toEqual(['BatchGetImage']);
    expect(sink.requests).toEqual([]);
  });

  it('is copied from by its Docker endpoint, with the password that AWS gives for it', async () => {
    const index = sampleIndex();
    sink.publish('acme/app', index, V1);
    const to = parseRepository(`oci:${join(folder, 'layout')}`);
    const summary = await registries.copyImage({ from: ecrRepository(), to, digest: index.digest, label: 'app V1.0' });
    expect(summary).toMatchObject({ manifests: 3 });
    expect(aws.operations).toEqual(['GetAuthorizationToken']);
    expect(await registries.registryOf(to).resolve(to, index.digest)).toMatchObject({ digest: index.digest });
  });
});

describe('case 25: another host, however alike', () => {
  it.each(['public.ecr.aws', ...LOOK_ALIKES])('%s gets no credentials of AWS, and AWS is not asked', async (host) => {
    const repository = parseRepository(`${host}/acme/app`);
    const error = await failureOf(registries.registryOf(repository).resolve(repository, V1));
    // It asked for a password, and there is none for it.
    expect(error).toMatchObject({ code: 'unauthorized', details: { host } });
    expect(sink.requests).not.toEqual([]);
    expect(sink.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    const told = JSON.stringify(sink.requests.map(({ headers, url }) => [headers, url])) + textOf(error);
    for (const secret of Object.values(KEYS)) expect(told).not.toContain(secret);
    expect(aws.requests).toEqual([]);
  });
});
