// Worlds in which one gate does not let the next promotion to prd through, in every layout; and what each verb makes of it.
import { createHash } from 'node:crypto';
import { check } from '../../../src/engine/audit/check.ts';
import type { Context } from '../../../src/engine/context.ts';
import { approve } from '../../../src/engine/journal/approvals.ts';
import { hold } from '../../../src/engine/journal/holds.ts';
import { lock } from '../../../src/engine/journal/locks.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import type { Outcome, Several } from '../../../src/engine/release/outcome.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { promoteSeveral } from '../../../src/engine/release/promote-several.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import { status } from '../../../src/engine/status.ts';
import { verify } from '../../../src/engine/verification/verify.ts';
import type { PromoteRequest } from '../../../src/model/plan.ts';
import type { Signing } from '../../../src/signing/signing.ts';
import { type Bench, DJANGO, MARIADB, createBench, repositoryOf, withPorts } from '../../support/engine.ts';
import { createScriptedVerifier } from '../../support/verifier.ts';

/** Where environments and applications live. */
interface Layout {
  /** Keys of tagflow.yaml above `environments`. */
  readonly top: string;
  /** What an environment has besides. */
  readonly own: string;
  /** `prd`, or `prd/shop`. */
  readonly suffix: string;
  readonly hasApplications: boolean;
  /** The branch of prd, and a file that a promotion to it takes back. */
  readonly branch: string;
  readonly edited: string;
  readonly folders: Readonly<Record<string, readonly string[]>>;
}

const IMAGES = `images:
  django: { repository: ${DJANGO} }
  mariadb: { repository: ${MARIADB} }`;
const APPLICATIONS = `applications:
  shop:
    path: apps/shop/{environment}
    images: { django: { repository: ${DJANGO} } }
  db:
    path: apps/db/{environment}
    images: { mariadb: { repository: ${MARIADB} } }`;

/** Every layout. */
export const LAYOUTS = {
  'a branch for each environment': {
    top: IMAGES,
    own: '',
    suffix: '',
    hasApplications: false,
    branch: 'prd',
    edited: 'env/prd/features.yaml',
    folders: { env: [DJANGO, MARIADB] },
  },
  'a folder for each environment': {
    top: `layout: folders\n${IMAGES}`,
    own: 'path: env/ENV, carry: [features.yaml]',
    suffix: '',
    hasApplications: false,
    branch: 'main',
    edited: 'env/prd/features.yaml',
    folders: { env: [DJANGO, MARIADB] },
  },
  'applications in folders': {
    top: `layout: folders\n${APPLICATIONS}`,
    own: "tag: '{application}-{environment}', carry: [features.yaml]",
    suffix: '/shop',
    hasApplications: true,
    branch: 'main',
    edited: 'apps/shop/prd/features.yaml',
    folders: { 'apps/shop': [DJANGO], 'apps/db': [MARIADB] },
  },
  'applications on branches': {
    top: APPLICATIONS,
    own: "tag: '{application}-{environment}'",
    suffix: '/shop',
    hasApplications: true,
    branch: 'prd',
    edited: 'apps/shop/prd/features.yaml',
    folders: { 'apps/shop': [DJANGO], 'apps/db': [MARIADB] },
  },
} as const satisfies Readonly<Record<string, Layout>>;

/** The name of a layout. */
export type LayoutName = keyof typeof LAYOUTS;

/** What closes a gate: what prd's `gates` say from then on, and what somebody does. */
interface GateRow {
  /** The gate that judges. */
  readonly gate: string;
  readonly policy?: string;
  readonly close?: (world: World) => Promise<unknown> | void;
  /** The version of django that is asked for by name, as gates would not look at what upstream has. */
  readonly django?: string;
  readonly isSigned?: boolean;
  readonly deployFreeze?: string;
  /** Releases come by pull request whatever the verb: the gate is of those alone. */
  readonly byPullRequest?: true;
}

const STOP = { rollbacks: false, until: undefined, reason: 'INC-9' };
const lockPrd = async (world: World, rollbacks: boolean) =>
  lock(world.as('bo'), { ...STOP, words: ['prd'], rollbacks });

/** Every gate, each in one or more ways not to let a promotion through. */
export const GATE_ROWS: Readonly<Record<string, GateRow>> = {
  upstream: { gate: 'upstream', policy: 'upstream: require', django: 'V4.4' },
  soak: { gate: 'soak', policy: 'soak: 24h' },
  reason: { gate: 'reason', policy: "reason: '^INC-[0-9]+'" },
  // The bench begins on a Thursday at midnight.
  windows: { gate: 'windows', policy: "windows: [{ days: [mon], hours: '09:00-16:00', zone: UTC }]" },
  freezes: {
    gate: 'freezes',
    policy: "freezes: [{ from: '2025-12-20T00:00', until: '2026-01-03T00:00', zone: UTC, reason: year end }]",
  },
  CI_DEPLOY_FREEZE: {
    gate: 'freezes',
    policy: "freezes: [{ from: '2020-12-20T00:00', until: '2021-01-03T00:00', zone: UTC }]",
    deployFreeze: 'true',
  },
  approvals: { gate: 'approvals', policy: 'approvals: { count: 2, by: [bo@x.org, cy@x.org] }', isSigned: true },
  'forge: 1': { gate: 'approvals', policy: 'approvals: { forge: 1 }', byPullRequest: true },
  status: { gate: 'status', policy: 'status: [ci/e2e]' },
  run: { gate: 'run/ticket', policy: 'run: [{ name: ticket, command: [ticket.sh] }]' },
  downgrade: { gate: 'downgrade', django: 'V3.2' },
  held: {
    gate: 'held',
    close: async (world) =>
      hold(world.as('bo'), { image: imageOf(world), environments: [], until: undefined, reason: 'CVE' }),
  },
  divergence: {
    gate: 'divergence',
    close: ({ bench, layout }) => {
      bench.remote.commit(layout.branch, { [layout.edited]: 'new: by hand\n' }, { message: 'tune' });
    },
  },
  lock: { gate: 'lock', close: async (world) => lockPrd(world, false) },
  'lock --rollbacks': { gate: 'lock', close: async (world) => lockPrd(world, true) },
};

function imageOf({ layout }: World): string {
  return layout.hasApplications ? 'shop/django@V4.3' : 'django@V4.3';
}

/** A closed gate. */
export interface World {
  readonly bench: Bench;
  readonly layout: Layout;
  readonly row: GateRow;
  /** The line that is promoted: `prd`, or `prd/shop`. */
  readonly line: string;
  /** The branch of the pull request that was opened before the gate closed. */
  readonly proposal: string | undefined;
  as(actor: string): Context;
  /** Everything that a refusal has to leave alone. */
  seen(): unknown;
  /** What a pull request has to leave alone until it is merged. */
  released(): unknown;
}

/** Builds a world for a verb: prd had two releases, a third waits on stg. The gate, open until then, closes. */
export async function closeGate(name: LayoutName, gate: string, verb: VerbName): Promise<World> {
  const layout: Layout = LAYOUTS[name];
  const row = GATE_ROWS[gate];
  if (!row) throw new TypeError(`there is no row ${gate}`);
  const byPullRequest = row.byPullRequest === true || 'byPullRequest' in VERBS[verb];
  const bench = createBench({
    config: configOf(layout, row, { gates: 'upstream: off', byPullRequest }),
    files: filesOf(layout),
    ...(row.isSigned && { signing: signingAs('bot') }),
  });
  bench.publish('django', 'V4.4');
  const verifier = createScriptedVerifier(() => ({ said: 'no', seen: 'not yet', exitCode: 1 }));
  const world = {
    bench,
    layout,
    row,
    line: `prd${layout.suffix}`,
    proposal: undefined,
    as: (actor: string): Context =>
      withPorts(bench.context({ actor, ...(row.isSigned && { signing: signingAs(actor) }) }), {
        outside: { verifier },
        settings: row.deployFreeze === undefined ? {} : { deployFreeze: row.deployFreeze },
      }),
    released: () => ({
      branches: [...bench.remote.branches].filter(([branch]) => !branch.startsWith('tagflow')),
      tags: IMAGE_NAMES.map((image) => bench.registry.tagsOf(repositoryOf(image))),
    }),
    seen: () => ({
      branches: [...bench.remote.branches].filter(([branch]) => branch !== 'tagflow-journal'),
      tags: IMAGE_NAMES.map((image) => bench.registry.tagsOf(repositoryOf(image))),
      asked: bench.forge.pullRequests.map(({ number, state }) => `${number} ${state}`),
    }),
  };
  for (const django of ['V4.0', 'V4.2']) await release(world, django, ['prd'], byPullRequest);
  await release(world, 'V4.3', ['dev', 'stg'], byPullRequest);
  const proposal = verb === 'check --branch' ? await propose(world) : undefined;
  if (row.policy !== undefined) {
    const gates = row.policy.startsWith('upstream') ? row.policy : `upstream: off, ${row.policy}`;
    bench.remote.commit('main', { 'tagflow.yaml': configOf(layout, row, { gates, byPullRequest }) });
  }
  await row.close?.(world);
  return { ...world, proposal };
}

const IMAGE_NAMES = ['django', 'mariadb'] as const;

/** Releases a version of django to environments, and the database beside it: prd has that with V4.0. */
async function release(
  world: Omit<World, 'seen' | 'released'>,
  django: string,
  environments: readonly string[],
  byPullRequest: boolean,
): Promise<void> {
  const { bench, layout } = world;
  const mariadb = 'V10.6';
  for (const environment of environments) {
    const lines: readonly (readonly [string, PromoteRequest['versions']])[] = layout.hasApplications
      ? ([['/shop', { django }], ...(django === 'V4.2' ? [] : [['/db', { mariadb }] as const])] as const)
      : [['', { django, mariadb }]];
    for (const [line, versions] of lines) {
      bench.clock.advance(60_000);
      const outcome = await promote(world.as('bot'), { kind: 'promote', environment: environment + line, versions });
      if (outcome.kind === 'proposed' && byPullRequest) {
        await bench.forge.merge(outcome.pullRequest.number);
        await apply(world.as('bot'), [environment + line]);
      } else if (outcome.kind !== 'released' && outcome.kind !== 'unchanged') {
        throw new Error(`expected a release of ${environment}: ${JSON.stringify(outcome)}`);
      }
    }
  }
}

/** Asks for the release in a pull request, while every gate passes or is overridden. */
async function propose(world: Omit<World, 'seen' | 'released'>): Promise<string> {
  const request = requestOf(world);
  const older = world.row.gate === 'downgrade' ? { overrides: ['downgrade'], reason: 'INC-2' } : {};
  const outcome = await promote(world.as('bot'), { ...request, ...older });
  if (outcome.kind !== 'proposed') throw new Error(`expected a pull request: ${JSON.stringify(outcome)}`);
  return outcome.pullRequest.branch;
}

function requestOf({ row, line }: Pick<World, 'row' | 'line'>): PromoteRequest {
  return { kind: 'promote', environment: line, versions: row.django === undefined ? {} : { django: row.django } };
}

/** What a verb came to, in a word of the table. */
type Word = 'stays' | 'waits' | 'passes' | 'proposes' | 'plans' | 'finds' | 'shows' | 'approves' | '-' | 'unknown';

/** Plays a verb against a closed gate. */
export async function playVerb(world: World, verb: VerbName): Promise<string> {
  return VERBS[verb].play(world);
}

/** Every verb, and the command that it is of. `applications`: it is of repositories with applications alone. */
export const VERBS = {
  promote: {
    command: 'promote',
    play: async (world) => wordOf(world, await promote(world.as('bot'), requestOf(world))),
  },
  'promote --from': {
    command: 'promote',
    play: async (world) => wordOf(world, await promote(world.as('bot'), { ...requestOf(world), from: 'dev' })),
  },
  'promote --all': {
    command: 'promote',
    applications: true,
    play: async (world) => {
      const versions = world.row.django === undefined ? {} : { 'shop/django': world.row.django };
      const request = { environment: 'prd', applications: [], all: true, versions };
      return wordOf(world, await promoteSeveral(world.as('bot'), request));
    },
  },
  'dry-run': {
    command: 'promote',
    play: async (world) => wordOf(world, await promote(world.as('bot'), requestOf(world), { dryRun: true })),
  },
  approve: {
    command: 'approve',
    play: async (world) => ((await approve(world.as('bo'), requestOf(world))).subject ? 'approves' : 'unknown'),
  },
  status: {
    command: 'status',
    play: async (world) => {
      const [one] = await status(world.as('bot'), ...world.line.split('/'));
      return one && (one.locks.length > 0 || one.journalHolds.length > 0) ? 'shows' : '-';
    },
  },
  check: { command: 'check', play: async (world) => checkWord(world, undefined) },
  apply: {
    command: 'apply',
    play: async (world) => {
      const [applied] = await apply(world.as('bot'), [world.line]);
      return applied?.record && !applied.problem ? 'passes' : 'unknown';
    },
  },
  rollback: {
    command: 'rollback',
    play: async (world) =>
      wordOf(world, await rollback(world.as('bot'), { kind: 'rollback', environment: world.line })),
  },
  'automatic rollback': { command: 'verify', world: 'verified', play: verifyFailing },
  'rollback by request': {
    command: 'rollback',
    world: 'asked back',
    byPullRequest: true,
    play: async (world) =>
      wordOf(world, await rollback(world.as('bot'), { kind: 'rollback', environment: world.line })),
  },
  'automatic rollback by request': {
    command: 'verify',
    world: 'verified by request',
    byPullRequest: true,
    play: verifyFailing,
  },
  propose: {
    command: 'promote',
    world: 'proposing',
    byPullRequest: true,
    play: async (world) => wordOf(world, await promote(world.as('bot'), requestOf(world))),
  },
  'check --branch': {
    command: 'check',
    world: 'proposed',
    byPullRequest: true,
    play: async (world) => checkWord(world, world.proposal),
  },
} as const satisfies Readonly<Record<string, Verb>>;

interface Verb {
  readonly command: string;
  readonly applications?: true;
  /** Releases come by pull request. */
  readonly byPullRequest?: true;
  /** The world that it needs for itself; the others share one, `rollback` last. */
  readonly world?: string;
  readonly play: (world: World) => Promise<Word>;
}

/** The name of a verb. */
export type VerbName = keyof typeof VERBS;

/** What the rollback that follows a failed verification comes to. */
async function verifyFailing(world: World): Promise<Word> {
  const { followUp } = await verify(world.as('bot'), world.line, { wait: true });
  return followUp?.kind === 'rollback' ? wordOf(world, followUp.outcome) : 'unknown';
}

/** The verdict of the gate of a world; another gate must not be what stops it. */
function wordOf({ row }: World, outcome: Outcome | Several): Word {
  const all = outcome.kind === 'several' && outcome.releases.every(({ kind }) => kind === 'proposed');
  if (outcome.kind === 'proposed' || all) return 'proposes';
  if (outcome.kind === 'planned') return 'plans';
  if (outcome.kind !== 'refused')
    return outcome.kind === 'released' || outcome.kind === 'several' ? 'passes' : 'unknown';
  const { refusals } = outcome;
  const [first] = refusals;
  if (!first || refusals.some(({ gate }) => gate !== row.gate)) return 'unknown';
  return first.decision === 'wait' ? 'waits' : first.decision === 'refuse' ? 'stays' : 'unknown';
}

async function checkWord(world: World, branch: string | undefined): Promise<Word> {
  const { findings } = await check(world.as('bot'), { environments: [world.line], registry: false, branch });
  if (branch === undefined) return findings.length > 0 ? 'finds' : '-';
  return findings.some(({ rule, problem }) => rule === 'gates' && problem.includes(`${world.row.gate}: `))
    ? 'finds'
    : '-';
}

function configOf(
  { top, own }: Layout,
  { isSigned }: GateRow,
  { gates, byPullRequest }: { readonly gates: string; readonly byPullRequest: boolean },
): string {
  const each = own === '' ? '' : `${own}, `;
  const rights = isSigned
    ? ', signedBy: [bot@x.org], journalBy: { approve: [bo@x.org, cy@x.org], verify: [bot@x.org], lock: [bo@x.org] }'
    : '';
  const verification = 'verify: { timeout: 1s, onFailure: rollback, steps: [{ name: smoke, command: [smoke.sh] }] }';
  return `version: 1
${isSigned ? 'signing: ssh\nsigners: signers\n' : ''}${top}
environments:
  dev: { ${each.replace(/carry: .*/, '').replace('ENV', 'dev')}${top.includes('layout') ? '' : 'branch: dev'} }
  stg: { ${each.replace('ENV', 'stg')}from: dev, gates: { upstream: off } }
  prd: { ${each.replace('ENV', 'prd')}from: stg${byPullRequest ? ', pullRequest: true' : ''}${rights}, ${verification}, gates: { ${gates} } }
`;
}

function filesOf({ folders }: Layout): Record<string, string> {
  const files: Record<string, string> = { signers: 'known to the test\n' };
  for (const [folder, names] of Object.entries(folders)) {
    for (const environment of ['dev', 'stg', 'prd']) {
      const images = names.map((name) => `  - name: ${name}\n    newTag: V3.2\n`).join('');
      files[`${folder}/${environment}/kustomization.yaml`] = `resources: []\nimages:\n${images}`;
      files[`${folder}/${environment}/features.yaml`] = 'new: false\n';
    }
  }
  return files;
}

/** Signatures that say whose they are: what ssh-keygen makes is a matter of test/signing. */
function signingAs(name: string): Signing {
  const sum = (payload: Uint8Array): string => createHash('sha256').update(payload).digest('hex');
  return {
    async sign(_method, payload, purpose) {
      const said = Buffer.from(JSON.stringify([`${name}@x.org`, purpose, sum(payload)])).toString('base64');
      return `-----BEGIN SSH SIGNATURE-----\n${said}\n-----END SSH SIGNATURE-----\n`;
    },
    async verify({ signature, payload, purpose, trust }) {
      const [, said = ''] = signature.split('\n');
      const [signer, ...rest] = JSON.parse(Buffer.from(said, 'base64').toString()) as [string, ...string[]];
      if (rest.join() !== [purpose, sum(payload)].join()) return { problem: 'it is over something else' };
      const may = trust.signedBy.length === 0 || trust.signedBy.includes(signer);
      return may ? { signer } : { problem: `${signer} may not sign this` };
    },
    unlisted: async () => [],
  };
}
