// Where simulations begin: small pipelines of three environments and two images, with different pasts, made by the engine.
import { parseConfig } from '../../../src/config/config.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import type { Pipeline } from '../../../src/model/pipeline.ts';
import type { TagObservation } from '../checker/history.ts';
import { createMemoryRemote } from '../../support/memory-ledger.ts';
import { type Command, runCommand } from './commands.ts';
import { openProcess } from './process.ts';
import { createSeededRandom } from './random.ts';
import { CALM, Scheduler } from './scheduler.ts';
import { PUBLISHED } from './images.ts';
import { type StartingPoint, World } from './world.ts';

/** The environments, in flow order. */
export const ENVIRONMENTS = ['dev', 'stg', 'prd'] as const;

export const HOST = 'registry.example.org';

/** A start: the world, and what is true of it whatever happens. */
export interface Start extends StartingPoint {
  readonly name: string;
  readonly pipeline: Pipeline;
  /** The tags of the environments, as they are from the beginning. */
  readonly observations: readonly TagObservation[];
}

/** Milliseconds since 1970 at which every simulation begins. */
export const EPOCH = Date.UTC(2026, 0, 1);

const FIRST = { app: 'V1.0', db: 'V1.0' };

/** A way to a start: commands that are run one after the other; hand-made commits between them. */
export type Past = readonly (Command | { readonly kind: 'hand'; readonly branch: string; readonly file: string })[];

const promoteTo = (environment: string, versions: Readonly<Record<string, string>> = {}): Command => ({
  kind: 'promote',
  environment,
  versions,
});
const release = (versions: Readonly<Record<string, string>>): readonly Command[] => [
  promoteTo('dev', versions),
  promoteTo('stg'),
  promoteTo('prd'),
];

const PASTS: Readonly<Record<string, Past>> = {
  'nothing released': [],
  'two releases': [...release(FIRST), ...release({ app: 'V2.0' })],
  'rolled back': [
    ...release(FIRST),
    ...release({ app: 'V2.0' }),
    ...release({ db: 'V2.0' }),
    { kind: 'rollback', environment: 'prd' },
  ],
  'a hotfix by hand': [
    ...release(FIRST),
    ...release({ app: 'V2.0' }),
    { kind: 'hand', branch: 'stg', file: 'hand-start.env' },
  ],
};

/** Every start, each made once. Those with a past come more often: there is more to go wrong. */
export async function createStarts(): Promise<readonly Start[]> {
  const starts: Start[] = [];
  for (const [name, past] of Object.entries(PASTS)) {
    for (const own of [false, true]) starts.push(await createStart(own ? `${name}, own registry` : name, past, own));
  }
  const [empty, emptyOwn, ...others] = starts;
  return [...(empty ? [empty] : []), ...(emptyOwn ? [emptyOwn] : []), ...others, ...others, ...others];
}

async function createStart(name: string, past: Past, own: boolean): Promise<Start> {
  return startOf({
    name,
    past,
    config: configOf(own),
    files: files(own),
    branches: ENVIRONMENTS,
    repositories: Object.keys(PUBLISHED).map((image) => [`${HOST}/shop/${image}`, image]),
  });
}

/** What a start is made of. */
export interface StartingParts {
  readonly name: string;
  readonly config: string;
  /** Files of the trunk. */
  readonly files: Readonly<Record<string, string>>;
  /** Branches beside the trunk. */
  readonly branches: readonly string[];
  /** Where images are published: repositories, each with the image that it has every version of. */
  readonly repositories: readonly (readonly [repository: string, image: string])[];
  readonly past: Past;
}

/** Makes a start: the pipeline as it was set up, and its past, made by the engine. */
export async function startOf({
  name,
  config,
  files: trunk,
  branches,
  repositories,
  past,
}: StartingParts): Promise<Start> {
  const remote = createMemoryRemote();
  remote.commit('main', { 'tagflow.yaml': config, ...trunk });
  const head = remote.branches.get('main' as BranchName);
  for (const branch of branches) if (head) remote.branches.set(branch as BranchName, head);
  const tags = new Map<string, Digest>();
  const images = new Set<string>();
  for (const [repository, image] of repositories) {
    for (const { version, digest } of PUBLISHED[image] ?? []) {
      tags.set(`${repository}:${version}`, digest);
      images.add(`${repository}@${digest}`);
    }
  }
  const scheduler = new Scheduler(createSeededRandom(1), CALM, EPOCH - 86_400_000);
  const world = new World({ remote, tags, images }, () => scheduler.now);
  for (const step of past) {
    if (step.kind === 'hand') {
      world.remote.commit(step.branch, { [step.file]: `${step.file}\n` });
      world.moved();
      continue;
    }
    scheduler.start(async () => {
      const { context } = openProcess({ world, scheduler, process: 'setup', skew: () => 0 });
      const told = await runCommand(context, step);
      if (told.some(({ exit }) => exit !== 0)) throw new TypeError(`the start ${name} fails: ${JSON.stringify(told)}`);
    });
    await scheduler.run();
  }
  return {
    name,
    pipeline: parseConfig(config),
    observations: world.tags().flatMap((each) => (each.tag.startsWith('V') ? [] : [{ at: 0, ...each }])),
    remote: world.remote,
    tags: new Map(world.tags().map(({ repository, tag, digest }) => [`${repository}:${tag}`, digest])),
    images: world.images,
  };
}

/** What fails is known to the processes' own verifier: process.ts. */
const VERIFY = 'verify: { timeout: 2s, onFailure: rollback, steps: [{ name: live, command: [live] }] }';

function configOf(own: boolean): string {
  return `version: 1
images:
  app: { repository: ${HOST}/shop/app }
  db: { repository: ${HOST}/shop/db }
environments:
  dev:
    branch: dev
    ${VERIFY}
  stg:
    from: dev
    gates: { upstream: off }
    keep: [environments/stg/own/**]
    ${VERIFY}
  prd:
    from: stg
    gates: { upstream: off }
    ${VERIFY}
${own ? `    repositories: { app: ${HOST}/live/app }\n` : ''}`;
}

function files(own: boolean): Record<string, string> {
  return Object.fromEntries(
    ENVIRONMENTS.flatMap((environment) => [
      [
        `environments/${environment}/kustomization.yaml`,
        `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
  - name: ${HOST}/${own && environment === 'prd' ? 'live' : 'shop'}/app
    newTag: V0
  - name: ${HOST}/shop/db
    newTag: V0
`,
      ],
      [`environments/${environment}/own/level.env`, `LEVEL=${environment}\n`],
    ]),
  );
}
