// The program itself over Artifact Registry: the example pipeline with its images in a repository there, a CI job's federated
// identity, Google's client over gRPC, the Docker endpoint behind a proxy and TLS. And what a run without it pays: nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../../src/registry/layout/sample-image.ts';
import { succeeded } from '../../support/cli.ts';
import { loadedPackages } from '../../support/loaded-packages.ts';
import {
  federationFile,
  GAR_CERTIFICATE,
  GAR_HOST,
  type GarServer,
  startGar,
  startTokenService,
  TOKEN,
  type TokenService,
} from '../../support/gar.ts';
import { createPipeline, type TestPipeline, VERSIONS } from '../../support/pipeline.ts';

const PROJECT = 'acme-prod/images';
let server: GarServer;
let google: TokenService;
let pipeline: TestPipeline;
let folder: string;
let outputs = '';
const environment = (): Record<string, string> => {
  const authorities = join(folder, 'ca.pem');
  writeFileSync(authorities, GAR_CERTIFICATE.cert);
  return {
    GOOGLE_APPLICATION_CREDENTIALS: federationFile(folder, google),
    CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY: server.url,
    METADATA_SERVER_DETECTION: 'none',
    HTTPS_PROXY: server.proxy.url,
    NO_PROXY: '127.0.0.1',
    NODE_EXTRA_CA_CERTS: authorities,
  };
};
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tagflow-gar-'));
  server = await startGar();
  google = await startTokenService();
  const names = Object.keys(VERSIONS);
  for (const [name, versions] of Object.entries(VERSIONS)) {
    for (const version of versions) server.publish(`${PROJECT}/${name}`, buildImage({ name, version }), version);
  }
  const tags = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      names.flatMap((name) =>
        [...server.tags(`${PROJECT}/${name}`)].map(([tag, digest]) => [`${name}:${tag}`, digest]),
      ),
    );
  pipeline = await createPipeline({ prefix: `${GAR_HOST}/${PROJECT}`, tags }, environment());
});
afterAll(async () => {
  await pipeline.remove();
  await google.stop();
  await server.stop();
  rmSync(folder, { recursive: true });
});
const tagflow = async (args: readonly string[], env: Record<string, string> = {}) => {
  const result = await pipeline.tagflow([...args, '-v'], { env });
  outputs += result.stdout + result.stderr;
  return result;
};
const digest = (name: string, version: string): string => buildImage({ name, version }).digest;

describe('a pipeline over Artifact Registry', () => {
  it('is promoted: the versions’ own digests get the environment’s tags, with no word of Google’s libraries', async () => {
    succeeded(await tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']));
    expect(await pipeline.images.tags()).toMatchObject({
      'django:dev': digest('django', 'V4.0'),
      'django:dev-1': digest('django', 'V4.0'),
      'mariadb:dev': digest('mariadb', 'V10.6'),
    });
    expect(outputs).not.toMatch(/\(node:|deprecat|MetadataLookup|gRPC/i);
  });

  it('is promoted again, and rolled back', async () => {
    succeeded(await tagflow(['promote', 'dev', 'django=V4.2']));
    expect(await pipeline.images.tags()).toMatchObject({ 'django:dev': digest('django', 'V4.2') });
    succeeded(await tagflow(['rollback', 'dev', '--reason', 'as a test wants it']));
    expect(await pipeline.images.tags()).toMatchObject({ 'django:dev': digest('django', 'V4.0') });
    expect(server.methods).not.toContain('DeleteTag');
  });

  it('is looked at by doctor: what IAM grants, and which clean-up policy would take what runs', async () => {
    const age = { tagState: 'ANY', olderThan: { seconds: 30 * 86_400 } };
    server.configure('images', {
      denied: ['artifactregistry.tags.update'],
      cleanupPolicies: { 'delete-old': { id: 'delete-old', action: 'DELETE', condition: age } },
    });
    server.uploadedAt(digest('django', 'V4.0'), new Date(Date.UTC(2024, 0, 1)));
    const writes = server.writes;
    const { stdout } = await tagflow(['doctor', '-o', 'json']);
    const told = stdout.replaceAll('\\"', '"');
    expect(told).toContain('artifactregistry.tags.update');
    expect(told).toMatch(
      /clean-up "delete-old" would delete images of dev: release \d+, which runs, \(django V4\.0\) now/,
    );
    expect(told).toContain('gcloud artifacts repositories list-cleanup-policies images --project=acme-prod');
    expect(server.writes).toBe(writes);
    server.configure('images', {});
  });

  it('case 11: an immutable repository is reported as such, with the command that allows moves', async () => {
    server.configure('images', { dockerConfig: { immutableTags: true } });
    const result = await tagflow(['tag', `${GAR_HOST}/${PROJECT}/django:V3.2`, 'dev']);
    expect(result).toFail({ code: 'tag-immutable', fix: /--no-immutable-tags/ });
    server.configure('images', {});
  });

  it('case 19: credentials of nobody are reported as such, with exit code 6', async () => {
    server.tokens.clear();
    const result = await tagflow(['tag', `${GAR_HOST}/${PROJECT}/mariadb:V10.6`, 'qa']);
    server.tokens.add(TOKEN);
    expect(result).toFail({ code: 'unauthorized', what: /rejects the access token/ });
  });

  it('case 42: no secret was ever shown', () => {
    expect(outputs).not.toBe('');
    for (const secret of [TOKEN, 'canary-job-token']) {
      expect(outputs).not.toContain(secret);
      expect(outputs).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
    }
  });
});

describe('Google’s packages', () => {
  const loaded = async (args: readonly string[]): Promise<string> => {
    const names = ['@google-cloud/artifact-registry', 'google-auth-library', '@grpc/grpc-js', '@aws-sdk/client-ecr'];
    return (await loadedPackages(args, names, { cwd: folder, env: environment() })).join(' ');
  };

  it.each([[['--help']], [['tag', '--help']], [['tag', 'oci:./nowhere:V1.0', 'dev']]])(
    'are not loaded by tagflow %j',
    async (args) => {
      expect(await loaded(args)).toBe('');
    },
  );

  it('are loaded for a repository of Artifact Registry, and those of other clouds are not', async () => {
    const names = await loaded(['tag', `${GAR_HOST}/${PROJECT}/mariadb:V10.6`, 'qa']);
    expect(names).toBe('@google-cloud/artifact-registry google-auth-library @grpc/grpc-js');
  });
});
