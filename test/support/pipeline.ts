// A whole pipeline for end-to-end tests: the example of environments/, exactly those files, with its tagflow.yaml at the
// root of a bare repository, and its images in a registry: OCI layouts on disk, or a server.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import { parseTag } from '../../src/model/reference.ts';
import { createLayoutWriter } from '../../src/registry/layout/writer.ts';
import { buildImage } from '../../src/registry/layout/sample-image.ts';
import { type CliOptions, type CliResult, type RunningCli, runCli, startCli, succeeded } from './cli.ts';
import { type GitRepository, createGitRepository, openGitRepository, temporaryFolder } from './git-repository.ts';
import { descriptorsOf, indexText, machineClock } from './layouts.ts';

/** The example's images and their versions, oldest first. */
export const VERSIONS = {
  django: ['V3.2', 'V4.0', 'V4.2'],
  mariadb: ['V10.3', 'V10.6', 'V10.11'],
} as const;

const EXAMPLE = join(import.meta.dirname, '../../environments');

/** Where the images are. */
export interface ImageStore {
  /** What stands before the image's name in tagflow.yaml: `oci:registry`, `127.0.0.1:5000/acme`. */
  readonly prefix: string;
  /** Every tag of every image, `django:dev` -> digest. */
  tags(): Promise<Readonly<Record<string, string>>>;
}

/** All that a promotion may change, at one moment. */
export interface Snapshot {
  /** Branch -> head. */
  readonly heads: Readonly<Record<string, string>>;
  /** `django:dev` -> digest. */
  readonly tags: Readonly<Record<string, string>>;
}

/** A repository and its images, and tagflow to work on them. */
export interface TestPipeline {
  /** Where tagflow is started; no checkout. */
  readonly folder: string;
  readonly repository: GitRepository;
  readonly images: ImageStore;
  /** What tagflow is given as the environment, beside that of every run. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs tagflow to its end, and asserts that it leaves nothing behind on the disk. */
  tagflow(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  start(args: readonly string[], options?: CliOptions): RunningCli;
  snapshot(): Promise<Snapshot>;
  remove(): Promise<void>;
}

/** The example's files as they are at the root of its repository; `prefix` stands in place of `oci:registry`. */
export async function exampleFiles(prefix = 'oci:registry'): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(EXAMPLE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = relative(EXAMPLE, file);
    const text = await readFile(file, 'utf8');
    if (path === 'tagflow.yaml') files[path] = withoutUpstreamGate(text.replaceAll('oci:registry', prefix));
    else files[`environments/${path}`] = text;
  }
  return files;
}

/** Opens a pipeline in a folder that has `repository.git`. */
async function openPipeline(
  folder: string,
  images: ImageStore,
  env: Readonly<Record<string, string>> = {},
): Promise<TestPipeline> {
  const repository = openGitRepository(join(folder, 'repository.git'));
  const workFolder = join(folder, 'work');
  await mkdir(workFolder, { recursive: true });
  const own = { TAGFLOW_REPO: repository.folder, TAGFLOW_CACHE_DIR: workFolder, ...env };
  const settings = (options: CliOptions = {}): CliOptions => ({
    cwd: folder,
    ...options,
    env: { ...own, ...options.env },
  });
  return {
    folder,
    repository,
    images,
    env: own,
    async tagflow(args, options) {
      // A folder of its own for each run, so that runs beside one another can each be seen to leave nothing behind.
      const work = await mkdtemp(join(workFolder, 'run-'));
      const result = await runCli(args, settings({ ...options, env: { TAGFLOW_CACHE_DIR: work, ...options?.env } }));
      expect(await readdir(work)).toEqual([]);
      return result;
    },
    start: (args, options) => startCli(args, settings(options)),
    async snapshot() {
      const refs = await repository.git(['for-each-ref', '--format=%(refname) %(objectname)']);
      const heads = Object.fromEntries(
        refs
          .split('\n')
          .filter(Boolean)
          .map((line) => line.replace('refs/heads/', '').split(' ')),
      ) as Record<string, string>;
      return { heads, tags: await images.tags() };
    },
    async remove() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A new pipeline: the example on `main`, the environment branches at it. The images are the caller's to publish. */
export async function createPipeline(
  images: ImageStore,
  env?: Readonly<Record<string, string>>,
): Promise<TestPipeline> {
  const folder = await temporaryFolder('pipeline');
  await createGitRepository({ folder: join(folder, 'repository.git') });
  const pipeline = await openPipeline(folder, images, env);
  const main = await pipeline.repository.commit('main', await exampleFiles(images.prefix), {
    message: 'shop: the application and its environments\n',
  });
  for (const branch of ['dev', 'stg', 'prd']) await pipeline.repository.move(branch, main);
  return pipeline;
}

/** A new pipeline over OCI layouts on disk: nothing but files and Git. */
export async function createLayoutPipeline(): Promise<TestPipeline> {
  const writer = createLayoutWriter({ clock: machineClock });
  let folder = '';
  const images = layoutStore(() => folder);
  const pipeline = await createPipeline(images);
  ({ folder } = pipeline);
  for (const [name, versions] of Object.entries(VERSIONS)) {
    for (const version of versions) {
      const image = buildImage({ name, version });
      await writer.publishImage(join(folder, 'registry', name), image, parseTag(version));
    }
  }
  return pipeline;
}

/** A copy of a pipeline over layouts, with everything in it. */
export async function forkPipeline(original: TestPipeline): Promise<TestPipeline> {
  const folder = await temporaryFolder('pipeline');
  // Work folders of runs that are still going come and go under the copy's feet.
  const work = join(original.folder, 'work');
  await cp(original.folder, folder, { recursive: true, filter: (source) => !source.startsWith(`${work}/`) });
  return openPipeline(
    folder,
    layoutStore(() => folder),
  );
}

/** Tests promote any version to any environment; that upstream has to have released it is played by the demo. */
function withoutUpstreamGate(config: string): string {
  return config.replaceAll(/^( +)from: .*$/gm, '$&\n$1gates: { upstream: off }');
}

/**
 * Brings a new pipeline to where most tests begin: V4.0 and V10.6 are release 1 of all environments, and dev went on to
 * django V4.2 with its release 2.
 */
export async function firstReleases(pipeline: TestPipeline): Promise<TestPipeline> {
  succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6', '--reason', 'first release']));
  succeeded(await pipeline.tagflow(['promote', 'stg']));
  succeeded(await pipeline.tagflow(['promote', 'prd']));
  succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.2', '--reason', 'SHOP-7 new checkout']));
  return pipeline;
}

/** What the tests of a file start from: `firstReleases`, made before them, and copies of it; all removed after them. */
export function describeReleased(): {
  /** The one that no test may change. */
  readonly original: () => TestPipeline;
  readonly fork: () => Promise<TestPipeline>;
} {
  const made: TestPipeline[] = [];
  const keep = (pipeline: TestPipeline): TestPipeline => {
    made.push(pipeline);
    return pipeline;
  };
  const original = (): TestPipeline => made[0]!;
  beforeAll(async () => {
    await firstReleases(keep(await createLayoutPipeline()));
  });
  afterAll(async () => {
    for (const pipeline of made) await pipeline.remove();
  });
  return { original, fork: async () => keep(await forkPipeline(original())) };
}

/** The digest of one of the example's images. */
export function digestOfImage(name: string, version: string): Digest {
  return buildImage({ name, version }).digest;
}

/** Does something that must change nothing: every branch and every tag is as before. */
export async function changesNothing<T>(pipeline: TestPipeline, action: () => Promise<T>): Promise<T> {
  const before = await pipeline.snapshot();
  const result = await action();
  expect(await pipeline.snapshot()).toEqual(before);
  return result;
}

/** What a branch says an environment runs: image -> version and digest, by its record. */
export async function recordOf(
  { repository }: TestPipeline,
  environment: string,
): Promise<{
  readonly sequence: number;
  readonly images: Readonly<Record<string, { version: string; digest: string }>>;
}> {
  const text = (await repository.file(environment, `.tagflow/releases/${environment}.yaml`)) ?? '';
  const { parse } = await import('yaml');
  return parse(text) as Awaited<ReturnType<typeof recordOf>>;
}

/** What an environment has, read from its branch and its registry by others than tagflow. */
export interface TestRelease {
  readonly sequence: number;
  readonly django: string;
  readonly mariadb: string;
  /** The manifests of the environment name exactly the record's digests. */
  readonly pinned: boolean;
  /** Target tag and per-release tag of every image are the record's digests. */
  readonly tagged: boolean;
}

/** A release as it should be: whole. */
export function release(sequence: number, django: string, mariadb = 'V10.6'): TestRelease {
  return { sequence, django, mariadb, pinned: true, tagged: true };
}

/** The release an environment has. */
export async function releaseOf(pipeline: TestPipeline, environment: string): Promise<TestRelease> {
  const { sequence, images } = await recordOf(pipeline, environment);
  const { tags } = await pipeline.snapshot();
  const text = await pipeline.repository.file(environment, `environments/${environment}/kustomization.yaml`);
  const pins = text?.match(/sha256:[0-9a-f]{64}/g) ?? [];
  const digests = Object.values(images).map(({ digest }) => digest);
  const named = Object.entries(images);
  return {
    sequence,
    django: images['django']?.version ?? 'none',
    mariadb: images['mariadb']?.version ?? 'none',
    pinned: JSON.stringify(pins) === JSON.stringify(digests),
    tagged: named.every(([name, { digest }]) =>
      [environment, `${environment}-${sequence}`].every((tag) => tags[`${name}:${tag}`] === digest),
    ),
  };
}

function layoutStore(folder: () => string): ImageStore {
  return {
    prefix: 'oci:registry',
    async tags() {
      const tags: Record<string, string> = {};
      for (const name of Object.keys(VERSIONS)) {
        const directory = join(folder(), 'registry', name);
        if (!existsSync(join(directory, 'index.json'))) continue;
        for (const [tag, digest] of tagsIn(directory)) tags[`${name}:${tag}`] = digest;
      }
      return tags;
    },
  };
}

/** The tags of a layout; of one that cannot be read, its bytes. */
function tagsIn(directory: string): readonly (readonly [string, string])[] {
  try {
    return descriptorsOf(directory).flatMap(({ digest = '', annotations }) => {
      const tag = annotations?.['org.opencontainers.image.ref.name'];
      return tag === undefined ? [] : [[tag, digest] as const];
    });
  } catch {
    return [['unreadable', indexText(directory)]];
  }
}
