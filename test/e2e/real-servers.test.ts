// The same story over real servers: Docker's registry with and without a password, Git over HTTP with Basic authentication
// and over ssh. What tagflow did is judged by others: skopeo reads the registry, kustomize renders the branches.
import { mkdir, mkdtemp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { digestOf } from '../../src/model/digest.ts';
import { CANARY, succeeded } from '../support/cli.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { run } from '../support/git-repository.ts';
import { type GitHttpServer, type SshServer, startGitHttpServer, startSshServer } from '../support/git-server.ts';
import { pushImage } from '../support/images.ts';
import {
  type TestPipeline,
  VERSIONS,
  changesNothing,
  createLayoutPipeline,
  createPipeline,
  recordOf,
  release,
  releaseOf,
} from '../support/pipeline.ts';
import { dockerConfig } from '../support/pipeline-servers.ts';
import { describeReal, describeSlow, findProgram } from '../support/real.ts';

const USER = 'ci';
const PASSWORD = CANARY.registryPassword;
const BASIC = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
const ENVIRONMENTS = ['dev', 'stg', 'prd'] as const;

/** An index of two platforms, and an image of one: what is promoted must stay what it is. */
const PLATFORMS: Readonly<Record<string, readonly string[]>> = {
  django: ['linux/amd64', 'linux/arm64'],
  mariadb: ['linux/amd64'],
};

/** A pipeline whose images are in Docker's registry. */
interface RealPipeline extends TestPipeline {
  /** `127.0.0.1:5000/acme` */
  readonly prefix: string;
  readonly authFile: string;
}

async function createRealPipeline({ host }: DockerRegistry, authorization?: string): Promise<RealPipeline> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  for (const [name, versions] of Object.entries(VERSIONS)) {
    for (const version of versions) {
      const platforms = PLATFORMS[name]!;
      await pushImage(host, `acme/${name}`, version, {
        platforms,
        content: `${name} ${version}`,
        ...(authorization !== undefined && { authorization }),
      });
    }
  }
  const prefix = `${host}/acme`;
  const tags = async (): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    for (const name of Object.keys(VERSIONS)) {
      const base = `http://${host}/v2/acme/${name}`;
      const list = (await (await fetch(`${base}/tags/list`, { headers })).json()) as { tags: string[] };
      for (const tag of list.tags) {
        const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
        const answer = await fetch(`${base}/manifests/${tag}`, { headers: { ...headers, accept } });
        found[`${name}:${tag}`] = digestOf(new Uint8Array(await answer.arrayBuffer()));
      }
    }
    return found;
  };
  const pipeline = await createPipeline({ prefix, tags });
  const config = await dockerConfig(pipeline.folder, host, authorization === undefined ? 'unused' : PASSWORD);
  Object.assign(pipeline.env, { DOCKER_CONFIG: config });
  return Object.assign(pipeline, { prefix, authFile: join(config, 'config.json') });
}

/** The digest of what skopeo reads under a tag. */
async function skopeoDigest({ prefix, authFile }: RealPipeline, reference: string): Promise<string> {
  const args = ['inspect', '--raw', '--tls-verify=false', '--authfile', authFile, `docker://${prefix}/${reference}`];
  return digestOf(await run('skopeo', args));
}

/** The images that the manifests of a branch name when kustomize has rendered them, containers and init containers. */
async function renderedImages({ repository, folder }: TestPipeline, environment: string): Promise<readonly string[]> {
  const tree = await mkdtemp(join(folder, 'tree-'));
  const archive = join(tree, 'tree.tar');
  await repository.git(['archive', '-o', archive, environment]);
  await mkdir(join(tree, 'files'));
  await run('tar', ['-xf', archive, '-C', join(tree, 'files')]);
  const text = await run('kubectl', ['kustomize', join(tree, 'files/environments', environment)]);
  return parseAllDocuments(text).flatMap((document) => {
    const pod = (document.toJS() as Workload).spec?.template?.spec;
    return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])].map(({ image }) => image);
  });
}

interface Workload {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly initContainers?: readonly { readonly image: string }[];
        readonly containers: readonly { readonly image: string }[];
      };
    };
  };
}

/** What skopeo and kustomize say of an environment, against its record. */
async function expectJudgedRight(pipeline: RealPipeline, environment: string): Promise<void> {
  const { sequence, images } = await recordOf(pipeline, environment);
  const { django, mariadb } = images;
  for (const [name, image] of Object.entries(images)) {
    const published = await skopeoDigest(pipeline, `${name}:${image.version}`);
    expect(await skopeoDigest(pipeline, `${name}:${environment}`)).toBe(published);
    expect(await skopeoDigest(pipeline, `${name}:${environment}-${sequence}`)).toBe(published);
    expect(image.digest).toBe(published);
  }
  const named = (name: string, { version, digest }: { version: string; digest: string }): string =>
    `${pipeline.prefix}/${name}:${version}@${digest}`;
  expect(await renderedImages(pipeline, environment)).toEqual([
    // The Deployment's init container, its container, and the StatefulSet's.
    named('django', django!),
    named('django', django!),
    named('mariadb', mariadb!),
  ]);
}

/** The story of story.test.ts, shorter, with judges. */
async function playStory(pipeline: RealPipeline): Promise<void> {
  const tagflow = async (...args: string[]): Promise<string> => succeeded(await pipeline.tagflow(['-v', ...args]));
  for (const branch of ENVIRONMENTS) await pipeline.repository.move(branch, undefined);
  await tagflow('init', '--yes');
  await tagflow('promote', 'dev', 'django=V4.0', 'mariadb=V10.6', '--reason', 'first release');
  await expectJudgedRight(pipeline, 'dev');
  for (const environment of ['stg', 'prd'] as const) {
    await tagflow('promote', environment);
    await expectJudgedRight(pipeline, environment);
    expect(await releaseOf(pipeline, environment)).toEqual(release(1, 'V4.0'));
  }
  await pipeline.repository.commit('main', { 'environments/prd/settings.env': 'DJANGO_DEBUG=0\n' });
  await tagflow('promote', 'dev', 'django=V4.2');
  await tagflow('promote', 'stg');
  await tagflow('promote', 'prd');
  await expectJudgedRight(pipeline, 'prd');
  expect(await tagflow('status', '--exit-code')).toMatch(/^prd +django +V4\.2 .*✓ in sync +✓ in sync$/m);
  await tagflow('rollback', 'prd', '--reason', 'INC-412');
  await expectJudgedRight(pipeline, 'prd');
  expect(await releaseOf(pipeline, 'prd')).toEqual(release(3, 'V4.0'));
  expect(await pipeline.repository.file('prd', 'environments/prd/settings.env')).toMatch(/LOG_LEVEL=warning/);
  const refused = await changesNothing(pipeline, async () => pipeline.tagflow(['-v', 'promote', 'prd']));
  expect(refused).toFail({ code: 'held', why: /INC-412/ });
}

describeSlow('over HTTP, with a password on both sides', ['docker-registry', 'htpasswd', 'skopeo', 'kubectl'], () => {
  let registry: DockerRegistry;
  let git: GitHttpServer;
  let pipeline: RealPipeline;

  beforeAll(async () => {
    registry = await startDockerRegistry({ htpasswd: { user: USER, password: PASSWORD } });
    pipeline = await createRealPipeline(registry, BASIC);
    const basicAuth = { username: USER, password: CANARY.gitToken };
    git = await startGitHttpServer({ root: dirname(pipeline.folder), basicAuth });
    Object.assign(pipeline.env, {
      TAGFLOW_REPO: `${git.url}/${basename(pipeline.folder)}/repository.git`,
      TAGFLOW_GIT_USERNAME: USER,
      TAGFLOW_GIT_TOKEN: CANARY.gitToken,
    });
  });

  afterAll(async () => {
    await git.close();
    await registry.stop();
    await pipeline.remove();
  });

  it('a release goes all the way, and back', { timeout: 120_000 }, async () => {
    await playStory(pipeline);
    expect(git.requests.filter(({ authorization }) => authorization === undefined)).toEqual([]);
  });

  it('a wrong password for the registry, or a wrong token for Git, changes nothing', { timeout: 60_000 }, async () => {
    const args = ['-v', 'promote', 'dev', 'mariadb=V10.11'];
    const wrongPassword = { DOCKER_CONFIG: await dockerConfig(pipeline.folder, registry.host, 'wrong') };
    expect(await changesNothing(pipeline, async () => pipeline.tagflow(args, { env: wrongPassword }))).toFail({
      code: 'unauthorized',
    });
    const wrongToken = { TAGFLOW_GIT_TOKEN: 'wrong' };
    expect(await changesNothing(pipeline, async () => pipeline.tagflow(args, { env: wrongToken }))).toFail({
      code: 'unauthorized',
    });
    // The token may as well come from a file, or stand in the URL.
    const url = new URL(pipeline.env['TAGFLOW_REPO']!);
    url.username = USER;
    url.password = CANARY.gitToken;
    const inUrl = { TAGFLOW_REPO: url.href, TAGFLOW_GIT_TOKEN: undefined, TAGFLOW_GIT_USERNAME: undefined };
    succeeded(await pipeline.tagflow(['-v', 'status'], { env: inUrl }));
  });
});

describeSlow('over ssh, with an open registry', ['docker-registry', 'sshd', 'skopeo', 'kubectl'], () => {
  let registry: DockerRegistry;
  let ssh: SshServer;
  let pipeline: RealPipeline;

  beforeAll(async () => {
    [registry, ssh] = await Promise.all([startDockerRegistry(), startSshServer()]);
    pipeline = await createRealPipeline(registry);
    Object.assign(pipeline.env, {
      TAGFLOW_REPO: `${ssh.url}${pipeline.repository.folder}`,
      GIT_SSH_COMMAND: ssh.command,
      DOCKER_CONFIG: '/nonexistent',
    });
  });

  afterAll(async () => {
    await ssh.close();
    await registry.stop();
    await pipeline.remove();
  });

  it('a release goes all the way, and back', { timeout: 120_000 }, async () => {
    await playStory(pipeline);
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(2, 'V4.2'));
  });

  it('a key that the server does not know changes nothing', async () => {
    const env = { GIT_SSH_COMMAND: ssh.strangerCommand };
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['-v', 'promote', 'stg'], { env }));
    expect(result).toFail({ code: 'unauthorized', fix: /key/ });
  });

  it('an image that is deleted in the registry is found before a rollback moves anything', async () => {
    const { images } = await recordOf(pipeline, 'dev');
    const link = join(registry.root, 'docker/registry/v2/repositories/acme/django/_manifests/revisions/sha256');
    expect(images['django']?.version).toBe('V4.2');
    await run('rm', ['-r', join(link, (await skopeoDigest(pipeline, 'django:V4.0')).slice(7))]);
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['-v', 'rollback', 'dev']));
    expect(result).toFail({ code: 'digest-not-found', what: /acme\/django no longer has django V4\.0/ });
  });
});

describeReal('OCI layouts on disk', ['skopeo', 'umoci'], () => {
  it('are read by skopeo and umoci as tagflow left them', async () => {
    const pipeline = await createLayoutPipeline();
    succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']));
    const { images } = await recordOf(pipeline, 'dev');
    const layout = join(pipeline.folder, 'registry/django');
    for (const tag of ['dev', 'dev-1', 'V4.0']) {
      expect(digestOf(await run('skopeo', ['inspect', '--raw', `oci:${layout}:${tag}`]))).toBe(
        images['django']?.digest,
      );
    }
    const listed = (await run(findProgram('umoci')!, ['ls', '--layout', layout])).trim().split('\n').sort();
    expect(listed).toEqual(['V3.2', 'V4.0', 'V4.2', 'dev', 'dev-1']);
    await pipeline.remove();
  });
});
