// Plays one point: starts the command, stops it at its moment, lets the others act, runs it again as a person would, and
// judges what is there then.
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { checkHistory, describeViolation } from '../checker/check-history.ts';
import { type EnvironmentHistory, type Operation, type TagObservation, releaseOf } from '../checker/history.ts';
import { type Actor, type Ended, now, operationsOf, startActor } from '../real/program.ts';
import { type WrittenEntry, readEnvironmentHistory, readHeads, readJournal } from '../real/read-history.ts';
import { IMAGES } from '../real/fixture.ts';
import type { CommandName, Point } from './points.ts';
import type { Place, Stage } from './stage.ts';

/** What is run, and stopped. */
const COMMANDS: Readonly<Record<CommandName, readonly string[]>> = {
  promote: ['promote', 'stg', 'app=v1.3'],
  all: ['promote', 'stg', '--all'],
  rollback: ['rollback', 'stg', '--reason', 'INC-412'],
  apply: ['apply', 'stg'],
  verify: ['verify', 'stg', '--wait'],
  lock: ['lock', 'stg', '--reason', 'INC-412'],
  unlock: ['unlock', 'dev'],
  hold: ['hold', 'app@v1.1', 'stg', '--reason', 'INC-412'],
  lift: ['lift', 'app@v1.0', 'dev'],
  approve: ['approve', 'stg', 'app=v1.3'],
  override: ['override', 'stg', 'downgrade', 'app=v1.1', '--reason', 'INC-412'],
};
/** The exit code of a command that nobody disturbs: the release that is verified fails, and is rolled back. */
const EXITS: Readonly<Partial<Record<CommandName, number>>> = { verify: 9 };
/** Commands that move environments; the others write to the journal alone. */
const RELEASING: ReadonlySet<string> = new Set(['promote', 'all', 'rollback', 'apply', 'verify']);
/** What another actor runs meanwhile. */
const SECOND = ['promote', 'stg', 'db=v1.1'];
/** The same beside a command that moves two lines: it takes one of them away, or comes too late. */
const SECOND_OF_ALL = ['promote', 'stg', 'data'];
/** What another actor writes meanwhile beside a command that writes to the journal alone. */
const SECOND_ENTRY = ['hold', 'app@v1.2', 'dev', '--reason', 'INC-9'];
/** The exit code of a command that ends what nobody left open. */
const NOTHING_OPEN = 4;
/** The release that stg has when a point begins. */
const RELEASE = 3;

/** From SIGTERM to the end of the process, in milliseconds. */
const STOP_MS = 5_000;
const TICK_MS = 20;
/** How long the other actor may take while the first one stands still: over files it may have to wait for that one's lock. */
const SECOND_MS = { servers: 20_000, files: 1_000 } as const;
/** Whatever takes longer than this never ends. */
const NEVER_MS = 60_000;

const PRELOAD = pathToFileURL(join(import.meta.dirname, 'preload.ts')).href;

type ReadJournal = Awaited<ReturnType<typeof readJournal>>;

/** The outcome of a point. */
export interface Verdict {
  /** One line each; none when every promise was kept. */
  readonly violations: readonly string[];
  /** Everything that was run, for anybody who looks into it. */
  readonly story: readonly string[];
  /** Milliseconds from SIGTERM to the end. */
  readonly stopped?: number;
  /** Whether the first command's commit had landed when it ended. */
  readonly landed: boolean;
}

/** Runs a command undisturbed, and gives the labels of its steps in their order. */
export async function recordSteps(stage: Stage, command: CommandName): Promise<readonly string[]> {
  const place = await stage.prepare(command);
  const labels: string[] = [];
  if (stage.gate) stage.gate.victim = true;
  const actor = start(stage, place, 'first', COMMANDS[command], { TAGFLOW_PROOF_FOLDER: place.folder });
  let text = '';
  actor.channel.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const { exit, stderr, stdout } = await actor.done;
  if (exit !== exitOf(command)) throw new Error(`${command} failed undisturbed:\n${stdout}${stderr}`);
  labels.push(...(stage.gate ? stage.gate.labels : text.split('\n').filter(Boolean)));
  place.remove();
  return labels;
}

/** Plays one point. */
export async function play(stage: Stage, point: Point): Promise<Verdict> {
  const place = await stage.prepare(point.command);
  const verdict = await new Scene(stage, place, point).play();
  if (verdict.violations.length === 0 || process.env['TAGFLOW_PROOF_KEEP'] !== '1') place.remove();
  return verdict;
}

/** One point, as it is played. */
class Scene {
  readonly #stage: Stage;
  readonly #place: Place;
  readonly #point: Point;
  readonly #violations: string[] = [];
  readonly #story: string[] = [];
  readonly #operations: Operation[] = [];
  readonly #observations: TagObservation[] = [];
  readonly #acknowledged: { readonly actor: string; readonly entry: string }[] = [];
  #second: Actor | undefined;
  #reached = false;
  /** The run has ended, so no moment of it comes any more. */
  #over = false;
  #stopAt: number | undefined;
  /** Milliseconds since the signal in which the machine let this process wait as well. */
  #starved = 0;

  constructor(stage: Stage, place: Place, point: Point) {
    [this.#stage, this.#place, this.#point] = [stage, place, point];
  }

  async play(): Promise<Verdict> {
    const { command } = this.#point;
    this.#observe(0);
    const ended = await this.#disturb();
    if (!this.#reached) this.#wrong('not-reached', `the run never came to ${this.#point.step.label}`);
    const landed = await this.#hasLanded();
    const stopped = this.#judgeStop(ended);
    const second = this.#second && (await this.#end(this.#second));
    if (second) this.#judgeSecond(second);
    if (!this.#stage.gate) this.#observe(now());
    if (command === 'rollback' || this.#point.moment !== 'late') await this.#noOrphans('when it had ended');
    await this.#again(ended);
    if (this.#point.moment === 'late') await this.#comeLate();
    await this.#judgeAll(ended);
    return { violations: this.#violations, story: this.#story, landed, ...(stopped !== undefined && { stopped }) };
  }

  /** Runs the command, and stops it at its moment. */
  async #disturb(): Promise<Ended> {
    const { step, moment } = this.#point;
    const { gate } = this.#stage;
    const trap = [step.label, step.count, moment].join('\t');
    if (gate) gate.victim = true;
    const env = gate ? {} : { TAGFLOW_PROOF_FOLDER: this.#place.folder, TAGFLOW_PROOF_TRAP: trap };
    const first = start(this.#stage, this.#place, 'first', COMMANDS[this.#point.command], env);
    const spring = async (): Promise<boolean> => this.#spring(first);
    if (gate) gate.trap = { step, moment, spring, reach: () => (this.#reached = true) };
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    first.channel.once('data', () => {
      spring().then((dead) => dead || first.channel.write('\n'), failed.reject);
    });
    const ended = await Promise.race([this.#end(first), failed.promise]);
    this.#over = true;
    if (!this.#isEntry) this.#record(ended, ended.exit === undefined);
    if (gate) gate.victim = false;
    if (gate && gate.writesInFlight > 0 && ended.exit !== undefined && this.#took(ended) < STOP_MS - 1000) {
      this.#wrong('unfinished', 'it ended while a write of it had no answer');
    }
    return ended;
  }

  /** The moment has come. Resolves to whether the process is dead. */
  async #spring(first: Actor): Promise<boolean> {
    // After its last step it may be gone before its next one is missed.
    if (this.#over) return true;
    this.#reached = true;
    const { gate, transport } = this.#stage;
    const { company, signal, moment } = this.#point;
    if (company === 'beside') {
      first.signalGroup('SIGSTOP');
      // What it had sent before is here by then, and known for its own.
      await sleep(5);
      if (gate) gate.victim = false;
      this.#second = start(this.#stage, this.#place, 'second', this.#secondWords());
      await Promise.race([this.#second.done, sleep(SECOND_MS[transport])]);
      if (gate) gate.victim = true;
    }
    this.#stopAt = now();
    if (signal === 'kill') {
      // A push that continues after the death of who began it, or nothing of it continues.
      if (moment === 'late' && !gate) first.child.kill('SIGKILL');
      else first.signalGroup('SIGKILL');
      if (moment === 'late' && !gate) first.signalGroup('SIGCONT');
      await hasDied(first);
      if (gate) gate.victim = false;
      this.#ageLocks();
      return true;
    }
    void this.#watchMachine(first);
    first.child.kill('SIGTERM');
    first.signalGroup('SIGCONT');
    // It hears a signal when it next looks: over files that is after this step.
    const end = now() + (gate ? 500 : 0);
    while (now() < end && !hasEnded(first) && !first.stderr().includes('SIGTERM: ')) await sleep(2);
    return hasEnded(first);
  }

  #secondWords(): readonly string[] {
    if (this.#isEntry) return SECOND_ENTRY;
    return this.#point.command === 'all' ? SECOND_OF_ALL : SECOND;
  }

  #record(ended: Ended, isKilled: boolean): void {
    this.#operations.push(...operationsOf(ended, isKilled, this.#place.applications));
  }

  /** Notes for how long the machine was too busy to run anybody: that is not a time that a run takes. */
  async #watchMachine(first: Actor): Promise<void> {
    while (!hasEnded(first)) {
      const before = now();
      await sleep(TICK_MS);
      this.#starved += Math.max(0, now() - before - 2 * TICK_MS);
    }
  }

  #took({ ended }: Ended): number {
    return this.#stopAt === undefined ? 0 : ended - this.#stopAt;
  }

  #judgeStop(ended: Ended): number | undefined {
    if (this.#point.signal === 'kill' || this.#stopAt === undefined) return undefined;
    const took = this.#took(ended) - this.#starved;
    if (took > STOP_MS) this.#wrong('slow-stop', `it ended ${Math.round(took)} ms after SIGTERM`);
    const { exit, stderr } = ended;
    // Undefined: the command was over, and nothing listened for signals any more.
    const verdicts = this.#point.command === 'verify' ? [5, exitOf('verify')] : [];
    if (exit !== undefined && ![0, 8, 143, ...verdicts].includes(exit))
      this.#wrong('stop-exit', `it ended with ${exit} after SIGTERM`);
    if (exit === 143 && !interruptionOf(ended)) {
      this.#wrong('stop-exit', `it ended with 143 and did not say so: ${ended.stdout}${stderr}`);
    }
    const left = exit === undefined ? [] : this.#leftInWork();
    if (left.length > 0) this.#wrong('left-behind', `after SIGTERM there is ${left.join(', ')} in its work folder`);
    return took;
  }

  #judgeSecond({ exit, stdout, stderr }: Ended): void {
    // Incomplete: the first one, told to stop, finished a write of an older tag just then.
    if (exit === 0 || (exit === 8 && this.#point.signal === 'term')) return;
    this.#wrong('second', `the other actor ended with ${exit}: ${stdout}${stderr}`);
  }

  /** The rerun: what a run that was told to stop says, and else the same command; a rollback after a look at the status. */
  async #again(first: Ended): Promise<void> {
    const { command } = this.#point;
    const fix = interruptionOf(first)?.fix;
    let args = COMMANDS[command];
    if (fix === 'tagflow apply stg') args = COMMANDS.apply;
    else if (fix !== 'run the command again' && command === 'rollback') {
      // A rollback goes back from what is there: repeated after it landed, it would go back once more.
      if ((await this.#statusSequence()) !== RELEASE) args = COMMANDS.apply;
    }
    // What was ended once is not open any more.
    const ends = ['unlock', 'lift'].includes(command) && (await this.#hasLanded());
    const ended = await this.#run('again', args);
    if (ends && ended.exit === NOTHING_OPEN) return;
    if (ended.exit !== (args === COMMANDS[command] ? exitOf(command) : 0)) {
      this.#wrong('rerun', `${args.join(' ')} ended with ${ended.exit}: ${ended.stdout}${ended.stderr}`);
    }
  }

  /** What `tagflow status` says is there, compared with what is there. */
  async #statusSequence(): Promise<number | undefined> {
    const { exit, stdout } = await this.#run('status', ['status', 'stg']);
    const heads = await readHeads(this.#place.repository);
    const [stg] = (JSON.parse(stdout) as { environments: readonly StatusOutput[] }).environments;
    if (exit !== 0 || stg?.head !== heads['stg'])
      this.#wrong('status', `exit ${exit}, it says ${stg?.head} is the head of stg`);
    const tags = new Map(this.#place.tags().map(({ repository, tag, digest }) => [`${repository}:${tag}`, digest]));
    for (const { repository, name, digest, registry } of stg?.images ?? []) {
      if ((tags.get(`${repository}:stg`) === digest) === (registry.state === 'right')) continue;
      this.#wrong(
        'status',
        `it says that ${name}:stg is ${registry.state}, and it is ${tags.get(`${repository}:stg`)}`,
      );
    }
    return stg?.record?.sequence;
  }

  /** What was on its way when its sender died arrives, when all is well again; a repair puts it right. */
  async #comeLate(): Promise<void> {
    await this.#stage.gate?.deliverLate?.();
    await this.#noOrphans('after the rerun');
    const ended = await this.#run('repair', COMMANDS.apply);
    if (ended.exit !== 0) this.#wrong('repair', `apply ended with ${ended.exit}: ${ended.stdout}${ended.stderr}`);
  }

  async #judgeAll(first: Ended): Promise<void> {
    const { repository, heads, folder, published } = this.#place;
    const { gate } = this.#stage;
    for (const { at, image, tag, digest } of gate?.writes ?? []) {
      this.#observations.push({ at, repository: this.#place.nameOf(image), tag, digest });
    }
    const environments = await Promise.all(
      this.#place.lines.map(async (line) =>
        readEnvironmentHistory({ folder: repository, name: line.name, base: heads[line.branch] ?? '', line }),
      ),
    );
    const [environment] = environments;
    if (!environment) throw new Error('there is no line to judge');
    const journal = await readJournal(repository);
    const made = environments.map(({ line }) => line.filter((commit) => releaseOf(commit)?.actor === 'first'));
    const landed = this.#isEntry ? entriesBy(journal, 'first').length > 0 : made.some((commits) => commits.length > 0);
    if (this.#isEntry) this.#judgeEntries(journal, environment);
    if (this.#point.command === 'all') this.#judgeTogether(made.map((commits) => commits.map(({ id }) => id)));
    if (this.#point.command === 'verify') {
      const [newest] = environment.line.flatMap((commit) => releaseOf(commit) ?? []);
      if (newest?.action !== 'rollback') this.#wrong('unfinished', `release ${newest?.sequence} failed and still runs`);
    }
    const said = interruptionOf(first)?.details.landed;
    if (typeof said === 'boolean' && said !== landed) {
      this.#wrong('untrue', `when it was stopped it said landed: ${said}, and it is ${landed}`);
    }
    const found = checkHistory({
      environments,
      operations: this.#operations,
      tags: this.#place.tags(),
      observations: this.#observations,
      ...(gate && { everyWrite: true }),
      settled: true,
      published,
      journal: { heads: journal, when: {}, acknowledged: this.#acknowledged },
    });
    this.#violations.push(...found.map(describeViolation));
    const after = await readHeads(repository);
    const own = new Set(this.#place.lines.map(({ branch }) => branch));
    for (const branch of Object.keys(heads)) {
      if (own.has(branch) || branch === 'tagflow-journal') continue;
      if (after[branch] !== heads[branch]) this.#wrong('other-branch', `${branch} moved to ${after[branch]}`);
    }
    const left = leftovers(repository, /\.lock$|^incoming-|^tmp_/);
    if (left.length > 0) this.#wrong('left-behind', left.join(', '));
    // What a killed run could not remove the next one removes.
    const work = this.#leftInWork();
    if (work.length > 0) this.#wrong('left-behind', `${work.join(', ')} in the work folder`);
    await this.#unblocked(join(folder, 'registry'));
    await this.#noOrphans('in the end');
  }

  /** What `--all` left: the releases of all its lines in one commit, or none; without a line that somebody else released. */
  #judgeTogether(made: readonly (readonly string[])[]): void {
    const commits = new Set(made.flat());
    if (commits.size > 1) this.#wrong('torn', `it made ${[...commits].join(' and ')}`);
    const lines = made.filter((ids) => ids.length > 0).length;
    if (lines === 1 && this.#point.company === 'alone')
      this.#wrong('torn', 'one application was released and not the other');
  }

  /** What a command that writes to the journal left: its entry, once or twice, and no release. */
  #judgeEntries(journal: ReadJournal, environment: EnvironmentHistory): void {
    const { command } = this.#point;
    const own = ['first', 'again'].flatMap((actor) => entriesBy(journal, actor));
    if (own.length === 0 || own.length > 2) this.#wrong('entries', `there are ${own.length} of ${command}`);
    const other = own.find(({ kind }) => kind !== command);
    if (other) this.#wrong('entries', `${other.path} is of another kind`);
    if (this.#second && entriesBy(journal, 'second').length !== 1)
      this.#wrong('entries', 'that of the other actor is gone');
    if (environment.line[0]?.id !== this.#place.heads['stg']) this.#wrong('other-branch', 'stg moved');
  }

  get #isEntry(): boolean {
    return !RELEASING.has(this.#point.command);
  }

  /** Whether what the first command writes is there. */
  async #hasLanded(): Promise<boolean> {
    const { repository, heads } = this.#place;
    const branch = this.#place.lines[0]?.branch ?? '';
    if (!this.#isEntry) return (await readHeads(repository))[branch] !== heads[branch];
    return entriesBy(await readJournal(repository), 'first').length > 0;
  }

  /** What a killed run left in a layout that needed no write since is in nobody's way: the next writer takes it away. */
  async #unblocked(registry: string): Promise<void> {
    for (const image of Object.keys(IMAGES)) {
      if (leftovers(join(registry, image), /^\.tagflow/).length === 0) continue;
      const ended = await this.#run('writer', ['tag', `oci:registry/${image}:v1.0`, 'probe']);
      if (ended.exit !== 0) {
        this.#wrong('blocked', `tagging ${image} ended with ${ended.exit}: ${ended.stdout}${ended.stderr}`);
      }
    }
    const left = leftovers(registry, /^\.tagflow/);
    if (left.length > 0) this.#wrong('left-behind', left.join(', '));
  }

  /** No process works in the point's folder any more. */
  async #noOrphans(when: string): Promise<void> {
    let orphans: readonly string[] = [];
    for (let waited = 0; waited < 5_000; waited += 20) {
      orphans = processesIn(this.#place.folder);
      if (orphans.length === 0) return;
      await sleep(20);
    }
    this.#wrong('orphan', `${when} there ran ${orphans.join('; ')}`);
  }

  /** A rerun comes later than a fraction of a second after a death: a lock of the dead looks as old as that. */
  #ageLocks(): void {
    const past = Date.now() / 1000 - 60;
    for (const image of Object.keys(IMAGES)) {
      const lock = join(this.#place.folder, 'registry', image, '.tagflow.lock');
      if (existsSync(lock)) utimesSync(lock, past, past);
    }
  }

  #leftInWork(): readonly string[] {
    const work = join(this.#place.folder, 'work');
    return existsSync(work) ? readdirSync(work) : [];
  }

  #observe(at: number): void {
    this.#observations.push(...this.#place.tags().map((tag) => ({ at, ...tag })));
  }

  async #run(name: string, args: readonly string[]): Promise<Ended> {
    const ended = await this.#end(start(this.#stage, this.#place, name, args));
    if (RELEASING.has(args[0] ?? '')) this.#record(ended, false);
    return ended;
  }

  async #end(actor: Actor): Promise<Ended> {
    const timer = setTimeout(() => {
      this.#wrong('never-ended', `it was ended after ${NEVER_MS / 1000} s`);
      actor.signalGroup('SIGKILL');
    }, NEVER_MS);
    const ended = await actor.done;
    clearTimeout(timer);
    const { name, args, exit, started, stdout, stderr } = ended;
    this.#story.push(
      `${name}: ${args.join(' ')}: exit ${exit} after ${Math.round(ended.ended - started)} ms\n${stdout}${stderr}`,
    );
    if (actor === this.#second && !this.#isEntry) this.#record(ended, false);
    for (const entry of entriesSaid(ended)) this.#acknowledged.push({ actor: name, entry });
    return ended;
  }

  #wrong(rule: string, text: string): void {
    this.#violations.push(`${rule}: ${text}`);
  }
}

function exitOf(command: CommandName): number {
  return EXITS[command] ?? 0;
}

/** The entries of the journal's newest commit that an actor wrote. */
function entriesBy(journal: ReadJournal, actor: string): readonly WrittenEntry[] {
  return journal.at(-1)?.entries.filter((entry) => entry.actor === actor) ?? [];
}

/** The ids of the entries that a run said it wrote. */
function entriesSaid({ exit, stdout }: Ended): readonly string[] {
  if (exit !== 0 || !stdout.startsWith('{')) return [];
  const { entries = [] } = JSON.parse(stdout) as { entries?: readonly { readonly id: string }[] };
  return entries.map(({ id }) => id);
}

interface Interruption {
  readonly code: string;
  readonly fix: string;
  readonly details: { readonly landed?: boolean | null };
}

/** What a run says that was told to stop. */
function interruptionOf({ exit, stdout }: Ended): Interruption | undefined {
  if (exit !== 143) return undefined;
  try {
    const { error } = JSON.parse(stdout) as { error?: Interruption };
    return error?.code === 'interrupted' ? error : undefined;
  } catch {
    return undefined;
  }
}

interface StatusOutput {
  readonly head: string;
  readonly record: { readonly sequence: number } | null;
  readonly images: readonly {
    readonly name: string;
    readonly repository: string;
    readonly digest: string;
    readonly registry: { readonly state: string };
  }[];
}

function start(
  { program, gate }: Stage,
  { folder, env }: Place,
  name: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Actor {
  // The rerun has the work folder of the one that died; who runs beside it has its own.
  const work = join(folder, name === 'second' ? 'work-second' : 'work');
  mkdirSync(work, { recursive: true });
  const preload = gate || more['TAGFLOW_PROOF_FOLDER'] === undefined ? undefined : PRELOAD;
  const own = { ...env, TAGFLOW_CACHE_DIR: work, TAGFLOW_RUN: '1', ...more };
  return startActor({ program, name, args, cwd: folder, env: own, preload });
}

function hasEnded({ child }: Actor): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function hasDied(actor: Actor): Promise<void> {
  if (hasEnded(actor)) return;
  await new Promise<void>((resolve) => actor.child.once('exit', () => resolve()));
}

/** Files below a folder whose names are those of something unfinished. */
function leftovers(folder: string, names: RegExp): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => names.test(name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** The command lines of processes whose working directory is below a folder. */
function processesIn(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) return [];
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()].filter(Boolean);
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}
