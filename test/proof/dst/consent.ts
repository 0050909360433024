// Simulations of an environment that needs two approvals: people approve, take approvals back and override while releases are made,
// wait for their gates, and lose races; a release is taken back, and made again. A release that landed had its consent at that very
// moment, or an override by somebody who may, and no consent that a release before it was made by.
import type { Context } from '../../../src/engine/context.ts';
import { approve, unapprove } from '../../../src/engine/journal/approvals.ts';
import { overrideGate } from '../../../src/engine/journal/overrides.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import { promoteWhenGatesPass } from '../../../src/engine/release/wait-for-gates.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { isTagflowError } from '../../../src/model/errors.ts';
import {
  type JournalEntry,
  entryPath,
  formatEntry,
  makeEntry,
  parseEntry,
  signedText,
} from '../../../src/model/journal.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';
import type { Signing } from '../../../src/signing/signing.ts';
import { wordSigning } from '../../support/word-signing.ts';
import { openProcess } from './process.ts';
import { createSeededRandom } from './random.ts';
import { CALM, Scheduler, type Weather } from './scheduler.ts';
import { EPOCH, HOST, type Start, startOf } from './start.ts';
import { World } from './world.ts';

const REPOSITORY = `${HOST}/shop/app`;
const PRD = 'prd' as BranchName;
const RECORD = '.tagflow/releases/prd.yaml';
/** Who may approve. `bot` releases as a rule, and `ana` sometimes; `cy` may override, and `dov` may do neither. */
const APPROVERS = ['ana', 'bo', 'di', 'bot'];
const NEEDED = 2;
const ASKED = { kind: 'promote', environment: 'prd', versions: {} } as const;

/** The same promotion after a rollback has put its images on hold. */
const AGAIN = { ...ASKED, overrides: ['held'], reason: 'INC-2' } as const;

const mail = (name: string): string => `${name}@example.org`;
const mails = (names: readonly string[]): string => `[${names.map(mail).join(', ')}]`;

const CONFIG = `version: 1
signing: ssh
signers: signers
images:
  app: { repository: ${REPOSITORY} }
environments:
  dev: { branch: dev, signedBy: ${mails(['bot'])} }
  prd:
    from: dev
    signedBy: ${mails(['bot', 'ana'])}
    journalBy: { approve: ${mails(APPROVERS)} }
    overrides: { approvals: ${mails(['cy'])}, held: ${mails(['bot', 'ana'])} }
    gates: { upstream: off, approvals: { count: ${NEEDED}, by: ${mails(APPROVERS)} } }
`;

/** Rules that can be taken away, each by what a process is given. */
export const CONSENT_BREAKS: Readonly<Record<string, (context: Context) => Context>> = {
  'a release carries the journal that it was judged by': (context) => {
    const { ledger } = context;
    const push: Ledger['push'] = async (branch, commit, expected) => ledger.push(branch, commit, expected);
    return { ...context, ledger: bound(ledger, { push }) };
  },
  'an approval that was taken back does not count': (context) => {
    const { ledger } = context;
    const listFiles: Ledger['listFiles'] = async (commit, folder) =>
      (await ledger.listFiles(commit, folder)).filter(({ path }) => !path.startsWith('unapprove/'));
    return { ...context, ledger: bound(ledger, { listFiles }) };
  },
  'an entry is of the one whose key signed it': (context) => signedAs(context, { dov: 'bo' }),
  'who releases does not approve': (context) => signedAs(context, { bot: 'bo' }),
  'an override is of somebody who may': (context) => signedAs(context, { dov: 'cy' }),
};

function bound(ledger: Ledger, changed: Partial<Ledger>): Ledger {
  return new Proxy(ledger, {
    get(target, name: keyof Ledger) {
      return changed[name] ?? (target[name] as () => unknown).bind(target);
    },
  });
}

/** Entries of somebody pass for those of another. */
function signedAs(context: Context, others: Readonly<Record<string, string>>): Context {
  const inner = context.signing;
  if (!inner) return context;
  const signing: Signing = {
    ...inner,
    async verify(claim) {
      const verdict = await inner.verify({ ...claim, trust: { ...claim.trust, signedBy: [] } });
      const other =
        'signer' in verdict && claim.purpose === 'journal' ? others[verdict.signer.split('@')[0] ?? ''] : undefined;
      return other === undefined ? inner.verify(claim) : { signer: mail(other) };
    },
  };
  return { ...context, signing };
}

/** Where these simulations begin: two branches without a release. */
export async function consentStart(): Promise<Start> {
  const overlays = ['dev', 'prd'].map((name) => [
    `environments/${name}/kustomization.yaml`,
    `kind: Kustomization\nimages:\n  - name: ${REPOSITORY}\n    newTag: V0\n`,
  ]);
  return startOf({
    name: 'consent',
    config: CONFIG,
    files: { ...Object.fromEntries(overlays), signers: ['bot', 'ana', 'bo', 'cy', 'di', 'dov'].map(mail).join('\n') },
    branches: ['dev', 'prd'],
    repositories: [[REPOSITORY, 'app']],
    past: [],
  });
}

/** What a schedule showed. */
export interface ConsentVerdict {
  readonly violations: readonly string[];
  /** Releases that came with approvals, and with an override. */
  readonly approved: number;
  readonly overridden: number;
}

/** Runs the schedule of a seed; `broken`: without one of the rules. */
export async function simulateConsent(
  seed: number,
  start: Start,
  broken: (context: Context) => Context = (context) => context,
): Promise<ConsentVerdict> {
  const random = createSeededRandom(seed ^ 0x51e9);
  const weather: Weather = { ...CALM, stickiness: random.pick([0, 0.5]), faults: random.pick([0, 0, 0.03]) };
  const scheduler = new Scheduler(random, weather, EPOCH);
  const world = new World(start, () => scheduler.now);
  const scene = new Scene(world);
  const run = (name: string, wait: number, work: (context: Context) => Promise<unknown>): void => {
    scheduler.start(async () => {
      await scheduler.sleep(`${name} waits`, wait);
      const { context, stop } = openProcess({ world, scheduler, process: name, skew: () => 0 });
      scheduler.enter(name, { stop, killed: () => undefined });
      await quietly(work(broken({ ...context, signing: wordSigning(mail(name)) })));
      scheduler.leave(name);
    });
  };
  const to = (app: string) => async (context: Context) =>
    promote(context, { kind: 'promote', environment: 'dev', versions: { app } });
  run('bot', 0, to('V1.0'));
  await scheduler.run();
  // Sometimes prd has a release already, to go back to: the one that is made then is made again.
  const isAgain = random.chance(0.4);
  if (isAgain) {
    run('bot', 0, async (context) => {
      for (const name of ['bo', 'di']) await scene.approve(as(context, name));
      await promote(context, ASKED);
      await to('V3.0')(context);
    });
    await scheduler.run();
  }
  const soon = (): number => random.below(900);
  const releaser = random.pick(['bot', 'bot', 'ana']);
  run(releaser, soon(), async (context) => promoteWhenGatesPass(context, ASKED, {}, random.pick([0, 40_000])));
  for (const name of ['ana', 'bo', 'di', 'bot']) {
    if (name !== releaser && random.chance(0.7)) run(name, soon(), async (context) => scene.approve(context));
    if (random.chance(0.35)) run(name, 300 + soon(), async (context) => scene.takeBack(context, name));
  }
  if (random.chance(0.4))
    run(releaser === 'bot' ? 'bot2' : 'ana2', soon(), async (context) => scene.approve(as(context, releaser)));
  if (random.chance(0.4)) run('cy', soon(), async (context) => scene.override(context));
  const kind = random.pick(['approve', 'override'] as const);
  if (random.chance(0.4)) run('dov', 200 + soon(), async () => scene.forge('dov', kind));
  if (isAgain) {
    run('bot4', 1_600, async (context) => rollback(as(context, 'bot'), { kind: 'rollback', environment: 'prd' }));
    run('again', 2_400, async (context) => promote(as(context, releaser), AGAIN));
    if (random.chance(0.5)) run('cy2', 2_000 + soon(), async (context) => scene.override(as(context, 'cy')));
  }
  if (random.chance(0.3)) run('bot3', soon(), async (context) => to('V4.0')(as(context, 'bot')));
  run('last', 1_500, async (context) => promote(as(context, releaser), ASKED));
  const ended = await scheduler.run();
  return ended ? scene.judge() : { violations: ['never-ended'], approved: 0, overridden: 0 };
}

/** Signing with somebody's key. */
function as(context: Context, name: string): Context {
  return { ...context, signing: wordSigning(mail(name)) };
}

/** Errors end a process; defects end the simulation. */
async function quietly(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isTagflowError(error) || error.code === 'internal') throw error;
  }
}

/** What people do, and what they were shown. */
class Scene {
  readonly #world: World;
  /** What each subject is, in words: as people saw it. */
  readonly #subjects = new Map<Digest, string>();
  readonly #given: { readonly by: string; readonly id: string }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async approve(context: Context): Promise<void> {
    const { subject, what, entry } = await approve(context, ASKED);
    this.#subjects.set(subject, what);
    this.#given.push({ by: context.settings.who.actor, id: entry.id });
  }

  async takeBack(context: Context, name: string): Promise<void> {
    const own = this.#given.findLast(({ by }) => by === name);
    if (own) await unapprove(context, own.id);
  }

  async override(context: Context): Promise<void> {
    // Upstream may move on between a look and the entry: the entry is of what is there then. A look that a fault ends shows nothing.
    await this.#look(context);
    await overrideGate(context, { request: ASKED, gate: 'approvals', reason: 'INC-1' });
    await this.#look(context);
  }

  /** Notes what the subject of a promotion is that is made now. */
  async #look(context: Context): Promise<void> {
    const outcome = await promote(context, ASKED, { dryRun: true });
    if (!('subject' in outcome) || outcome.subject === undefined) return;
    const images = outcome.plan?.images ?? [];
    this.#subjects.set(outcome.subject, images.map(({ name, version }) => `${name} ${version}`).join(', '));
  }

  /** Somebody who may push to the journal writes an approval or an override past tagflow. */
  async forge(name: string, kind: 'approve' | 'override'): Promise<void> {
    const [subject] = [...this.#subjects.keys()].slice(-1);
    if (!subject) return;
    const draft = {
      kind,
      environment: 'prd',
      time: new Date(EPOCH + 1).toISOString(),
      actor: name,
      subject,
      ...(kind === 'override' && { gate: 'approvals', reason: 'INC-9' }),
    } as const;
    const entry = makeEntry(draft, 1);
    const signature = await wordSigning(mail(name)).sign('ssh', signedText(entry), 'journal');
    this.#world.remote.commit(this.#world.journal, { [entryPath(entry)]: formatEntry({ ...entry, signature }) });
    this.#world.moved();
  }

  /** Every release of prd against the journal as it was when the release landed. */
  judge(): ConsentVerdict {
    const violations: string[] = [];
    const counts = { approved: 0, overridden: 0 };
    const used = new Map<string, number>();
    for (const { id } of this.#world.headsOf(PRD)) {
      const record = this.#recordAt(id);
      if (!record || record.action !== 'promote') continue;
      for (const entry of entriesOf(record)) {
        const before = used.get(entry) ?? record.sequence;
        used.set(entry, before);
        if (before !== record.sequence)
          violations.push(`consent-used-twice: ${entry} by releases ${before} and ${record.sequence}`);
      }
      const entries = this.#entriesAt(this.#world.when(PRD, id)?.get(this.#world.journal));
      const what = record.images.map(({ name, version }) => `${name} ${version}`).join(', ');
      const own = entries.filter(({ subject }) => subject !== undefined && this.#subjects.get(subject) === what);
      const ended = new Set(entries.flatMap(({ ends = '' }) => ends));
      const open = own.filter((one) => one.kind === 'approve' && !ended.has(one.id)).map(ownerOf);
      const people = new Set(open.filter((name) => APPROVERS.includes(name) && name !== ownerOfRecord(record)));
      const isOverridden = own.some((one) => one.kind === 'override' && ownerOf(one) === 'cy');
      if (people.size >= NEEDED) counts.approved += 1;
      else if (isOverridden && record.gates.some(({ decision, by }) => decision === 'overridden' && by === mail('cy')))
        counts.overridden += 1;
      else
        violations.push(
          `without-consent: release ${record.sequence} (${what}) had ${[...people].join(', ') || 'nobody'}`,
        );
    }
    return { violations, ...counts };
  }

  #recordAt(id: ObjectId): ReleaseRecord | undefined {
    const content = this.#world.remote.filesOf(id).get(RECORD);
    return content && parseRecord(Buffer.from(content).toString(), RECORD);
  }

  #entriesAt(head: ObjectId | undefined): readonly JournalEntry[] {
    if (head === undefined) return [];
    return [...this.#world.remote.filesOf(head)].map(([path, content]) =>
      parseEntry(Buffer.from(content).toString(), path),
    );
  }
}

/** The ids of the entries that a record says it was made by. */
function entriesOf({ gates }: ReleaseRecord): readonly string[] {
  const said = gates.filter(({ gate }) => gate === 'approvals').map(({ reason, why = '' }) => `${reason} ${why}`);
  return said.flatMap((text) => [...text.matchAll(/\b[0-9a-f]{12}\b/g)].map(([id]) => id));
}

/** Who signed an entry, by the word that is its signature. */
function ownerOf({ signature = '' }: JournalEntry): string {
  const text = Buffer.from(signature.split('\n')[1] ?? '', 'base64').toString();
  return text.split('@')[0] ?? '';
}

/** Who released: the process is called as its owner, and its further ones by a number behind that. */
function ownerOfRecord({ actor }: ReleaseRecord): string {
  return actor.replace(/[0-9]+$/, '');
}
