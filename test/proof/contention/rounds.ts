// Rounds of contention: in each, all actors run a command on one environment at once, by a seed, and what every one of them
// said is compared with the branch and the registry. A season is a number of rounds on one fresh pipeline.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DockerRegistry } from '../../support/docker-registry.ts';
import { pushImage } from '../../support/images.ts';
import { checkHistory } from '../checker/check-history.ts';
import type { Operation, Violation } from '../checker/history.ts';
import { APPLICATIONS, type Published, createLinesRepository, createRepository, folderLine } from '../real/fixture.ts';
import { type Ended, operationsOf } from '../real/program.ts';
import {
  type LinePlace,
  branchLine,
  readEnvironmentHistory,
  readHeads,
  readRegistryTags,
} from '../real/read-history.ts';
import type { Crew, Running } from './crew.ts';
import type { FaultProxy } from './fault-proxy.ts';
import type { RemoteGitServer } from './git-server.ts';

/** Where and with whom rounds are played. */
export interface Arena {
  readonly folder: string;
  readonly git: RemoteGitServer;
  readonly registry: DockerRegistry;
  readonly proxy: FaultProxy;
  readonly crew: Crew;
  readonly actors: number;
  readonly random: () => number;
  /** For how long a replica may lag, in milliseconds. */
  readonly staleMs: number;
}

/** What is contended for: one environment on a branch of its own, or two applications whose environments share the trunk. */
export type Ground = 'branch' | 'lines';

/** A fresh pipeline: each actor has a version of each image of its own. */
export interface Season {
  readonly name: string;
  readonly ground: Ground;
  /** The lines that are contended for. */
  readonly lines: readonly LinePlace[];
  readonly applications: readonly string[];
  readonly repository: string;
  readonly published: Published;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  remove(): void;
}

/** What a round came to. */
export interface Round {
  readonly violations: readonly Violation[];
  /** Everything that was said, for anybody who looks into it. */
  readonly story: readonly string[];
  /** How many runs ended with each exit code; `killed` for those that a signal ended. */
  readonly exits: Readonly<Record<string, number>>;
  /** Releases that were made. */
  readonly landed: number;
  /** Milliseconds that the longest run took. */
  readonly slowest: number;
}

const IMAGE = 'app';
const NAMES = Object.keys(APPLICATIONS);
/** Nobody waits longer than this, in milliseconds: the time for races and a long one for faults. */
const BOUND_MS = 120_000;

/** Opens a season. */
export async function openSeason(arena: Arena, name: string, ground: Ground): Promise<Season> {
  const { folder, git, registry, proxy, actors } = arena;
  const cwd = join(folder, name);
  const published: Record<string, { version: string; digest: string }[]> = {};
  for (const image of imagesOf(ground)) {
    published[image] = [];
    for (let actor = 0; actor <= actors; actor += 1) {
      const version = `v1.${actor}`;
      const { digest } = await pushImage(registry.host, `${name}/${image}`, version, {
        content: `${image} ${version}`,
      });
      published[image].push({ version, digest });
    }
  }
  proxy.faulty = false;
  proxy.route = { git: `${git.url}/${name}`, registry: `http://${registry.host}/v2/${name}` };
  proxy.reset();
  const prefix = `${proxy.host}/acme`;
  const repository =
    ground === 'lines' ? await createLinesRepository(cwd, prefix) : await createRepository(cwd, prefix, [IMAGE]);
  const season: Season = {
    name,
    ground,
    lines: ground === 'lines' ? NAMES.map((application) => folderLine('stg', application)) : [branchLine('stg')],
    applications: ground === 'lines' ? NAMES : [],
    repository: repository.folder,
    published,
    env: { TAGFLOW_REPO: `http://${proxy.host}/git/repository.git` },
    cwd,
    remove() {
      rmSync(cwd, { recursive: true, force: true });
      rmSync(join(registry.root, 'docker/registry/v2/repositories', name), { recursive: true, force: true });
    },
  };
  for (const [index, args] of setupOf(ground).entries()) {
    const { exit, stdout, stderr } = await start(arena, season, `setup-${name}-${index}`, args, 'setup').done;
    if (exit !== 0) throw new Error(`tagflow ${args.join(' ')} failed:\n${stdout}${stderr}`);
  }
  return season;
}

function imagesOf(ground: Ground): readonly string[] {
  return ground === 'lines' ? Object.values(APPLICATIONS) : [IMAGE];
}

function setupOf(ground: Ground): readonly (readonly string[])[] {
  if (ground === 'branch') {
    return [
      ['promote', 'dev', `${IMAGE}=v1.0`],
      ['promote', 'stg'],
    ];
  }
  return [
    ...Object.entries(APPLICATIONS).map(([name, image]) => ['promote', 'dev', name, `${image}=v1.0`]),
    ['promote', 'stg', '--all'],
  ];
}

/**
 * Plays one round. With `settle` its late writes are waited for, faults end and one `apply` runs before it is judged: then
 * the tags must be those of the head.
 */
export async function playRound(arena: Arena, season: Season, name: string, settle: boolean): Promise<Round> {
  const { proxy, actors, random } = arena;
  const base = (await readHeads(season.repository))[season.lines[0]?.branch ?? ''] ?? '';
  const draw = season.ground === 'lines' ? lineCommandOf : commandOf;
  const commands = Array.from({ length: actors }, (_, actor) => draw(actor, random()));
  // One in three rounds somebody dies in the middle of a write.
  const doomed = random() < 0.35 ? Math.floor(random() * actors) : undefined;
  if (doomed !== undefined) commands[doomed] = [...promotionOf(season.ground, doomed), '--allow-downgrade', '--unhold'];
  proxy.faulty = true;
  proxy.gather(commands.filter(([command]) => command !== 'apply').length);
  const ends = await Promise.all(
    commands.map(async (args, actor) => {
      const running = start(arena, season, `${name}-${actor}`, args, `actor-${actor}`, actor === doomed);
      if (actor === doomed) doom(arena, season, actor, running);
      const ended = await running.done;
      proxy.expectFewer();
      return ended;
    }),
  );
  proxy.doom = undefined;
  const operationsIn = (ended: Ended): readonly Operation[] =>
    operationsOf(ended, ended.exit === undefined, season.applications);
  const operations = ends.flatMap(operationsIn);
  if (settle) {
    proxy.faulty = false;
    await Promise.all(proxy.late);
    const ended = await start(arena, season, `${name}-repair`, ['apply', 'stg'], 'repair').done;
    operations.push(...operationsIn(ended));
    ends.push(ended);
  }
  return judge(arena, season, { base, ends, operations, settled: settle });
}

function doom({ proxy }: Arena, { ground, published }: Season, actor: number, { kill }: Running): void {
  const digest = published[imageOf(ground, actor)]?.[actor + 1]?.digest;
  if (kill && digest !== undefined) proxy.doom = { digest, kill };
}

/** The image of the line that an actor usually releases to. */
function imageOf(ground: Ground, actor: number): string {
  const images = imagesOf(ground);
  return images[actor % images.length] ?? IMAGE;
}

/** An actor's promotion of its own version. */
function promotionOf(ground: Ground, actor: number): string[] {
  const application = ground === 'lines' ? [NAMES[actor % NAMES.length] ?? ''] : [];
  return ['promote', 'stg', ...application, `${imageOf(ground, actor)}=v1.${actor + 1}`];
}

/** What an actor runs where lines share a branch: on its own line, or on both in one commit. */
function lineCommandOf(actor: number, chance: number): readonly string[] {
  const promote = promotionOf('lines', actor);
  const name = NAMES[actor % NAMES.length] ?? '';
  if (chance < 0.35) return [...promote, '--allow-downgrade', '--unhold', '--no-retry'];
  if (chance < 0.65) return [...promote, '--allow-downgrade', '--unhold'];
  if (chance < 0.75) return promote;
  // Back to what dev has, both of them.
  if (chance < 0.85) return ['promote', 'stg', '--all', '--allow-downgrade', '--unhold'];
  if (chance < 0.93) return ['rollback', 'stg', name, '--reason', 'contention'];
  return ['apply', 'stg'];
}

/** What an actor runs: usually a promotion of its own version. */
function commandOf(actor: number, chance: number): readonly string[] {
  const promote = ['promote', 'stg', `${IMAGE}=v1.${actor + 1}`];
  if (chance < 0.5) return [...promote, '--allow-downgrade', '--unhold', '--no-retry'];
  if (chance < 0.65) return [...promote, '--allow-downgrade', '--unhold'];
  if (chance < 0.8) return promote;
  if (chance < 0.9) return ['rollback', 'stg', '--reason', 'contention'];
  return ['apply', 'stg'];
}

function start(
  { crew }: Arena,
  { cwd, env }: Season,
  name: string,
  args: readonly string[],
  work: string,
  alone = false,
): Running {
  const folder = join(cwd, 'work', work);
  mkdirSync(folder, { recursive: true });
  return crew.run({ name, args, cwd, env: { ...env, TAGFLOW_CACHE_DIR: folder } }, alone);
}

async function judge(
  { proxy, registry, staleMs }: Arena,
  { name, ground, lines, repository, published }: Season,
  round: {
    readonly base: string;
    readonly ends: readonly Ended[];
    readonly operations: readonly Operation[];
    readonly settled: boolean;
  },
): Promise<Round> {
  const { base, ends, operations, settled } = round;
  const environments = await Promise.all(
    lines.map(async (line) => readEnvironmentHistory({ folder: repository, name: line.name, base, line })),
  );
  const observations = [...proxy.writes];
  const tags = imagesOf(ground).flatMap((image) =>
    readRegistryTags(registry.root, `${name}/${image}`, `${proxy.host}/acme/${image}`),
  );
  const violations = [
    ...checkHistory({
      environments,
      operations,
      tags,
      observations,
      everyWrite: true,
      staleness: staleMs,
      settled,
      published,
    }),
  ];
  const landed = environments[0]?.line.findIndex(({ id }) => id === base) ?? 0;
  const broken = (subject: string, text: string): void => void violations.push({ rule: 'never-ended', subject, text });
  if (landed === 0) broken('stg', 'nobody made a release in this round');
  for (const { name, started, ended } of ends) {
    if (ended - started > BOUND_MS) broken(name, `it took ${Math.round((ended - started) / 1000)} s`);
  }
  const exits: Record<string, number> = {};
  for (const { exit } of ends) exits[exit ?? 'killed'] = (exits[exit ?? 'killed'] ?? 0) + 1;
  return {
    violations,
    story: ends.map(
      ({ name, args, exit, stdout, stderr }) => `${name}: ${args.join(' ')}: exit ${exit}\n${stdout}${stderr}`,
    ),
    exits,
    landed,
    slowest: Math.max(...ends.map(({ started, ended }) => ended - started)),
  };
}
