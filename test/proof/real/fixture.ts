// The smallest pipeline that has everything: two images, two environments (stg takes from dev), and the releases that the
// commands of the proof begin from. It is made by tagflow itself, once, and copied for each point or season.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTag } from '../../../src/model/reference.ts';
import { buildImage } from '../../../src/registry/layout/sample-image.ts';
import { createLayoutWriter } from '../../../src/registry/layout/writer.ts';
import { type GitRepository, createGitRepository } from '../../support/git-repository.ts';
import { pushImage } from '../../support/images.ts';
import { machineClock } from '../../support/layouts.ts';
import type { History } from '../checker/history.ts';
import type { LinePlace } from './read-history.ts';

/** The images, and the versions that each is published as, oldest first. */
export const IMAGES: Readonly<Record<string, readonly string[]>> = {
  app: ['v1.0', 'v1.1', 'v1.2', 'v1.3'],
  db: ['v1.0', 'v1.1'],
};

/** What was published: by image, the versions and their digests. */
export type Published = NonNullable<History['published']>;

/** Every release of stg fails. Nobody but `tagflow verify` asks. */
const VERIFY = `{ timeout: 1s, onFailure: rollback, steps: [{ name: live, command: ['false'] }] }`;

/** The files of the trunk; `prefix` stands before the name of an image: `oci:registry`, `127.0.0.1:5000/acme`. */
function trunkFiles(prefix: string, names: readonly string[]): Record<string, string> {
  const images = names.map((name) => `  ${name}: { repository: '${prefix}/${name}' }\n`).join('');
  const manifest = `images:\n${names.map((name) => `  - name: ${name}\n    newTag: v0\n`).join('')}`;
  return {
    'tagflow.yaml': `version: 1\nimages:\n${images}environments:\n  dev: {}\n  stg:\n    from: dev\n    gates: { upstream: off }\n    verify: ${VERIFY}\n`,
    'environments/dev/kustomization.yaml': manifest,
    'environments/stg/kustomization.yaml': manifest,
    'settings.env': 'LEVEL=1\n',
  };
}

/** Publishes the images into layouts below a folder. */
export async function publishLayouts(folder: string): Promise<Published> {
  const writer = createLayoutWriter({ clock: machineClock });
  const published: Record<string, { version: string; digest: string }[]> = {};
  for (const [name, versions] of Object.entries(IMAGES)) {
    published[name] = [];
    for (const version of versions) {
      const image = buildImage({ name, version });
      await writer.publishImage(join(folder, name), image, parseTag(version));
      published[name].push({ version, digest: image.digest });
    }
  }
  return published;
}

/** Publishes the images to a registry, below a path. */
export async function publishImages(host: string, path: string): Promise<Published> {
  const published: Record<string, { version: string; digest: string }[]> = {};
  for (const [name, versions] of Object.entries(IMAGES)) {
    published[name] = [];
    for (const version of versions) {
      const { digest } = await pushImage(host, `${path}/${name}`, version, { content: `${name} ${version}` });
      published[name].push({ version, digest });
    }
  }
  return published;
}

/** An empty pipeline: the trunk, and both branches at it. */
export async function createRepository(
  folder: string,
  prefix: string,
  images: readonly string[] = Object.keys(IMAGES),
): Promise<GitRepository> {
  await mkdir(folder, { recursive: true });
  const repository = await createGitRepository({ folder: join(folder, 'repository.git') });
  const main = await repository.commit('main', trunkFiles(prefix, images));
  for (const branch of ['dev', 'stg']) await repository.move(branch, main);
  return repository;
}

/**
 * Brings a new pipeline to where the commands of the proof begin: stg had app v1.0 and v1.1 and has v1.2 with its release
 * 3, each with a configuration of its own; dev went on to v1.3. `before` is called just before stg's release 3.
 */
export async function makeReleases(
  repository: GitRepository,
  tagflow: (args: readonly string[]) => Promise<void>,
  before: () => Promise<void>,
): Promise<void> {
  await tagflow(['promote', 'dev', 'app=v1.0', 'db=v1.0']);
  await tagflow(['promote', 'stg']);
  for (const [index, version] of ['v1.1', 'v1.2', 'v1.3'].entries()) {
    await repository.commit('main', { 'settings.env': `LEVEL=${index + 2}\n` });
    await tagflow(['promote', 'dev', `app=${version}`]);
    if (version === 'v1.2') await before();
    if (version !== 'v1.3') await tagflow(['promote', 'stg']);
  }
  await beginJournal(tagflow);
  // Packed, so that a copy is a few files.
  await repository.git(['gc', '--quiet', '--prune=now']);
}

/** Begins the journal, with a lock and a hold on dev: every release of stg is made beside it, and there is something to end. */
async function beginJournal(tagflow: (args: readonly string[]) => Promise<void>): Promise<void> {
  await tagflow(['lock', 'dev', '--reason', 'INC-7']);
  await tagflow(['hold', 'app@v1.0', 'dev', '--reason', 'INC-8']);
}

/** Two applications whose environments are folders of the trunk, and the image that each has. */
export const APPLICATIONS: Readonly<Record<string, string>> = { shop: 'app', data: 'db' };

/** A line of such a pipeline. */
export function folderLine(environment: string, application: string): LinePlace {
  return {
    name: `${environment}/${application}`,
    branch: 'main',
    tag: `${application}-${environment}`,
    record: `.tagflow/releases/${application}/${environment}.yaml`,
    manifest: `apps/${application}/${environment}/kustomization.yaml`,
    isShared: true,
  };
}

/** An empty pipeline of two applications: one branch, and nothing released. */
export async function createLinesRepository(folder: string, prefix: string): Promise<GitRepository> {
  await mkdir(folder, { recursive: true });
  const repository = await createGitRepository({ folder: join(folder, 'repository.git') });
  const applications = Object.entries(APPLICATIONS);
  const blocks = applications.map(
    ([name, image]) =>
      `  ${name}:\n    path: apps/${name}/{environment}\n    images: { ${image}: { repository: '${prefix}/${image}' } }\n`,
  );
  const tag = `tag: '{application}-{environment}'`;
  const manifests = applications.flatMap(([name, image]) =>
    ['dev', 'stg'].map((environment) => [
      folderLine(environment, name).manifest,
      `images:\n  - name: ${image}\n    newTag: v0\n`,
    ]),
  );
  await repository.commit('main', {
    'tagflow.yaml': `version: 1\nlayout: folders\napplications:\n${blocks.join('')}environments:\n  dev: { ${tag} }\n  stg: { from: dev, gates: { upstream: off }, ${tag} }\n`,
    ...(Object.fromEntries(manifests) as Record<string, string>),
  });
  return repository;
}

/** Brings it to where `--all` has something to do for each: stg has the first release of both, and dev something else. */
export async function makeLineReleases(
  repository: GitRepository,
  tagflow: (args: readonly string[]) => Promise<void>,
): Promise<void> {
  const release = async (versions: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, image] of Object.entries(APPLICATIONS)) {
      await tagflow(['promote', 'dev', name, `${image}=${versions[image]}`]);
    }
  };
  await release({ app: 'v1.0', db: 'v1.0' });
  await tagflow(['promote', 'stg', '--all']);
  await release({ app: 'v1.1', db: 'v1.1' });
  await tagflow(['lock', 'dev', '--reason', 'INC-7']);
  await repository.git(['gc', '--quiet', '--prune=now']);
}
