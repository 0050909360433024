// Release lines that share a branch: two applications in two environments, all of them folders of the trunk. People promote and
// roll back each, or both in one commit, while others commit to the trunk.
import type { Instant } from '../../../src/model/effects.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import type { Command } from './commands.ts';
import { type Forgery, drawForgeries } from './forgeries.ts';
import { VERSIONS } from './images.ts';
import type { SeededRandom } from './random.ts';
import { type Actor, type Scenario, RIGHT_CLOCK, drawWeather } from './scenario.ts';
import type { Scheduler } from './scheduler.ts';
import { HOST, type Start, startOf } from './start.ts';
import type { World } from './world.ts';

/** An application, and the image that it has. */
type Application = readonly [name: string, image: 'app' | 'db'];

const APPLICATIONS: readonly Application[] = [
  ['shop', 'app'],
  ['data', 'db'],
];
const ENVIRONMENTS = ['dev', 'prd'] as const;

/** What hands do to the trunk. `of`: the line whose files it changes. */
export interface TrunkCommit {
  readonly kind: 'elsewhere' | 'settings' | 'in scope';
  readonly of: string;
}

/** A scenario of lines. */
export interface LinesScenario extends Omit<Scenario, 'hands'> {
  readonly commits: readonly TrunkCommit[];
  /** Records that somebody writes by hand meanwhile. */
  readonly forgeries?: readonly Forgery[];
  /** Milliseconds between commits; at any moments where absent. */
  readonly every?: number;
}

/** The starts of lines: nothing released, and two releases of each. */
export async function createLineStarts(): Promise<readonly Start[]> {
  const names = APPLICATIONS.map(([name]) => name);
  const release = (environment: string, versions?: Readonly<Record<string, string>>): readonly Command[] =>
    names.map((name) => ({
      kind: 'promote',
      environment: `${environment}/${name}`,
      versions: versions ? { '*': versions[name] ?? '' } : {},
    }));
  const rounds = [
    { shop: 'V1.0', data: 'V1.0' },
    { shop: 'V2.0', data: 'V2.0' },
  ].flatMap((versions) => [...release('dev', versions), ...release('prd')]);
  return [await linesStart(APPLICATIONS, []), await linesStart(APPLICATIONS, rounds)];
}

/** A start with any applications. */
export async function linesStart(applications: readonly Application[], past: readonly Command[]): Promise<Start> {
  const repositoryOf = (name: string, image: string): string => `${HOST}/${name}/${image}`;
  const blocks = applications.map(
    ([name, image]) =>
      `  ${name}:\n    path: apps/${name}/{environment}\n    images: { ${image}: { repository: ${repositoryOf(name, image)} } }\n`,
  );
  const tag = `tag: '{application}-{environment}'`;
  const files = applications.flatMap(([name, image]) =>
    ENVIRONMENTS.map((environment) => [
      `apps/${name}/${environment}/kustomization.yaml`,
      `images:\n  - name: ${repositoryOf(name, image)}\n    newTag: V0\n`,
    ]),
  );
  return startOf({
    name: past.length > 0 ? 'lines with a past' : 'lines',
    config: `version: 1\nlayout: folders\napplications:\n${blocks.join('')}environments:\n  dev: { ${tag} }\n  prd: { from: dev, gates: { upstream: off }, ${tag} }\n`,
    files: { ...(Object.fromEntries(files) as Record<string, string>), 'README.md': 'shop and data\n' },
    branches: [],
    repositories: applications.map(([name, image]) => [repositoryOf(name, image), image]),
    past,
  });
}

const NAMES = ['ana', 'ben', 'cleo', 'dov'];

/** The scenario of a seed. */
export function drawLines(random: SeededRandom, starts: readonly Start[]): LinesScenario {
  const actors = NAMES.slice(0, random.pick([2, 3, 3, 4])).map((name): Actor => {
    const commands = Array.from({ length: random.chance(0.3) ? 2 : 1 }, () => drawCommand(random));
    return { name, commands, clock: RIGHT_CLOCK };
  });
  const commits = Array.from({ length: random.below(5) }, (): TrunkCommit => {
    const kind = random.pick(['elsewhere', 'elsewhere', 'elsewhere', 'settings', 'in scope'] as const);
    return { kind, of: drawLine(random) };
  });
  return { start: random.pick(starts), weather: drawWeather(random), actors, commits };
}

function drawLine(random: SeededRandom): string {
  // Usually one environment, so that lines meet.
  return `${random.pick(['dev', 'dev', 'prd'])}/${random.pick(APPLICATIONS)[0]}`;
}

function drawCommand(random: SeededRandom): Command {
  const environment = drawLine(random);
  const [, image] = APPLICATIONS.find(([name]) => environment.endsWith(name)) ?? ['', 'app'];
  const draw = random.next();
  if (draw < 0.15) {
    const of = random.pick(['dev', 'prd']);
    return { kind: 'all', environment: of, lines: APPLICATIONS.map(([name]) => `${of}/${name}`) };
  }
  if (draw < 0.65) {
    const isNamed = environment.startsWith('dev') || random.chance(0.5);
    return {
      kind: 'promote',
      environment,
      versions: isNamed ? { [image]: random.pick(VERSIONS[image]) } : {},
      overrides: ['downgrade', 'held'].filter(() => random.chance(0.3)),
    };
  }
  if (draw < 0.85) return { kind: 'rollback', environment };
  return { kind: 'apply', environments: [environment] };
}

/** The scenario, often with somebody who forges records. `random`: apart from that of the scenario, which stays what it was. */
export function withForgeries(scenario: LinesScenario, random: SeededRandom): LinesScenario {
  return { ...scenario, forgeries: drawForgeries(random, drawLine) };
}

/** Somebody commits to the trunk. */
export async function commitToTrunk(
  world: World,
  scheduler: Scheduler,
  { kind, of }: TrunkCommit,
  at: { readonly number: number; readonly time: Instant },
): Promise<void> {
  const { remote } = world;
  const effect = (): void => {
    const [environment, application] = of.split('/');
    const folder = `apps/${application}/${environment}`;
    const text = `${remote.file('main', 'tagflow.yaml') ?? ''}# ${at.number}\n`;
    const files = {
      elsewhere: { 'README.md': `${at.number}\n` },
      settings: { 'tagflow.yaml': text },
      'in scope': { [`${folder}/settings.env`]: `LEVEL=${at.number}\n` },
    }[kind];
    remote.commit('main', files, { message: `${kind} ${at.number}`, time: at.time });
    world.moved();
    scheduler.note(`hand: main is now ${world.nameOf(remote.branches.get('main' as BranchName))}`);
  };
  await scheduler.point({ process: 'hand', server: 'git', label: `commits to the trunk: ${kind} ${of}`, effect });
}
