// `verify` of an environment: plain values -> how its releases are verified, with every mistake reported.
import { isLoopback } from '../http/addresses.ts';
import { parseDuration } from '../model/duration.ts';
import {
  type FailureAction,
  STEP_KINDS,
  VERIFY_TIMEOUT_MS,
  type VerifyPolicy,
  type VerifyStep,
  isSecretVariable,
} from '../model/verification.ts';
import type { ConfigDocument } from './document.ts';
import { parsePath } from './paths.ts';
import { type ConfigPath, escaped, quote } from './problems.ts';
import { asValues } from './values.ts';

type Values = Readonly<Record<string, unknown>>;
type Kind = (typeof STEP_KINDS)[number];

/** Keys of a step that belong to one kind. */
const BELONGS: Readonly<Record<string, readonly Kind[]>> = {
  expect: ['http'],
  token: ['http'],
  junit: ['command'],
  env: ['command'],
};
const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const KUBERNETES = /^[a-z0-9][a-z0-9.-]{0,252}$/;
const WORKLOAD = /^(?:deployment|statefulset|daemonset)\/[a-z0-9][a-z0-9.-]{0,252}$/;
const CONTEXT = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}$/;
const TEMPLATE = /\{(?:environment|application)\}/g;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The policy that an environment's values spell; undefined where they have no `verify`. */
export function readVerify(document: ConfigDocument, path: ConfigPath, values: Values): VerifyPolicy | undefined {
  return values['verify'] === undefined
    ? undefined
    : new VerifyReader(document).policy([...path, 'verify'], asValues(values['verify']));
}

class VerifyReader {
  readonly #document: ConfigDocument;

  constructor(document: ConfigDocument) {
    this.#document = document;
  }

  policy(path: ConfigPath, { timeout, onFailure, steps }: Values): VerifyPolicy | undefined {
    const timeoutMs = timeout === undefined ? VERIFY_TIMEOUT_MS : this.#duration(timeout, [...path, 'timeout']);
    const listed = Array.isArray(steps) ? steps.map(asValues) : [];
    const read = listed.flatMap((each, index) => this.#step(each, [...path, 'steps', index], timeoutMs) ?? []);
    const [first, ...others] = read;
    if (listed.length === 0) this.#report([...path, 'steps'], 'the list is empty', 'add a step, or leave verify out');
    for (const [index, { name }] of listed.entries()) {
      if (listed.findIndex((one) => one['name'] === name) === index) continue;
      this.#report(
        [...path, 'steps', index, 'name'],
        `${quote(name)} is already the name of another step`,
        'use each name once',
      );
    }
    const action = onFailure === 'rollback' || onFailure === 'hold' ? onFailure : ('report' satisfies FailureAction);
    return first && timeoutMs !== undefined ? { timeoutMs, onFailure: action, steps: [first, ...others] } : undefined;
  }

  #step(values: Values, path: ConfigPath, timeoutMs: number | undefined): VerifyStep | undefined {
    const { name } = values;
    if (typeof name !== 'string') return undefined;
    if (!NAME.test(name)) {
      this.#report([...path, 'name'], `${quote(name)} is not a name`, 'write lower-case letters, digits and -');
    }
    const kinds = STEP_KINDS.filter((kind) => values[kind] !== undefined);
    const [kind] = kinds;
    if (!kind || kinds.length > 1) {
      const what = kind ? `a step can have only one of ${kinds.join(', ')}` : 'the step has no kind';
      return this.#report(path, what, `write one of ${STEP_KINDS.join(', ')}`);
    }
    for (const [key, owners] of Object.entries(BELONGS)) {
      if (values[key] === undefined || owners.includes(kind)) continue;
      this.#report([...path, key], `${key} belongs to a step of kind ${owners.join(', ')}`, 'remove it', 'key');
    }
    if (kind === 'http') return this.#http(name, values, path);
    if (kind === 'command') return this.#command(name, values, path);
    if (kind === 'kubernetes') return this.#kubernetes(name, asValues(values[kind]), [...path, kind]);
    if (kind === 'prometheus') return this.#prometheus(name, asValues(values[kind]), [...path, kind], timeoutMs);
    const { status } = values;
    if (typeof status !== 'string') return undefined;
    if (status.trim() === '') return this.#report([...path, 'status'], 'it is empty', 'name a commit status');
    return { kind, name, status };
  }

  #http(name: string, { http, expect, token }: Values, path: ConfigPath): VerifyStep | undefined {
    const url = this.#url(http, [...path, 'http'], token === true);
    const { status = 200, contains, json } = asValues(expect);
    if (typeof status !== 'number' || status < 100 || status > 599) {
      return this.#report(
        [...path, 'expect', 'status'],
        `${quote(status)} is not an HTTP status`,
        'write one like 200',
      );
    }
    const fields = Object.entries(asValues(json)).flatMap(([field, equals]) =>
      typeof equals === 'string' ? [{ path: field.split('.'), equals }] : [],
    );
    if (url === undefined) return undefined;
    const text = typeof contains === 'string' ? contains : undefined;
    return { kind: 'http', name, url, status, contains: text, json: fields, token: token === true };
  }

  #command(name: string, values: Values, path: ConfigPath): VerifyStep | undefined {
    const { junit } = values;
    const program = readProgram(this.#document, path, values);
    const results = typeof junit === 'string' ? readFile(this.#document, junit, [...path, 'junit']) : undefined;
    return program && { kind: 'command', name, junit: results, ...program };
  }

  #kubernetes(name: string, values: Values, path: ConfigPath): VerifyStep | undefined {
    const place = readWorkload(this.#document, values, path);
    return place && { kind: 'kubernetes', name, ...place };
  }

  #prometheus(name: string, values: Values, path: ConfigPath, timeoutMs = Infinity): VerifyStep | undefined {
    const { query, min, max, during, token } = values;
    const url = this.#url(values['url'], [...path, 'url'], token === true);
    if (min === undefined && max === undefined) {
      return this.#report(path, 'it has neither min nor max', 'set which values pass, for instance: max: 0.01', 'key');
    }
    const duringMs = during === undefined ? 0 : this.#duration(during, [...path, 'during']);
    if (url === undefined || typeof query !== 'string' || duringMs === undefined) return undefined;
    if (duringMs >= timeoutMs) {
      const fix = 'write a shorter one, or a longer timeout';
      return this.#report([...path, 'during'], `${quote(during)} is longer than the timeout`, fix);
    }
    const bound = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
    return { kind: 'prometheus', name, url, query, min: bound(min), max: bound(max), duringMs, token: token === true };
  }

  #url(value: unknown, path: ConfigPath, token: boolean): string | undefined {
    return readUrl(this.#document, value, path, token);
  }

  #duration(value: unknown, path: ConfigPath): number | undefined {
    if (typeof value !== 'string') return undefined;
    return (
      parseDuration(value) ??
      this.#report(path, `${quote(value)} is not a span of time`, 'write a whole number and s, m, h, d or w: 10m')
    );
  }

  #report(path: ConfigPath, what: string, fix: string, at: 'key' | 'value' = 'value'): undefined {
    this.#document.report(path, what, fix, at);
    return undefined;
  }
}

/** A workload of Kubernetes; undefined where the values name none, which is reported. */
export function readWorkload(
  document: ConfigDocument,
  values: Values,
  path: ConfigPath,
): { readonly context: string | undefined; readonly namespace: string; readonly workload: string } | undefined {
  const read = (key: string, pattern: RegExp, fix: string): string | undefined => {
    const text = values[key];
    if (typeof text !== 'string') return undefined;
    if (pattern.test(text.replaceAll(TEMPLATE, 'x'))) return text;
    document.report([...path, key], `${quote(text)} does not fit`, fix);
    return undefined;
  };
  const context = read('context', CONTEXT, 'name a context of the kubeconfig');
  const namespace = read('namespace', KUBERNETES, 'name a namespace');
  const workload = read('workload', WORKLOAD, 'write deployment/NAME, statefulset/NAME or daemonset/NAME');
  if ((values['context'] !== undefined && context === undefined) || !namespace || !workload) return undefined;
  return { context, namespace, workload };
}

/** A URL to be asked by GET; undefined where the value is not one, which is reported. A token goes over TLS, or stays on this machine. */
export function readUrl(
  document: ConfigDocument,
  value: unknown,
  path: ConfigPath,
  token: boolean,
): string | undefined {
  const report = (what: string, fix: string): undefined => {
    document.report(path, what, fix);
    return undefined;
  };
  if (typeof value !== 'string') return undefined;
  const url = URL.parse(value.replaceAll(/\{[^{}]*\}/g, 'x'));
  if (!url || !/^https?:$/.test(url.protocol))
    return report(`${quote(value)} is not a URL`, 'write one like https://shop.example.com/version');
  if (url.username !== '' || url.password !== '') return report('the URL contains a password', 'leave it out');
  // A parser takes backslashes and line breaks for less than they are, and a person reads over them.
  if (/[\\\s]/.test(value)) return report(`${quote(value)} contains a space or a backslash`, 'write / and %20');
  if (/^[a-z]+:\/*[^/?#]*[{}]/i.test(value))
    return report(`the host of ${quote(value)} contains a placeholder`, 'put placeholders into the path or query');
  if (token && url.protocol === 'http:' && !isLoopback(url.hostname))
    return report('a token would be sent over plain HTTP', 'use https');
  return value;
}

/** The program that `command` and `env` spell; undefined where they spell none, which is reported. */
export function readProgram(
  document: ConfigDocument,
  path: ConfigPath,
  { command, env }: Values,
): { readonly command: readonly [string, ...string[]]; readonly env: readonly string[] } | undefined {
  const words = Array.isArray(command) ? command.filter((word) => typeof word === 'string') : [];
  const [program, ...others] = words;
  if (!program) {
    document.report([...path, 'command'], 'it does not name a program', "for instance: ['verify/smoke.sh']");
    return undefined;
  }
  if (words.some((word) => word.includes('\0'))) {
    document.report([...path, 'command'], 'an argument contains a NUL character', 'remove it');
    return undefined;
  }
  if (program.includes('/')) readFile(document, program, [...path, 'command', 0]);
  const names = Array.isArray(env) ? env.filter((one) => typeof one === 'string') : [];
  for (const [index, variable] of names.entries()) {
    const at = [...path, 'env', index];
    if (!VARIABLE.test(variable)) {
      document.report(at, `${quote(variable)} is not the name of a variable`, 'correct it');
    } else if (isSecretVariable(variable)) {
      document.report(at, `${quote(variable)} is reserved for tagflow or the job`, 'give the program its own token');
    }
  }
  return { command: [program, ...others], env: names };
}

function readFile(document: ConfigDocument, text: string, path: ConfigPath): string | undefined {
  const found = parsePath(text);
  if ('value' in found) return found.value;
  document.report(path, `${quote(text)} is not a path inside the repository: ${escaped(found.why)}`, found.fix);
  return undefined;
}
