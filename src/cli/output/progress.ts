// What is going on, on stderr. On a terminal: one line that clears itself, once it takes longer than a second, with a bar,
// the rate and an estimate where bytes are counted, and for how long a step has gone on. Elsewhere, in the log of a CI job: a plain line now and then about what
// counts bytes, since jobs that are silent for minutes get killed.
import type { Progress } from '../../model/effects.ts';
import { plain } from '../../model/text.ts';
import type { Terminal } from '../process/io.ts';

/** Steps that end within this show nothing; milliseconds, as all below. */
const PATIENCE = 1000;
/** Between two drawings; a step that says nothing new is drawn again, as its rate falls. */
const FRAME = 200;
/** Between two lines of a log. */
const LOG_PAUSE = 30_000;
/** A step that takes this long shows for how long it has gone on. */
const LONG = 3000;
/** What the rate is measured over. */
const WINDOW = 10_000;
/** Below this a rate says nothing. */
const SHORTEST_WINDOW = 1000;
const BAR_WIDTH = 20;

/** Shows the newest step while a command runs. */
export interface ProgressLine {
  update(notice: Progress): void;
  /** Removes the line, so that something else can be written. */
  clear(): void;
  stop(): void;
}

/** Starts to show progress; quiet, it shows nothing. */
export function startProgress(stream: Terminal, quiet: boolean): ProgressLine {
  if (quiet) return { update: () => undefined, clear: () => undefined, stop: () => undefined };
  return stream.isTTY === true ? new TerminalLine(stream) : inLog(stream);
}

/** One line of a terminal, drawn again and again. */
class TerminalLine implements ProgressLine {
  readonly #stream: Terminal;
  readonly #speed = measureSpeed();
  readonly #patience: NodeJS.Timeout;
  readonly #frames: NodeJS.Timeout;
  // Until somebody says more, it is this that takes its time.
  #notice: Progress | undefined = { level: 'progress', text: 'starting' };
  #since = performance.now();
  #drawn = '';
  #patient = true;

  constructor(stream: Terminal) {
    this.#stream = stream;
    this.#patience = setTimeout(() => {
      this.#patient = false;
      this.#draw();
    }, PATIENCE).unref();
    this.#frames = setInterval(() => this.#draw(), FRAME).unref();
  }

  update(next: Progress): void {
    if (next.text !== this.#notice?.text && !next.bytes) this.#since = performance.now();
    this.#notice = next;
    if (next.bytes) this.#speed.add(next.bytes.done);
    else this.#draw();
  }

  clear(): void {
    this.#erase();
    // What else is written is about these bytes: they have come to their end.
    if (this.#notice?.bytes) this.#notice = undefined;
  }

  stop(): void {
    clearTimeout(this.#patience);
    clearInterval(this.#frames);
    this.#erase();
  }

  #draw(): void {
    if (this.#patient || !this.#notice) return;
    const columns = Math.max(10, (this.#stream.columns ?? 80) - 4);
    const line = lineOf(this.#notice, this.#speed, columns, performance.now() - this.#since);
    if (line !== this.#drawn || this.#notice.bytes) this.#stream.write(`\r\x1b[K… ${line}`);
    this.#drawn = line;
  }

  #erase(): void {
    if (this.#drawn !== '') this.#stream.write('\r\x1b[K');
    this.#drawn = '';
  }
}

function inLog(stream: Terminal): ProgressLine {
  const speed = measureSpeed();
  let next = performance.now() + LOG_PAUSE;
  let waiting: Progress | undefined;
  const write = (text: string): void => {
    next = performance.now() + LOG_PAUSE;
    stream.write(`${text}\n`);
  };
  const repeat = setInterval(() => {
    if (waiting && performance.now() >= next) write(plain(waiting.text, 200));
  }, FRAME).unref();
  return {
    update(notice) {
      if (notice.waits && !waiting) write(plain(notice.text, 200));
      waiting = notice.waits ? notice : undefined;
      if (!notice.bytes) return;
      speed.add(notice.bytes.done);
      if (performance.now() < next) return;
      write([plain(notice.text, 200), ...speedOf(notice.bytes, speed)].join(', '));
    },
    clear() {
      waiting = undefined;
    },
    stop: () => clearInterval(repeat),
  };
}

/** A step as one line of at most `columns` characters: the text first, then the rest as far as it fits. */
function lineOf({ text, bytes }: Progress, speed: Speed, columns: number, elapsed: number): string {
  const words = plain(text, 200);
  if (!bytes)
    return `${words}${elapsed < LONG ? '' : ` (${durationIn(Math.floor(elapsed / 1000))})`}`.slice(0, columns);
  const parts = [words, ...speedOf(bytes, speed)].join(', ');
  const withBar = `${barOf(bytes)} ${parts}`;
  return withBar.length <= columns ? withBar : parts.slice(0, columns);
}

function barOf({ done, total }: Required<Progress>['bytes']): string {
  const full = total > 0 ? Math.floor((Math.min(done, total) / total) * BAR_WIDTH) : 0;
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`;
}

/** `12.3 MiB/s`, and `5 s left` if that is known. */
function speedOf({ done, total }: Required<Progress>['bytes'], speed: Speed): readonly string[] {
  const rate = speed.bytesPerSecond();
  if (rate === undefined || done >= total) return [];
  if (rate < 1) return ['waiting'];
  const left = Math.ceil(Math.max(0, total - done) / rate);
  return [`${bytesIn(rate)}/s`, `${durationIn(left)} left`];
}

interface Speed {
  add(done: number): void;
  /** Over the last seconds; undefined while too little is known. */
  bytesPerSecond(): number | undefined;
}

function measureSpeed(): Speed {
  let samples: readonly { readonly at: number; readonly done: number }[] = [];
  const recent = (now: number): typeof samples => samples.filter(({ at }) => now - at <= WINDOW);
  return {
    add(done) {
      const at = performance.now();
      const last = samples.at(-1);
      // Less than before: another copy has begun, or a try is taken back.
      if (last && done < last.done) samples = [];
      else if (last && at - last.at < FRAME) return;
      samples = [...recent(at), { at, done }];
    },
    bytesPerSecond() {
      const now = performance.now();
      const [first] = recent(now);
      const last = samples.at(-1);
      if (!last) return undefined;
      if (!first) return 0;
      const time = now - first.at;
      return time < SHORTEST_WINDOW ? undefined : ((last.done - first.done) / time) * 1000;
    },
  };
}

function bytesIn(bytes: number): string {
  const mib = bytes / 1024 / 1024;
  return mib >= 0.1 ? `${mib.toFixed(mib < 10 ? 1 : 0)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
}

function durationIn(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}
