// `gates` and `overrides` of an environment: plain values -> the policy of its gates, with every mistake reported.
import { Cron } from 'croner';
import { parseDuration } from '../model/duration.ts';
import {
  type ApprovalRule,
  DAYS,
  DEFAULT_POLICY,
  type Day,
  type Freeze,
  GATES,
  type GatePolicy,
  type JournalRights,
  type RunRule,
  type TimeWindow,
  isGateName,
} from '../model/gate-policy.ts';
import { nearest } from '../model/nearest.ts';
import type { ConfigDocument } from './document.ts';
import { type ConfigPath, escaped, quote } from './problems.ts';
import { readProgram } from './verify.ts';
import { countWays } from './version-pattern.ts';

type Values = Readonly<Record<string, unknown>>;

const HOURS = /^([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)$/;
const LOCAL = /^(\d{4})-(\d\d)-(\d\d)(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?)?$/;
const MAX_PATTERN = 256;
const MAX_WAYS = 20_000;

/** The policy and the rights that an environment's values spell. */
export function readGates(
  document: ConfigDocument,
  path: ConfigPath,
  values: Values,
  isSigned: boolean,
): { readonly gates: GatePolicy; readonly journalBy: JournalRights } {
  const reader = new GateReader(document, isSigned);
  return {
    gates: reader.policy(path, values),
    journalBy: new Map(Object.entries(asValues(values['journalBy'])).map(([kind, people]) => [kind, texts(people)])),
  };
}

class GateReader {
  readonly #document: ConfigDocument;
  readonly #isSigned: boolean;

  constructor(document: ConfigDocument, isSigned: boolean) {
    this.#document = document;
    this.#isSigned = isSigned;
  }

  policy(path: ConfigPath, values: Values): GatePolicy {
    const [gates, overrides] = [asValues(values['gates']), asValues(values['overrides'])];
    const at = [...path, 'gates'];
    const { upstream } = gates;
    return {
      ...DEFAULT_POLICY,
      upstream: upstream === 'warn' || upstream === 'off' ? upstream : 'require',
      soakMs: this.#duration(gates['soak'], [...at, 'soak']),
      reason: this.#pattern(gates['reason'], [...at, 'reason']),
      windows: this.#some(gates['windows'], [...at, 'windows'], (each, where) => this.#window(each, where)),
      freezes: this.#some(gates['freezes'], [...at, 'freezes'], (each, where) => this.#freeze(each, where)),
      approvals: this.#approvals(gates['approvals'], [...at, 'approvals']),
      reviews: this.#reviews(gates['approvals'], [...at, 'approvals'], values['pullRequest'] === true),
      status: this.#statuses(gates['status'], [...at, 'status']),
      run: this.#programs(gates['run'], [...at, 'run']),
      overrides: new Map(
        Object.entries(overrides).map(([gate, people]) => [this.#gateName(gate, path), texts(people)]),
      ),
    };
  }

  #gateName(gate: string, path: ConfigPath): string {
    if (!isGateName(gate)) {
      const meant = nearest(gate, GATES);
      this.#report(
        [...path, 'overrides', gate],
        `there is no gate ${quote(gate)}`,
        meant ? `did you mean ${meant}?` : `gates are ${GATES.join(', ')} and run/NAME`,
        'key',
      );
    }
    return gate;
  }

  #window(values: Values, path: ConfigPath): TimeWindow | undefined {
    const { hours } = values;
    const days = values['days'] === undefined ? DAYS : (this.#filled(values['days'], [...path, 'days']) as Day[]);
    const zone = this.#zone(values['zone'], [...path, 'zone']);
    if (typeof hours !== 'string') return undefined;
    if (!HOURS.test(hours)) {
      return this.#report([...path, 'hours'], `${quote(hours)} is not a span of hours`, "write it like '09:00-16:00'");
    }
    const [start = '', end = ''] = hours.split('-');
    if (start === end) {
      const what = `${quote(hours)} never opens: it ends when it starts`;
      return this.#report([...path, 'hours'], what, "write '00:00-24:00' for a whole day");
    }
    return { days, start, end, zone };
  }

  #freeze(values: Values, path: ConfigPath): Freeze | undefined {
    const { from, until, cron, duration, reason } = values;
    const base = { zone: this.#zone(values['zone'], [...path, 'zone']), ...(isText(reason) && { reason }) };
    const isRange = from !== undefined || until !== undefined;
    const isCron = cron !== undefined || duration !== undefined;
    if (isRange === isCron || (isRange ? from === undefined || until === undefined : !cron || !duration)) {
      const what = 'a freeze needs from and until, or cron and duration';
      return this.#report(path, what, "for instance: { cron: '0 18 * * fri', duration: 62h }");
    }
    if (isRange) {
      const [start, end] = [this.#local(from, [...path, 'from']), this.#local(until, [...path, 'until'])];
      if (start === undefined || end === undefined) return undefined;
      if (start < end) return { kind: 'range', from: start, until: end, ...base };
      return this.#report([...path, 'until'], 'the freeze ends before it starts', 'write a time after from');
    }
    const durationMs = this.#duration(duration, [...path, 'duration']);
    const schedule = this.#cron(cron, base.zone, [...path, 'cron']);
    return schedule && durationMs ? { kind: 'cron', cron: schedule, durationMs, ...base } : undefined;
  }

  #local(value: unknown, path: ConfigPath): string | undefined {
    if (!isText(value)) return undefined;
    const [, year, month, day, hour = '00', minute = '00', second = '00'] = LOCAL.exec(value) ?? [];
    const date = new Date(`${year}-${month}-${day}T00:00Z`);
    if (year === undefined || Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day)) {
      return this.#report(path, `${quote(value)} is not a local time`, "write it like '2026-12-20T18:00'");
    }
    return `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  }

  #cron(value: unknown, zone: string, path: ConfigPath): string | undefined {
    if (!isText(value)) return undefined;
    const fix = "write five fields as in crontab(5): '0 18 * * fri'";
    try {
      if (new Cron(value, { mode: '5-part', timezone: zone, paused: true }).nextRun()) return value;
      return this.#report(path, `${quote(value)} never happens`, fix);
    } catch (error) {
      const why = error instanceof Error ? error.message.replace(/^Cron\w+: /, '') : String(error);
      return this.#report(path, `${quote(value)} is not a cron expression: ${escaped(why)}`, fix);
    }
  }

  #zone(value: unknown, path: ConfigPath): string {
    if (!isText(value)) return 'UTC';
    if (isZone(value)) return value;
    this.#report(path, `there is no time zone ${quote(value)}`, 'write an IANA name: Europe/Berlin, or UTC');
    return 'UTC';
  }

  #statuses(value: unknown, path: ConfigPath): readonly string[] | undefined {
    if (!Array.isArray(value)) return undefined;
    return texts(this.#filled(value, path)).filter(
      (name, index) => name.trim() !== '' || this.#report([...path, index], 'it is empty', 'name a commit status'),
    );
  }

  #programs(value: unknown, path: ConfigPath): readonly RunRule[] | undefined {
    const names = (Array.isArray(value) ? value : []).map((one) => asValues(one)['name']);
    for (const [index, name] of names.entries()) {
      if (typeof name !== 'string' || names.indexOf(name) === index) continue;
      const what = `${quote(name)} is already the name of another program`;
      this.#report([...path, index, 'name'], what, 'use each name once: overrides refer to run/NAME');
    }
    return this.#some(value, path, (each, where) => this.#run(each, where));
  }

  #run(values: Values, path: ConfigPath): RunRule | undefined {
    const { name, timeout = '30s' } = values;
    if (!isText(name)) return undefined;
    if (!isGateName(`run/${name}`)) {
      return this.#report([...path, 'name'], `${quote(name)} is not a name`, 'write lower-case letters, digits and -');
    }
    const program = readProgram(this.#document, path, values);
    const timeoutMs = this.#duration(timeout, [...path, 'timeout']);
    return program && timeoutMs ? { name, ...program, timeoutMs } : undefined;
  }

  #approvals(value: unknown, path: ConfigPath): ApprovalRule | undefined {
    if (value === undefined || asValues(value)['forge'] !== undefined) return undefined;
    const { count, by, within } = asValues(value);
    const people = texts(by);
    const withinMs = this.#duration(within, [...path, 'within']);
    if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > 20) {
      return this.#report([...path, 'count'], `${quote(count)} is out of range`, 'write a number from 1 to 20');
    }
    const needed = count as number;
    if (!this.#isSigned) {
      return this.#report(path, 'approvals by name prove nothing without signing', 'set signing, and list the signers');
    }
    if (new Set(people.map((name) => name.toLowerCase())).size < needed) {
      const what = `${needed} people have to approve, but by lists only ${people.length}`;
      return this.#report([...path, 'by'], what, 'list at least as many people as have to approve');
    }
    return { count: needed, by: people, withinMs };
  }

  /** How many people have to approve on the forge. */
  #reviews(value: unknown, path: ConfigPath, isByPullRequest: boolean): number | undefined {
    const { forge, ...others } = asValues(value);
    if (forge === undefined) return undefined;
    const [other] = Object.keys(others);
    if (other !== undefined)
      return this.#report(
        [...path, other],
        `${other} cannot be combined with forge`,
        'remove it, or remove forge',
        'key',
      );
    if (!Number.isInteger(forge) || (forge as number) < 1 || (forge as number) > 20)
      return this.#report([...path, 'forge'], `${quote(forge)} is out of range`, 'write a number from 1 to 20');
    if (!isByPullRequest)
      return this.#report(
        path,
        'reviews need pull requests, and this environment does not release by pull request',
        'set pullRequest: true',
      );
    return forge as number;
  }

  #pattern(value: unknown, path: ConfigPath): RegExp | undefined {
    if (!isText(value)) return undefined;
    try {
      const pattern = new RegExp(value, 'u');
      if (value.length <= MAX_PATTERN && countWays(value).ways <= MAX_WAYS) return pattern;
      const fix = String.raw`bound the repetitions, for instance [A-Z]{1,9}-\d{1,9}`;
      return this.#report(path, `${quote(value)} could take very long on some reasons`, fix);
    } catch (error) {
      const why = error instanceof Error ? error.message.replace(/^.*\/u: /s, '').toLowerCase() : String(error);
      return this.#report(path, `${quote(value)} is not a regular expression: ${escaped(why)}`, 'correct it');
    }
  }

  #duration(value: unknown, path: ConfigPath): number | undefined {
    if (!isText(value)) return undefined;
    return (
      parseDuration(value) ??
      this.#report(path, `${quote(value)} is not a span of time`, 'write a whole number and s, m, h, d or w: 24h')
    );
  }

  #some<T>(
    value: unknown,
    path: ConfigPath,
    read: (values: Values, path: ConfigPath) => T | undefined,
  ): readonly T[] | undefined {
    if (!Array.isArray(value)) return undefined;
    return this.#filled(value, path).flatMap((each, index) => read(asValues(each), [...path, index]) ?? []);
  }

  /** A list with something in it: an empty one could mean everything or nothing. */
  #filled(value: unknown, path: ConfigPath): readonly unknown[] {
    if (!Array.isArray(value)) return [];
    if (value.length === 0) this.#report(path, 'the list is empty', 'add an entry, or leave the key out');
    return value;
  }

  #report(path: ConfigPath, what: string, fix: string, at: 'key' | 'value' = 'value'): undefined {
    this.#document.report(path, what, fix, at);
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(isText) : [];
}

function asValues(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {};
}

/** Whether text names a zone. An offset (`+02:00`) is a zone to Intl, and has no daylight saving: who writes one means a place. */
function isZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
