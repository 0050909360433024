// A whole tagflow over the fakes: a remote with a trunk and the branches dev, stg and prd, a registry with images, and a
// context for each process that works on them.
import type { Progress, Step } from '../../src/model/effects.ts';
import type { Context } from '../../src/engine/context.ts';
import type { Outcome, Released } from '../../src/engine/release/outcome.ts';
import type { RunOptions } from '../../src/engine/release/execute.ts';
import { promote } from '../../src/engine/release/promote.ts';
import { rollback } from '../../src/engine/release/rollback.ts';
import type { Digest } from '../../src/model/digest.ts';
import { TagflowError } from '../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import type { PromoteRequest, RollbackRequest } from '../../src/model/plan.ts';
import { type Repository, type Tag, parseRepository, parseTag } from '../../src/model/reference.ts';
import { parseRecord } from '../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../src/model/release.ts';
import { createBuildSourceReader } from '../../src/registry/image/build-source.ts';
import { createCopier } from '../../src/registry/copy/copy.ts';
import { type InstantClock, createInstantClock } from './clock.ts';
import { type MemoryForge, createMemoryForge } from './memory-forge.ts';
import { type MemoryRemote, createMemoryLedger, createMemoryRemote } from './memory-ledger.ts';
import { type MemoryRegistry, type MemoryRegistryOptions, createMemoryRegistry } from './memory-registry.ts';
import { OCI_MANIFEST, contentOf } from './sample-manifests.ts';

/** Where the seeded images are published. */
export const DJANGO = 'registry.example.org/shop/django';
export const MARIADB = 'registry.example.org/shop/mariadb';

const ENVIRONMENTS = ['dev', 'stg', 'prd'] as const;
/** Versions that are published from the start. */
const PUBLISHED: Readonly<Record<string, readonly string[]>> = {
  django: ['V3.2', 'V4.0', 'V4.2', 'V4.3'],
  mariadb: ['V10.3', 'V10.6', 'V10.11'],
};

/** What the seed is made of. */
export interface BenchOptions {
  /** Lines for an environment in tagflow.yaml, below its `from`: `keep: [environments/prd/secrets/**]`. */
  readonly settings?: Partial<Record<(typeof ENVIRONMENTS)[number], string>>;
  /** The whole tagflow.yaml instead. */
  readonly config?: string;
  /** Further files of the trunk. */
  readonly files?: Readonly<Record<string, string>>;
  readonly registry?: MemoryRegistryOptions;
  /** How processes sign and verify that learn nothing else. */
  readonly signing?: Context['signing'];
}

/** How one process differs from the others. */
export interface ProcessOptions {
  readonly actor?: string;
  readonly signal?: AbortSignal;
  readonly raceTimeout?: number;
  readonly random?: number;
  readonly config?: Context['settings']['config'];
  readonly signing?: Context['signing'];
}

/** The bench: the world outside, and shortcuts into it. */
export interface Bench {
  readonly remote: MemoryRemote;
  readonly registry: MemoryRegistry;
  readonly forge: MemoryForge;
  readonly clock: InstantClock;
  /** Everything that any process told its person. */
  readonly notices: string[];
  /** The steps that were reported, in their order. */
  readonly steps: Step[];
  /** The ports of a new process: nothing fetched, nothing known. */
  context(options?: ProcessOptions): Context;
  /** Promotes in a new process. `versions` as typed: `{ django: 'V4.2' }`, `{ '*': 'V1' }`. */
  promote(
    environment: string,
    versions?: Readonly<Record<string, string>>,
    how?: How<PromoteRequest>,
  ): Promise<Outcome>;
  /** Promotes, and expects that a release comes of it. */
  released(
    environment: string,
    versions?: Readonly<Record<string, string>>,
    how?: How<PromoteRequest>,
  ): Promise<Released>;
  /** Rolls back in a new process. */
  rollback(environment: string, how?: How<RollbackRequest>): Promise<Outcome>;
  /** Brings one release through dev, stg and prd. */
  through(versions: Readonly<Record<string, string>>): Promise<void>;
  /** Publishes an image, the version's tag on it; again with other content when `build` differs. */
  publish(image: string, version: string, build?: string): Digest;
  /** The digest that a seeded version was published with. */
  digest(image: string, version: string): Digest;
  /** What a tag names now, as `django V4.2`, or its digest when no seeded image has it. */
  tagged(image: string, tag: string): string | undefined;
  /** All tags of an image that are no versions, with what they name. */
  aliases(image: string): Readonly<Record<string, string>>;
  head(branch: string): ObjectId;
  /** The error of a remote that does not answer, and that of a run that was told to stop. */
  down(): TagflowError;
  interruption(): TagflowError;
  record(environment: string): ReleaseRecord;
}

/** A request's further options, and how it runs. */
export type How<R> = Partial<Omit<R, 'kind' | 'environment' | 'versions'>> & {
  readonly run?: RunOptions;
  readonly as?: ProcessOptions;
};

/** Two environments of any number of applications that run one image, in folders of the trunk. */
export const APPLICATIONS = `version: 1
layout: folders
applications:
  '*':
    path: apps/{application}/{environment}
    images: { web: { repository: ${DJANGO} } }
environments:
  dev: { tag: '{application}-{environment}' }
  prd: { from: dev, tag: '{application}-{environment}' }
`;

/** `tagflow.yaml` of both images: what stands below `environments:`, and settings of the top level before it. */
export function twoImages(environments: string, top: Readonly<Record<string, string>> = {}): string {
  const settings = Object.entries(top).map(([key, value]) => `${key}: ${value}\n`);
  return `version: 1
${settings.join('')}images:
  django: { repository: ${DJANGO} }
  mariadb: { repository: ${MARIADB} }
environments:
${environments.trim().replace(/^/, '  ')}
`;
}

/** Settings of the top level for releases that are signed with OpenSSH. */
export const SIGNED = { signing: 'ssh', signers: 'signers' } as const;

/** `tagflow.yaml` of both images in three environments, with gates that ask nothing of the upstream. */
export const PLAIN_CONFIG = twoImages(`
  dev: {}
  stg: { from: dev, gates: { upstream: off } }
  prd: { from: stg, gates: { upstream: off } }
`);

/** A first release of both images, as the trunk's environment takes it. */
export const FIRST = { django: 'V4.0', mariadb: 'V10.6' } as const;

/** Ports and settings that a test puts in the place of others. */
export interface OtherPorts extends Partial<Omit<Context, 'registries' | 'outside' | 'settings'>> {
  readonly registries?: Partial<Context['registries']>;
  readonly outside?: Partial<Context['outside']>;
  readonly settings?: Partial<Context['settings']>;
}

/** A run with other ports: every use case finds them, whatever the configuration. */
export function withPorts(context: Context, { registries, outside, settings, ...ports }: OtherPorts): Context {
  return {
    ...context,
    ...ports,
    registries: { ...context.registries, ...registries },
    outside: { ...context.outside, ...outside },
    settings: { ...context.settings, ...settings },
  };
}

/** Builds a bench: nothing is released yet. */
export function createBench(options: BenchOptions = {}): Bench {
  const remote = createMemoryRemote();
  const registry = createMemoryRegistry(options.registry);
  const forge = createMemoryForge(remote);
  forge.protect({ branches: '*', dismisses: true });
  const clock = createInstantClock();
  const notices: string[] = [];
  const steps: Step[] = [];
  const notify = ({ text, step }: Progress): void => {
    if (step) steps.push(step);
    else notices.push(text);
  };
  const names = new Map<Digest, string>();

  const publish = (image: string, version: string, build = 'first'): Digest => {
    const content = contentOf(OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, image, version, build });
    registry.publish(repositoryOf(image), content, parseTag(version));
    names.set(content.digest, build === 'first' ? version : `${version} ${build}`);
    return content.digest;
  };
  const published = new Map<string, Digest>();
  for (const [image, versions] of Object.entries(PUBLISHED)) {
    for (const version of versions) published.set(`${image} ${version}`, publish(image, version));
  }
  remote.commit('main', {
    'tagflow.yaml': options.config ?? configOf(options.settings ?? {}),
    ...filesOf(),
    ...options.files,
  });
  for (const branch of ENVIRONMENTS)
    remote.branches.set(branch as BranchName, remote.branches.get('main' as BranchName)!);

  const context = ({
    actor = 'ana',
    signal,
    raceTimeout = 300_000,
    random = 0.5,
    config,
    signing = options.signing,
  }: ProcessOptions = {}): Context => ({
    ledger: createMemoryLedger(remote, { actor, ...(signal && { signal }) }),
    registries: {
      registryOf: () => registry,
      copyImage: createCopier({
        contentOf: () => registry,
        notify,
        signal: signal ?? new AbortController().signal,
      }),
      readBuildSource: createBuildSourceReader(() => registry),
    },
    outside: { forgeOf: async () => forge.as(actor, signal && { signal }) },
    // What a test puts in their place is found by every use case.
    registriesFor(this: Pick<Context, 'registries'>) {
      return this.registries;
    },
    clock,
    random: () => random,
    notify,
    settings: { who: { actor, author: `${actor} <${actor}@example.org>` }, raceTimeout, ...(config && { config }) },
    signal: signal ?? new AbortController().signal,
    ...(signing && { signing }),
  });

  const bench: Bench = {
    remote,
    registry,
    forge,
    clock,
    notices,
    steps,
    context,
    publish,
    async promote(environment, versions = {}, { run, as, ...request } = {}) {
      clock.advance(60_000);
      return promote(context(as), { kind: 'promote', environment, versions, ...request }, run);
    },
    async released(environment, versions, how) {
      const outcome = await bench.promote(environment, versions, how);
      if (outcome.kind === 'released') return outcome;
      throw new Error(`expected a release of ${environment}: ${JSON.stringify(outcome)}`);
    },
    async rollback(environment, { run, as, ...request } = {}) {
      clock.advance(60_000);
      return rollback(context(as), { kind: 'rollback', environment, ...request }, run);
    },
    async through(versions) {
      await bench.released('dev', versions);
      await bench.released('stg');
      await bench.released('prd');
    },
    digest(image, version) {
      const digest = published.get(`${image} ${version}`);
      if (!digest) throw new Error(`${image} ${version} is not seeded`);
      return digest;
    },
    tagged(image, tag) {
      const digest = registry.tagsOf(repositoryOf(image)).get(tag as Tag);
      return digest && (names.get(digest) ?? digest);
    },
    aliases(image) {
      const tags = [...registry.tagsOf(repositoryOf(image))].filter(([tag]) => /^(?:dev|stg|prd)/.test(tag));
      return Object.fromEntries(tags.map(([tag, digest]) => [tag, names.get(digest) ?? digest]));
    },
    head(branch) {
      const head = remote.branches.get(branch as BranchName);
      if (!head) throw new Error(`there is no branch ${branch}`);
      return head;
    },
    down: () => new TagflowError('remote-unavailable', { what: 'the remote did not answer' }),
    interruption: () => new TagflowError('interrupted', { what: 'stopped by SIGTERM' }),
    record(environment) {
      const path = recordOf(environment);
      return parseRecord(remote.file(environment, path) ?? '', path);
    },
  };
  return bench;
}

/** The repository of an image. */
export function repositoryOf(image: string): Repository {
  return parseRepository(`registry.example.org/shop/${image}`);
}

/** The path of an environment's record. */
export function recordOf(environment: string): string {
  return `.tagflow/releases/${environment}.yaml`;
}

/** The images of a release as `django V4.2, mariadb V10.6`. */
export function shown(record: Pick<ReleaseRecord, 'images'>): string {
  return record.images.map(({ name, version }) => `${name} ${version}`).join(', ');
}

/** An overlay that pins both images. */
function kustomization(environment: string, django = 'V3.2', mariadb = 'V10.3'): string {
  return `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop-${environment}
images:
  - name: ${DJANGO}
    newTag: ${django}
  - name: ${MARIADB}
    newTag: ${mariadb}
`;
}

/** `tagflow.yaml` of the bench, with more settings for its environments. */
export function configOf(settings: NonNullable<BenchOptions['settings']>): string {
  return twoImages(`
  dev:
    branch: dev
    ${settings.dev ?? ''}
  stg:
    from: dev
    ${withGates(settings.stg)}
  prd:
    from: stg
    ${withGates(settings.prd)}
`);
}

/** Versions are promoted to any environment at once, unless a test's own gates forbid it. */
function withGates(settings = ''): string {
  return /^ *gates:/m.test(settings) ? settings : `gates: { upstream: off }\n    ${settings}`;
}

/** The files of the seed beside `tagflow.yaml`. */
export function filesOf(): Record<string, string> {
  return Object.fromEntries(
    ENVIRONMENTS.flatMap((environment) => [
      [`environments/${environment}/kustomization.yaml`, kustomization(environment)],
      [`environments/${environment}/settings.env`, `LEVEL=${environment}\n`],
    ]),
  );
}
