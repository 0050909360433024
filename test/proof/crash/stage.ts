// Where points are played: servers or files that are there for the whole sweep, and for each point a copy of the fixture of
// its own, so that no point sees another.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DockerRegistry } from '../../support/docker-registry.ts';
import type { GitHttpServer } from '../../support/git-server.ts';
import type { History } from '../checker/history.ts';
import type { GitRepository } from '../../support/git-repository.ts';
import {
  APPLICATIONS,
  IMAGES,
  type Published,
  createLinesRepository,
  createRepository,
  folderLine,
  makeLineReleases,
  makeReleases,
  publishImages,
  publishLayouts,
} from '../real/fixture.ts';
import { now, startActor } from '../real/program.ts';
import { type LinePlace, branchLine, readHeads, readLayoutTags, readRegistryTags } from '../real/read-history.ts';
import { type Gate, startGate } from './gate.ts';
import type { CommandName, Transport } from './points.ts';

/** A pipeline of one point's own. */
export interface Place {
  /** Where its actors are started, and below which everything of it is that actors write. */
  readonly folder: string;
  /** The bare repository. */
  readonly repository: string;
  readonly heads: Readonly<Record<string, string>>;
  /** The lines that its commands may move, and those that they may not. */
  readonly lines: readonly LinePlace[];
  /** None: its environments are branches. */
  readonly applications: readonly string[];
  /** What its actors are given as the environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly published: Published;
  /** What tagflow calls an image's repository. */
  readonly nameOf: (image: string) => string;
  tags(): History['tags'];
  remove(): void;
}

/** One lane of the sweep: points are played on it one after the other. */
export interface Stage {
  readonly transport: Transport;
  /** Undefined over files. */
  readonly gate: Gate | undefined;
  readonly program: string;
  /** A fresh place, for a command: `apply` finds a release whose tags nobody has put yet. */
  prepare(command: CommandName): Promise<Place>;
  close(): Promise<void>;
}

/** A pipeline that places are copied from, and how it is brought to where its commands begin. */
interface Fixture {
  readonly name: string;
  readonly lines: readonly LinePlace[];
  readonly applications: readonly string[];
  create(folder: string, prefix: string): Promise<GitRepository>;
  /** `before` is called just before the release whose tags `apply` finds missing. */
  release(repository: GitRepository, tagflow: Setup, before: () => Promise<void>): Promise<void>;
}

type Setup = (args: readonly string[]) => Promise<void>;

const BRANCHES: Fixture = {
  name: 'fixture',
  lines: [branchLine('stg')],
  applications: [],
  create: createRepository,
  release: makeReleases,
};

const LINES: Fixture = {
  name: 'lines',
  lines: ['dev', 'stg'].flatMap((environment) =>
    Object.keys(APPLICATIONS).map((application) => folderLine(environment, application)),
  ),
  applications: Object.keys(APPLICATIONS),
  create: createLinesRepository,
  release: makeLineReleases,
};

const FIXTURES = [BRANCHES, LINES];

function fixtureOf(command: CommandName): Fixture {
  return command === 'all' ? LINES : BRANCHES;
}

/** What stages share. */
export interface Ground {
  /** The folder of the whole sweep; Git's server serves it. */
  readonly folder: string;
  readonly program: string;
  readonly git: GitHttpServer;
  readonly registry: DockerRegistry;
}

/** Opens a lane over servers, and makes its fixture: records name the gate's port, so each lane has one of its own. */
export async function openServerStage({ folder, program, git, registry }: Ground, lane: string): Promise<Stage> {
  const gate = await startGate(now);
  const prefix = `${gate.host}/acme`;
  const home = join(folder, lane);
  const storage = join(registry.root, 'docker/registry/v2/repositories', lane);
  const env = { TAGFLOW_REPO: `http://${gate.host}/git/repository.git` };
  const leadTo = (name: string): void => {
    gate.reset();
    gate.route = { git: `${git.url}/${lane}/${name}`, registry: `http://${registry.host}/v2/${lane}/${name}` };
  };
  let published: Published = {};
  const heads = new Map<Fixture, Place['heads']>();
  for (const fixture of FIXTURES) {
    const { name } = fixture;
    leadTo(name);
    published = await publishImages(registry.host, `${lane}/${name}`);
    const repository = await fixture.create(join(home, name), prefix);
    await fixture.release(
      repository,
      async (args) => runSetup(program, args, join(home, name), env),
      async () => copy(join(storage, name), join(storage, 'before')),
    );
    heads.set(fixture, await readHeads(repository.folder));
  }
  const nameOf = (image: string): string => `${prefix}/${image}`;
  let count = 0;
  return {
    transport: 'servers',
    gate,
    program,
    async prepare(command) {
      count += 1;
      const name = `p${count}`;
      const place = join(home, name);
      const fixture = fixtureOf(command);
      copy(join(home, fixture.name, 'repository.git'), join(place, 'repository.git'));
      copy(join(storage, command === 'apply' ? 'before' : fixture.name), join(storage, name));
      leadTo(name);
      return {
        folder: place,
        repository: join(place, 'repository.git'),
        heads: heads.get(fixture) ?? {},
        lines: fixture.lines,
        applications: fixture.applications,
        env,
        published,
        nameOf,
        tags: () =>
          Object.keys(IMAGES).flatMap((image) =>
            readRegistryTags(registry.root, `${lane}/${name}/${image}`, nameOf(image)),
          ),
        remove() {
          for (const path of [place, join(storage, name)]) rmSync(path, { recursive: true, force: true });
        },
      };
    },
    close: () => gate.close(),
  };
}

/** Opens a lane over files, and makes its fixture. */
export async function openFileStage({ folder, program }: Ground, lane: string): Promise<Stage> {
  const home = join(folder, lane);
  let published: Published = {};
  const heads = new Map<Fixture, Place['heads']>();
  for (const fixture of FIXTURES) {
    const made = join(home, fixture.name);
    const repository = await fixture.create(made, 'oci:registry');
    published = await publishLayouts(join(made, 'registry'));
    await fixture.release(
      repository,
      async (args) => runSetup(program, args, made, { TAGFLOW_REPO: repository.folder }),
      async () => copy(join(made, 'registry'), join(made, 'before')),
    );
    heads.set(fixture, await readHeads(repository.folder));
  }
  const nameOf = (image: string): string => `oci:registry/${image}`;
  let count = 0;
  return {
    transport: 'files',
    gate: undefined,
    program,
    async prepare(command) {
      count += 1;
      const place = join(home, `p${count}`);
      const fixture = fixtureOf(command);
      const made = join(home, fixture.name);
      copy(join(made, 'repository.git'), join(place, 'repository.git'));
      copy(join(made, command === 'apply' ? 'before' : 'registry'), join(place, 'registry'));
      return {
        folder: place,
        repository: join(place, 'repository.git'),
        heads: heads.get(fixture) ?? {},
        lines: fixture.lines,
        applications: fixture.applications,
        env: { TAGFLOW_REPO: join(place, 'repository.git') },
        published,
        nameOf,
        tags: () =>
          Object.keys(IMAGES).flatMap((image) => readLayoutTags(join(place, 'registry', image), nameOf(image))),
        remove: () => rmSync(place, { recursive: true, force: true }),
      };
    },
    close: async () => undefined,
  };
}

async function runSetup(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const work = join(cwd, 'work');
  mkdirSync(work, { recursive: true });
  const run = await startActor({ program, name: 'setup', args, cwd, env: { ...env, TAGFLOW_CACHE_DIR: work } }).done;
  if (run.exit !== 0) throw new Error(`tagflow ${args.join(' ')} failed:\n${run.stdout}${run.stderr}`);
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
}
