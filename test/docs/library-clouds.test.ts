// The library over Amazon ECR and Google Artifact Registry: the same examples, with nothing but the repositories' hosts in
// tagflow.yaml and the clouds' own variables. AWS and Google are servers in this process.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { promoteNewest } from '../../docs/examples/promote-newest.ts';
import { tagImage } from '../../docs/examples/tag-in-registries.ts';
import type { TagflowOptions } from '../../src/index.ts';
import { buildImage } from '../../src/registry/layout/sample-image.ts';
import { ECR_HOST, type EcrServer, KEYS, startEcr } from '../support/ecr.ts';
import {
  GAR_CERTIFICATE,
  GAR_HOST,
  type GarServer,
  type TokenService,
  federationFile,
  startGar,
  startTokenService,
} from '../support/gar.ts';
import { type TestPipeline, VERSIONS, createPipeline } from '../support/pipeline.ts';

let folder: string;
let pipeline: TestPipeline;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tagflow-clouds-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await pipeline.remove();
  rmSync(folder, { recursive: true });
});

function published(publish: (name: string, version: string) => void): void {
  for (const [name, versions] of Object.entries(VERSIONS)) for (const version of versions) publish(name, version);
}

/** The options of a program that promotes: the clouds' libraries read their variables from the process. */
function optionsWith(variables: Readonly<Record<string, string>>): TagflowOptions {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return {
    repo: pipeline.repository.folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...variables },
    who: { actor: 'library', author: 'Library <library@example.org>' },
  };
}

const tagsIn = (prefix: string): readonly string[] =>
  ['django', 'mariadb'].flatMap((name) => [`${prefix}/${name}:dev-1 is moved`, `${prefix}/${name}:dev is moved`]);

describe('over Amazon ECR', () => {
  const prefix = `${ECR_HOST}/acme`;
  let aws: EcrServer;
  beforeEach(async () => {
    aws = await startEcr();
    published((name, version) => aws.publish(`acme/${name}`, buildImage({ name, version }), version));
    pipeline = await createPipeline({ prefix, tags: async () => ({}) });
  });
  afterEach(async () => aws.stop());

  it('the newest versions are promoted, and an image is tagged', async () => {
    const options = optionsWith({
      AWS_ENDPOINT_URL_ECR: aws.url,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_SESSION_TOKEN: KEYS.sessionToken,
    });
    expect((await promoteNewest(options, 'dev')).toSorted()).toEqual(tagsIn(prefix).toSorted());
    const newest = buildImage({ name: 'django', version: 'V4.2' }).digest;
    expect(aws.tags('acme/django')).toMatchObject({ dev: newest, 'dev-1': newest });
    expect(await tagImage(options, `${prefix}/django`, 'dev', 'checked')).toBe(newest);
    expect(aws.tags('acme/django')).toMatchObject({ checked: newest });
  });
});

describe('over Google Artifact Registry', () => {
  const prefix = `${GAR_HOST}/acme-prod/images`;
  let server: GarServer;
  let google: TokenService;
  beforeEach(async () => {
    server = await startGar();
    google = await startTokenService();
    published((name, version) => server.publish(`acme-prod/images/${name}`, buildImage({ name, version }), version));
    pipeline = await createPipeline({ prefix, tags: async () => ({}) });
  });
  afterEach(async () => {
    await google.stop();
    await server.stop();
  });

  it('the newest versions are promoted, and an image is tagged', async () => {
    const authorities = join(folder, 'ca.pem');
    writeFileSync(authorities, GAR_CERTIFICATE.cert);
    const options = optionsWith({
      GOOGLE_APPLICATION_CREDENTIALS: federationFile(folder, google),
      CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY: server.url,
      METADATA_SERVER_DETECTION: 'none',
      HTTPS_PROXY: server.proxy.url,
      NO_PROXY: '127.0.0.1',
      SSL_CERT_FILE: authorities,
    });
    expect((await promoteNewest(options, 'dev')).toSorted()).toEqual(tagsIn(prefix).toSorted());
    const newest = buildImage({ name: 'django', version: 'V4.2' }).digest;
    expect(server.tags('acme-prod/images/django').get('dev')).toBe(newest);
    expect(await tagImage(options, `${prefix}/django`, 'dev', 'checked')).toBe(newest);
    expect(server.tags('acme-prod/images/django').get('checked')).toBe(newest);
  });
});
