// How a forge is asked: time-outs, tries, rate limits, and the errors that its answers are. Repetition: a read is tried
// again; a write is sent once, and one whose response was lost is reported as lost, so that the caller checks
// the outcome. A request that a rate limit refused was not done: it is sent again, read or write, if the wait is short.
import type { Clock, Random } from '../model/effects.ts';
import { TagflowError, isTagflowError } from '../model/errors.ts';
import { plain } from '../model/text.ts';

/** What came back. */
export interface ForgeAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** The body, read as JSON. */
  readonly data: unknown;
}

/** A write whose answer never came: it may have taken effect or not. */
export interface Lost {
  /** `forge-unavailable`, or `interrupted`. */
  readonly lost: TagflowError;
}

/** Makes one try. */
export type Ask = (signal: AbortSignal) => Promise<ForgeAnswer>;

/** A token, and how it came here. */
export interface ForgeToken {
  readonly value: string;
  /** `job`: that of a GitLab CI job. */
  readonly kind: 'access' | 'job';
  /** The variable that it is from, for people. */
  readonly from: string;
}

/** What asking needs. */
export interface ForgeRequestsOptions {
  /** The API's address. */
  readonly api: URL;
  readonly token: ForgeToken;
  /** What the token must be allowed, in the forge's words. */
  readonly rights: string;
  /** Takes the token, and other secrets of the run, out of a text. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  /** For one try. Default: 30,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long a write that is under way may go on once `signal` fired. Default: 5,000. */
  readonly stopGraceMs?: number | undefined;
}

/**
 * The ways to ask. `doing` is what is asked for, for people: `listing pull requests`. Both give answers of 200 to 299, 404, 409
 * and such; they throw `unauthorized` (401), `forbidden` (403), `forge-unavailable` and `interrupted`.
 */
export interface ForgeRequests {
  read(doing: string, ask: Ask): Promise<ForgeAnswer>;
  write(doing: string, ask: Ask): Promise<ForgeAnswer | Lost>;
  /** The data of an answer of success. Throws `forbidden` for 404, `forge-refused`, and `forge-answer-invalid`. */
  accept<T>(doing: string, answer: ForgeAnswer, schema: Schema<T>): T;
  /** The error that says that the forge will not have it, in its words. */
  refused(what: string, answer: ForgeAnswer, fix?: string): TagflowError;
}

/** What zod's schemas are. */
interface Schema<T> {
  safeParse(data: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

/** Tries of one read. */
const ATTEMPTS = 4;
const FIRST_DELAY_MS = 300;
/** Rate limits are waited for so long in all; GitHub wants a minute where it names no time. */
const LONGEST_WAIT_MS = 90_000;
const UNNAMED_WAIT_MS = 60_000;

type TryOutcome =
  | { readonly kind: 'answered'; readonly answer: ForgeAnswer }
  | { readonly kind: 'failed'; readonly error: TagflowError }
  | { readonly kind: 'limited'; readonly answer: ForgeAnswer };

/** Asks one forge with one token. */
export class ForgeClient implements ForgeRequests {
  readonly #options: ForgeRequestsOptions;

  constructor(options: ForgeRequestsOptions) {
    this.#options = options;
  }

  async read(doing: string, ask: Ask): Promise<ForgeAnswer> {
    const answer = await this.#tries(doing, ask, false);
    if ('lost' in answer) throw answer.lost;
    return answer;
  }

  async write(doing: string, ask: Ask): Promise<ForgeAnswer | Lost> {
    return this.#tries(doing, ask, true);
  }

  accept<T>(doing: string, answer: ForgeAnswer, schema: Schema<T>): T {
    const { api, token } = this.#options;
    if (answer.status === 404) {
      throw new TagflowError('forbidden', {
        what: `${api.host} gives the token from ${token.from} no access for ${doing}`,
        why: `${this.#why(answer)}; forges hide what a token may not see`,
        fix: `check the remote's URL; ${rightsNeeded(this.#options)}`,
      });
    }
    if (answer.status >= 400) throw this.refused(`${api.host} refuses ${doing}`, answer);
    const parsed = schema.safeParse(answer.data);
    if (parsed.success) return parsed.data;
    throw new TagflowError('forge-answer-invalid', {
      what: `${api.host} did not answer like the API of a forge`,
      why: `${doing}: ${typeof answer.data === 'string' ? 'the answer is not JSON' : 'fields are missing, or have other types'}`,
      fix: `check that ${api.href} is its API, or set TAGFLOW_FORGE_URL`,
    });
  }

  refused(what: string, answer: ForgeAnswer, fix?: string): TagflowError {
    return new TagflowError('forge-refused', { what, why: `${this.#options.api.host}: ${this.#why(answer)}`, fix });
  }

  async #tries(doing: string, ask: Ask, isWrite: boolean): Promise<ForgeAnswer | Lost> {
    const { clock, random, signal } = this.#options;
    let waited = 0;
    for (let attempt = 1; ;) {
      if (signal?.aborted) throw interrupted();
      const verdict = await makeTry(this.#options, ask, isWrite, (text) => this.#words(text));
      if (verdict.kind === 'answered') return this.#screened(verdict.answer, doing);
      if (verdict.kind === 'failed') {
        if (isWrite) return { lost: verdict.error };
        if (attempt >= ATTEMPTS || !verdict.error.retryable) throw verdict.error;
        await this.#pause(FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.1 + 0.9 * random()));
        attempt += 1;
        continue;
      }
      const wait = waitOf(verdict.answer, clock.now());
      if (waited + wait > LONGEST_WAIT_MS) throw this.#limited(verdict.answer, wait);
      waited += Math.max(wait, 1000);
      await this.#pause(Math.max(wait, 1000));
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const { clock, signal } = this.#options;
    try {
      await clock.sleep(Math.ceil(milliseconds), signal);
    } catch (error) {
      throw signal?.aborted ? interrupted() : error;
    }
  }

  /** The answer, unless it says that the token is not enough. */
  #screened(answer: ForgeAnswer, doing: string): ForgeAnswer {
    const { api, token } = this.#options;
    if (answer.status === 401) {
      throw new TagflowError('unauthorized', {
        what: `${api.host} does not accept the token from ${token.from}`,
        why: this.#why(answer),
        fix: rightsNeeded(this.#options),
      });
    }
    if (answer.status !== 403) return answer;
    throw new TagflowError('forbidden', {
      what: `${api.host} denies the token from ${token.from} permission for ${doing}`,
      why: this.#why(answer),
      fix: rightsNeeded(this.#options),
    });
  }

  #limited(answer: ForgeAnswer, wait: number): TagflowError {
    const { api, clock } = this.#options;
    return new TagflowError('forge-unavailable', {
      what: `${api.host} limits requests for now`,
      why: `it answered ${answer.status} and asks to wait until ${new Date(clock.now() + wait).toISOString().slice(0, 19)}Z`,
      fix: 'run the command again then, or with a token that has a limit of its own',
    });
  }

  #why(answer: ForgeAnswer): string {
    const said = this.#words(saidBy(answer.data));
    return `it answered ${answer.status}${said === '' ? '' : `: ${said}`}`;
  }

  #words(text: string): string {
    return plain(this.#options.redact(text), 300);
  }
}

function rightsNeeded({ token, rights }: ForgeRequestsOptions): string {
  return token.kind === 'job'
    ? `a job token cannot open merge requests: put a project access token into TAGFLOW_FORGE_TOKEN that has ${rights}`
    : `put a token into TAGFLOW_FORGE_TOKEN (or TAGFLOW_FORGE_TOKEN_FILE) that has ${rights}`;
}

/** One try: cut off when it takes too long; a read at once when the run is asked to stop, a write some time later. */
async function makeTry(
  { api, signal, requestTimeoutMs = 30_000, stopGraceMs = 5000 }: ForgeRequestsOptions,
  ask: Ask,
  isWrite: boolean,
  words: (text: string) => string,
): Promise<TryOutcome> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timers = [setTimeout(abort, requestTimeoutMs)];
  const stop = (): void => void timers.push(setTimeout(abort, isWrite ? stopGraceMs : 0));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const answer = await ask(controller.signal);
    if (isLimit(answer)) return { kind: 'limited', answer };
    if (answer.status < 500 && answer.status !== 408) return { kind: 'answered', answer };
    const why = `it answered ${answer.status}: ${words(saidBy(answer.data)) || 'an error of its own'}`;
    return { kind: 'failed', error: unavailable(`${api.host} failed`, why) };
  } catch (error) {
    if (isTagflowError(error)) throw error;
    if (controller.signal.aborted && signal?.aborted) {
      if (!isWrite) throw interrupted();
      return { kind: 'failed', error: interrupted('it is unknown whether the last request took effect') };
    }
    const why = controller.signal.aborted
      ? `no answer came within ${requestTimeoutMs / 1000} s`
      : words(error instanceof Error ? error.message : String(error));
    return { kind: 'failed', error: unavailable(`${api.host} cannot be reached`, why) };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** GitHub answers 403 as well as 429 (docs.github.com, rate limits for the REST API); GitLab 429. */
function isLimit({ status, headers, data }: ForgeAnswer): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['retry-after'] !== undefined ||
    String(headers['x-ratelimit-remaining']) === '0' ||
    /rate limit|abuse detection/i.test(saidBy(data))
  );
}

/** How long to wait, in milliseconds. */
function waitOf({ headers }: ForgeAnswer, now: number): number {
  const after = String(headers['retry-after'] ?? '');
  if (/^[0-9]{1,9}$/.test(after)) return Number(after) * 1000;
  const date = Date.parse(after);
  if (!Number.isNaN(date)) return Math.max(0, date - now);
  const isSpent = String(headers['x-ratelimit-remaining'] ?? headers['ratelimit-remaining']) === '0';
  const reset = Number(headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']);
  // By the server's own clock, if the response has it.
  const there = Date.parse(String(headers['date'] ?? ''));
  if (isSpent && reset > 0) return Math.max(0, reset * 1000 - (Number.isNaN(there) ? now : there));
  return UNNAMED_WAIT_MS;
}

/** The words of an error: GitHub `message` and `errors`, GitLab `message` (text, list or lists by field) or `error`. */
function saidBy(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  const { message, error, errors } = data as Readonly<Record<string, unknown>>;
  return [message, error, errors].flatMap(textsIn).join('; ');
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (typeof value !== 'object' || value === null) return [];
  const { message, field, code } = value as Readonly<Record<string, unknown>>;
  if (typeof message === 'string') return [message];
  if (typeof field === 'string') return [`${field} ${String(code)}`];
  return Object.entries(value).map(([name, texts]) => `${name} ${textsIn(texts).join(', ')}`);
}

function unavailable(what: string, why: string): TagflowError {
  return new TagflowError('forge-unavailable', { what, why, fix: 'run it again; behind a proxy, set HTTPS_PROXY' });
}

function interrupted(why?: string): TagflowError {
  return new TagflowError('interrupted', { what: 'interrupted', why });
}

/** The text in at most `limit` UTF-16 units, the cut shown. */
export function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
