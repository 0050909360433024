// Keeps secrets and terminal control characters out of every text that leaves this room.
import { Advice } from '../model/advice.ts';
import { isTagflowError, TagflowError } from '../model/errors.ts';
import { onOneLine } from '../model/text.ts';
import { findSpellings, type Spellings, spellingsOf } from './spellings.ts';

/** Knows the secrets of a run and takes them out of texts. */
export interface Redactor {
  /** Remembers a secret: a password, a token. It is found however it is spelled (spellings.ts). */
  add(secret: string): void;
  /** The text with every remembered secret, and anything that looks like an Authorization value, as `[redacted]`. */
  redact(text: string): string;
  /** The same error with its texts, details and cause redacted; other values as they are. */
  redactError(error: unknown): unknown;
}

const MASK = '[redacted]';
const AUTHORIZATION = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
const URL_USER = /([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi;

// Shorter texts are too common to be masked: `[redacted]` in place of every "a" would tell more than it hides.
const SHORTEST = 3;

/** A redactor that knows no secret yet. */
export function createRedactor(): Redactor {
  const secrets = new Map<string, Spellings>();
  const redact = (text: string): string =>
    mask(text, [...secrets.values()])
      .replace(AUTHORIZATION, `$1 ${MASK}`)
      .replace(URL_USER, `$1${MASK}@`);
  return {
    add(secret) {
      if (secret.length >= SHORTEST && !secrets.has(secret)) secrets.set(secret, spellingsOf(secret));
    },
    redact,
    redactError: (error) => redactError(error, redact),
  };
}

/** Has a redactor keep the passwords of the environment's proxies to itself. */
export function rememberProxyPasswords(env: Readonly<Record<string, string | undefined>>, redactor: Redactor): void {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) {
    const value = env[name] ?? '';
    if (!URL.canParse(value)) continue;
    const { username, password } = new URL(value);
    if (password === '') continue;
    redactor.add(password);
    redactor.add(unescaped(password) ?? password);
    redactor.add(`${unescaped(username) ?? username}:${unescaped(password) ?? password}`);
  }
}

/** A part of a URL with its escapes undone; undefined when it has a % that escapes nothing. */
export function unescaped(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** Server-given text as one harmless line: no control or bidirectional characters, at most `longest` characters. */
export function oneLine(text: string, longest = 200): string {
  const line = onOneLine(text);
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

function mask(text: string, secrets: readonly Spellings[]): string {
  let masked = '';
  let end = 0;
  for (const [from, to] of findSpellings(text, secrets)) {
    masked += `${text.slice(end, from)}${MASK}`;
    end = to;
  }
  return masked + text.slice(end);
}

function redactError(error: unknown, redact: (text: string) => string): unknown {
  if (isTagflowError(error)) {
    const redacted = new TagflowError(error.code, {
      what: redact(error.message),
      why: error.why === undefined ? undefined : redact(error.why),
      fix: redactAdvice(error.advice, redact),
      details: redactValue(error.details, redact) as Readonly<Record<string, unknown>>,
      cause: redactError(error.cause, redact),
    });
    // The stack's first lines repeat the message.
    redacted.stack = redact(error.stack ?? '');
    return redacted;
  }
  if (error instanceof Error) {
    error.message = redact(error.message);
    error.stack = redact(error.stack ?? '');
  }
  return error;
}

function redactAdvice(advice: TagflowError['advice'], redact: (text: string) => string): TagflowError['advice'] {
  return advice instanceof Advice ? advice.reworded(redact) : advice && redact(advice);
}

function redactValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactValue(item, redact)]));
}
