// Negative controls: defects that are built into the ports a process is given, each against one rule of the protocol. A
// simulation that does not find them proves nothing.
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';
import { scopeId } from '../../../src/engine/tree/tree.ts';
import { EXIT, isTagflowError } from '../../../src/model/errors.ts';
import type { FileStep, Ledger, PushVerdict } from '../../../src/ledger/ledger.ts';
import { recordPath } from '../../../src/model/pipeline.ts';
import { formatRecord, parseRecord } from '../../../src/model/release-record.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import type { Rule } from '../checker/history.ts';
import type { LinesScenario } from './lines.ts';
import { MOVING_BREAKS, type MovingBreak, type MovingRule } from './moving.ts';
import { type Command, type JournalCommand, runCommand } from './commands.ts';
import { BAD, type OpenProcess } from './process.ts';
import { RIGHT_CLOCK, type Scenario } from './scenario.ts';
import { CALM, type Weather } from './scheduler.ts';
import { contains } from './sim-ledger.ts';
import type { World } from './world.ts';

/** A defect, and what finds it. */
export interface Break {
  /** The rule of the protocol that is broken. */
  readonly breaks: string;
  /** The rules of the checker of which at least one has to find it. */
  readonly foundBy: readonly (Rule | MovingRule)[];
  readonly ledger?: (ledger: Ledger, world: World) => Partial<Ledger>;
  readonly registry?: (registry: Registry, world: World) => Partial<Registry>;
  readonly run?: typeof runCommand;
  /** Makes a scenario one in which the defect can show. */
  readonly scenario?: (scenario: Scenario) => Scenario;
  /** The same of a scenario of lines that share a branch, where it can show there alone. */
  readonly lines?: (scenario: LinesScenario) => LinesScenario;
  /** What a process of a schedule of a moving tag is given, where the defect can show there alone. */
  readonly moving?: MovingBreak;
}

/** Nothing fails, but replicas of the registry may lag. */
const LAGGING: Weather = { ...CALM, stickiness: 0, stale: { git: 0, registry: 0.3 }, lag: 3_000 };

const landed: PushVerdict = { outcome: 'landed' };

/** Every defect, by name. */
export const BREAKS: Readonly<Record<string, Break>> = {
  'lost-push-is-landed': {
    breaks: 'a push that lost the race is reported as lost',
    foundBy: ['acknowledged-lost'],
    ledger: (ledger) => ({
      async push(branch, commit, expected) {
        const verdict = await ledger.push(branch, commit, expected);
        return verdict.outcome === 'lost' ? landed : verdict;
      },
    }),
  },
  'landed-push-is-lost': {
    breaks: 'a push whose answer was lost is settled by reading, and never guessed',
    foundBy: ['landed-unacknowledged', 'landed-twice'],
    ledger: (ledger) => ({
      async push(branch, commit, expected) {
        const verdict = await ledger.push(branch, commit, expected);
        return verdict.outcome === 'landed' ? { outcome: 'lost', head: commit } : verdict;
      },
    }),
  },
  'push-without-lease': {
    breaks: 'a push moves the branch only from the head that was read',
    foundBy: ['not-linear', 'acknowledged-lost'],
    ledger: (ledger, world) => ({
      async push(branch, commit, expected) {
        const verdict = await ledger.push(branch, commit, expected);
        if (verdict.outcome !== 'lost') return verdict;
        world.remote.branches.set(branch, commit);
        world.moved();
        return landed;
      },
    }),
  },
  'head-is-not-read-again': {
    breaks: 'after the tags were put the head is read again, and its tags are put when it moved on',
    foundBy: ['alias-differs'],
    scenario: (scenario) => ({ ...scenario, weather: { ...CALM, stickiness: 0 } }),
    ledger: (ledger) => {
      const known = new Map<string, Awaited<ReturnType<Ledger['head']>>>();
      return {
        async heads() {
          const heads = await ledger.heads();
          for (const [branch, id] of heads.branches) known.set(branch, id);
          return heads;
        },
        async push(branch, commit, expected) {
          const verdict = await ledger.push(branch, commit, expected);
          if (verdict.outcome === 'landed') known.set(branch, commit);
          return verdict;
        },
        head: async (branch) => known.get(branch),
      };
    },
  },
  'rewrite-is-ignored': {
    breaks: 'after a change a tag is written even where it reads as right',
    foundBy: ['alias-differs'],
    scenario: (scenario) => ({ ...scenario, weather: LAGGING, actors: thereAndBack(scenario) }),
    registry: (registry) => ({
      tag: async (repository, digest, tag, options = {}) =>
        registry.tag(repository, digest, tag, options.expected ? { expected: options.expected } : {}),
    }),
  },
  'failed-put-is-told-as-done': {
    breaks: 'every tag is read back before exit 0',
    foundBy: ['exit-untrue'],
    registry: (registry) => {
      const put = new Map<string, Awaited<ReturnType<Registry['peek']>>>();
      return {
        async tag(repository, digest, tag, options) {
          put.set(`${repository.name}:${tag}`, digest);
          try {
            return await registry.tag(repository, digest, tag, options);
          } catch (error) {
            if (isTagflowError(error, 'registry-unavailable')) return { changed: true, previous: undefined };
            throw error;
          }
        },
        peek: async (repository, tag) => put.get(`${repository.name}:${tag}`) ?? registry.peek(repository, tag),
      };
    },
  },
  'hand-made-commits-are-overlooked': {
    breaks: 'a commit made by hand that upstream lacks stops a promotion',
    foundBy: ['hand-made-lost'],
    ledger: () => ({ commitsBetween: async () => [] }),
  },
  'push-of-an-old-head-is-taken': {
    breaks: 'what an administrator rewound is not brought back by a push that contains it',
    foundBy: ['resurrected'],
    scenario: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      hands: [{ kind: 'rewind', environment: environmentOf(scenario) }],
    }),
    ledger: (ledger, world) => ({
      async push(branch, commit, expected) {
        const verdict = await ledger.push(branch, commit, expected);
        const now = world.remote.branches.get(branch);
        if (verdict.outcome !== 'lost' || !now || !contains(world.remote, commit, now)) return verdict;
        world.remote.branches.set(branch, commit);
        world.moved();
        return landed;
      },
    }),
  },
  'merged-past-is-believed': {
    breaks: 'a release is read only from a branch whose line shows every release that its head reaches',
    foundBy: ['forgotten'],
    scenario: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      hands: [
        { kind: 'hotfix', environment: environmentOf(scenario) },
        { kind: 'old-merge', environment: environmentOf(scenario) },
      ],
    }),
    ledger: () => ({ walkAside: async () => [] }),
  },
  'old-past-is-taken-for-new': {
    breaks: 'what is known about the past is trusted only below a commit that the head continues',
    foundBy: ['defect', 'forgotten'],
    ledger: (ledger, world) => {
      const known = pasts.get(world) ?? new Map<string, readonly FileStep[]>();
      pasts.set(world, known);
      return {
        async walk(head, paths) {
          const key = paths.join();
          const steps = known.get(key) ?? (await ledger.walk(head, paths));
          known.set(key, steps);
          return steps;
        },
        recent: async (_, paths, limit) =>
          (known.get(paths.join()) ?? (await ledger.recent(_, paths, limit))).slice(0, limit),
      };
    },
  },
  'consent-is-taken-for-granted': {
    breaks: 'gates are overridden only on request',
    foundBy: ['ungated-release', 'held-returned', 'downgrade-landed', 'hand-made-lost'],
    run: async (context, command) =>
      runCommand(
        context,
        command.kind === 'promote' ? { ...command, overrides: ['downgrade', 'held', 'divergence'] } : command,
      ),
  },
  'rollback-plans-again': {
    breaks: 'a rollback that lost the race stops as superseded',
    foundBy: ['rollback-replanned'],
    async run(context, command) {
      const told = await runCommand(context, command);
      return told.some(({ error }) => error === 'superseded') ? runCommand(context, command) : told;
    },
  },
  'failure-names-no-commit': {
    breaks: 'a rollback by itself leaves the commit that failed and no other',
    foundBy: ['rolled-back-wrongly'],
    scenario: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      hands: [],
      actors: [
        { name: 'vera', commands: [{ kind: 'verify', environment: 'dev' }], clock: RIGHT_CLOCK },
        { name: 'ana', commands: [promoteTo('V4.0'), promoteTo('V3.0')], clock: RIGHT_CLOCK },
      ],
    }),
    async run(context, command) {
      if (command.kind !== 'verify') return runCommand(context, command);
      const { environment } = command;
      const snapshot = await readSnapshot(context, [environment]);
      const { record } = await snapshot.release(snapshot.environment(environment));
      if (!record?.images.some(({ version }) => BAD.has(version))) {
        return [{ environment, exit: EXIT.ok, outcome: 'planned' }];
      }
      await context.clock.sleep(1000, context.signal);
      const reason = `verification 000000000000 of release ${record.sequence} failed`;
      return runCommand(context, { kind: 'rollback', environment, reason });
    },
  },
  'journal-is-not-held': {
    breaks: 'the push of a release carries the journal, and lands only while its head is the one that was read',
    foundBy: ['lock-passed', 'hold-passed', 'journal-not-held'],
    scenario: locked,
    ledger: (ledger) => ({
      push: async (branch, commit, expected) => ledger.push(branch, commit, expected),
    }),
  },
  'entries-are-put-over-others': {
    breaks: 'an entry is pushed by compare-and-swap, and put on the new head when others wrote meanwhile',
    foundBy: ['journal-shrank', 'entry-lost'],
    scenario: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      hands: [],
      actors: ['lea', 'max'].map((name) => ({
        name,
        commands: [lockDev('lock'), lockDev('hold')],
        clock: RIGHT_CLOCK,
      })),
    }),
    ledger: (ledger, world) => ({
      async push(branch, commit, expected, beside) {
        const verdict = await ledger.push(branch, commit, expected, beside);
        if (verdict.outcome !== 'lost' || branch !== world.journal) return verdict;
        world.remote.branches.set(branch, commit);
        world.moved();
        return landed;
      },
    }),
  },
  'locks-are-overlooked': {
    breaks: 'no promotion passes a lock, whenever it came',
    foundBy: ['lock-passed'],
    scenario: locked,
    ledger: (ledger) => overlooking(ledger, 'lock/'),
  },
  'holds-are-overlooked': {
    breaks: 'no promotion brings an image that somebody put on hold',
    foundBy: ['hold-passed'],
    scenario: locked,
    ledger: (ledger) => overlooking(ledger, 'hold/'),
  },
  'shortened-journal-is-believed': {
    breaks: 'a journal that lost entries since the newest release relied on it lets no promotion through',
    foundBy: ['journal-forgotten'],
    scenario: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      hands: [{ kind: 'journal-rewind', environment: 'dev' }],
      actors: [
        { name: 'lea', commands: [lockDev('hold'), lockDev('lift'), lockDev('hold')], clock: RIGHT_CLOCK },
        { name: 'ana', commands: ['V1.0', 'V2.0', 'V4.0', 'V1.0', 'V2.0'].map(anyway), clock: RIGHT_CLOCK },
      ],
    }),
    // What the journal has is compared with what it had by the list of all of its files.
    ledger: (ledger) => ({
      listFiles: async (commit, folder) => (folder === '' ? [] : ledger.listFiles(commit, folder)),
    }),
  },
  'what-came-between-is-overlooked': {
    breaks: 'a release is put on top of other commits only where nothing changed that its plan follows from',
    foundBy: ['sequence-broken', 'rollback-wrong', 'hold-lost', 'downgrade-landed'],
    lines: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      commits: [],
      actors: ['ana', 'ben', 'cleo'].map((name, index) => ({
        name,
        commands: [{ kind: 'promote', environment: 'dev/shop', versions: { app: `V${index + 2}.0` } }],
        clock: RIGHT_CLOCK,
      })),
    }),
    ledger: () => ({ changedPaths: async () => [] }),
  },
  'another-line-is-put-back': {
    breaks: 'a release that is put on top of other commits keeps what they brought',
    foundBy: ['acknowledged-lost', 'not-linear', 'sequence-broken', 'exit-untrue'],
    lines: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      commits: [],
      actors: (['dev/shop', 'dev/data'] as const).map((environment, index) => ({
        name: ['ana', 'ben'][index] ?? '',
        commands: [{ kind: 'promote', environment, versions: { '*': 'V3.0' } }],
        clock: RIGHT_CLOCK,
      })),
    }),
    // The tree that was read when it was planned.
    ledger: (ledger) => {
      let first: Parameters<Ledger['writeCommit']>[0]['base'] | undefined;
      return {
        async writeCommit(draft) {
          first ??= draft.base;
          return ledger.writeCommit({ ...draft, base: first });
        },
      };
    },
  },
  'forged-records-are-believed': {
    breaks: 'a record is a release where it follows on the newest one and fits its tree, and nowhere else',
    foundBy: ['forgery-believed'],
    lines: (scenario) => ({
      ...scenario,
      weather: { ...CALM, stickiness: 0 },
      commits: [],
      forgeries: [{ kind: 'next', of: 'dev/shop' }],
      actors: ['dev/shop', 'prd/shop', 'dev/shop'].map((environment, index) => ({
        name: ['ana', 'ben', 'cleo'][index] ?? '',
        commands: [
          { kind: 'apply', environments: [environment] },
          { kind: 'promote', environment, versions: {} },
        ],
        clock: RIGHT_CLOCK,
      })),
    }),
    ledger: believing,
  },
  'version-is-resolved-again': {
    breaks: 'a version is resolved once; from there on only its digest counts',
    foundBy: ['record-pins-differ', 'alias-differs', 'exit-untrue', 'release-tag-wrong', 'ungated-tag'],
    registry: (registry, world) => ({
      // Puts what some other version is, as a tool does that names its source by a tag that moved.
      async tag(repository, digest, tag, options) {
        const other = [...world.images].find((image) => image.startsWith(`${repository.name}@`))?.split('@')[1];
        return registry.tag(repository, (other ?? digest) as typeof digest, tag, options);
      },
    }),
  },
  ...Object.fromEntries(
    Object.entries(MOVING_BREAKS).map(([name, moving]): [string, Break] => [
      name,
      { breaks: 'a release whose tags come late is deployed again', foundBy: ['not-deployed-again'], moving },
    ]),
  ),
};

/** Forged records, read as what they would have to be to be releases. */
function believing(ledger: Ledger, world: World): Partial<Ledger> {
  const believe = async (files: ReadonlyMap<string, Uint8Array>): Promise<ReadonlyMap<string, Uint8Array>> => {
    const read = new Map(files);
    for (const [commit, forged] of world.forged) {
      const path = recordPath(forged.line);
      const content = world.remote.filesOf(commit).get(path);
      if (content === undefined || Buffer.compare(content, files.get(path) ?? Buffer.of()) !== 0) continue;
      const { previous: _, ...record } = parseRecord(Buffer.from(content).toString(), path);
      const { previous } = forged;
      const scope = await scopeId(ledger, forged.line, commit, []);
      const sequence = (previous?.sequence ?? 0) + 1;
      read.set(path, Buffer.from(formatRecord({ ...record, ...(previous && { previous }), sequence, scope })));
    }
    return read;
  };
  return {
    readFiles: async (...ask) => believe(await ledger.readFiles(...ask)),
    recent: async (...ask) =>
      Promise.all((await ledger.recent(...ask)).map(async (step) => ({ ...step, files: await believe(step.files) }))),
  };
}

/** Promotes a version to dev, an older one as well. */
function anyway(app: string): Command {
  return { kind: 'promote', environment: 'dev', versions: { app }, overrides: ['downgrade', 'held'] };
}

/** Somebody locks dev and holds an image, while others promote it there. */
function locked(scenario: Scenario): Scenario {
  return {
    ...scenario,
    weather: { ...CALM, stickiness: 0 },
    hands: [],
    actors: [
      { name: 'lea', commands: [lockDev('hold'), lockDev('lock')], clock: RIGHT_CLOCK },
      { name: 'ana', commands: [promoteTo('V3.0'), promoteTo('V4.0')], clock: RIGHT_CLOCK },
      { name: 'ben', commands: [promoteTo('V3.0')], clock: RIGHT_CLOCK },
    ],
  };
}

function lockDev(act: JournalCommand['act']): Command {
  return { kind: 'journal', act, environment: 'dev' };
}

/** A journal whose entries of one kind are not seen. */
/** What processes of a world read of the past, by the files. */
const pasts = new WeakMap<World, Map<string, readonly FileStep[]>>();

function overlooking(ledger: Ledger, kind: string): Partial<Ledger> {
  return { listFiles: async (commit, folder) => (folder.startsWith(kind) ? [] : ledger.listFiles(commit, folder)) };
}

function promoteTo(app: string): Command {
  return { kind: 'promote', environment: 'dev', versions: { app } };
}

/** The environment that a scenario's first command is about. */
function environmentOf({ actors }: Scenario): string {
  const command = actors[0]?.commands[0];
  return (command?.kind === 'apply' ? command.environments[0] : command?.environment) ?? 'dev';
}

/** The actors, the first of which promotes and then rolls back. */
function thereAndBack(scenario: Scenario): Scenario['actors'] {
  const environment = environmentOf(scenario);
  const promote = { kind: 'promote', environment, versions: { app: 'V4.0' } } as const;
  return scenario.actors.map((actor, index) =>
    index === 0 ? { ...actor, commands: [promote, { kind: 'rollback', environment }] } : actor,
  );
}

/** The defect of a name. */
export function breakOf(name: string): Break {
  const found = BREAKS[name];
  if (found) return found;
  throw new TypeError(`there is no defect ${name}; there are: ${Object.keys(BREAKS).join(', ')}`);
}

/** A process with a defect built in. */
export function breakProcess(opened: OpenProcess, { ledger, registry }: Break, world: World): OpenProcess {
  const { context } = opened;
  const sound = context.registries.registryOf(undefined as never);
  const brokenRegistry = registry ? { ...sound, ...registry(sound, world) } : sound;
  return {
    ...opened,
    context: {
      ...context,
      ledger: ledger ? overlay(context.ledger, ledger(context.ledger, world)) : context.ledger,
      registries: { ...context.registries, registryOf: () => brokenRegistry },
    },
  };
}

function overlay(ledger: Ledger, changes: Partial<Ledger>): Ledger {
  return new Proxy(ledger, {
    get(target, key) {
      const value: unknown = Reflect.get(Object.hasOwn(changes, key) ? changes : target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
