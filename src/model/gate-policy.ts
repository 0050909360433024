// What an environment's gates ask for, as tagflow.yaml says it under `gates` and `overrides`.
import { type Digest, digestOfData } from './digest.ts';

/** The days of a week, as tagflow.yaml spells them, in the order of ISO 8601: Monday is the first. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** A day of the week. */
export type Day = (typeof DAYS)[number];

/** A time of day in which promotions may land. `end` is exclusive; an end at or before the start is on the next day. */
export interface TimeWindow {
  readonly days: readonly Day[];
  /** `HH:MM`. */
  readonly start: string;
  /** `HH:MM`; `24:00` is the end of the day. */
  readonly end: string;
  /** An IANA time zone. */
  readonly zone: string;
}

/** A time in which no promotion lands: one range, or a range from each moment that a cron expression names. */
export type Freeze = {
  /** An IANA time zone. */
  readonly zone: string;
  readonly reason?: string;
} & (
  | { readonly kind: 'range'; readonly from: string; readonly until: string }
  | { readonly kind: 'cron'; readonly cron: string; readonly durationMs: number }
);

/** How many people have to approve: principals of signed entries of the journal. */
export interface ApprovalRule {
  readonly count: number;
  readonly by: readonly string[];
  /** How long an approval counts, in milliseconds; undefined: for ever. */
  readonly withinMs: number | undefined;
}

/** A program of the trunk that is asked about a release. */
export interface RunRule {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly timeoutMs: number;
  /** Variables of the caller that it gets. */
  readonly env: readonly string[];
}

/** Who may write which entries of the journal; a kind without an entry has the default of the kind. */
export type JournalRights = ReadonlyMap<string, readonly string[]>;

/** Gates that can be named in an override, beside `run/NAME`. */
export const GATES = [
  'downgrade',
  'held',
  'divergence',
  'upstream',
  'soak',
  'reason',
  'windows',
  'freezes',
  'approvals',
  'status',
] as const;

/** Whether a text names a gate. */
export function isGateName(text: string): boolean {
  return GATES.some((name) => name === text) || /^run\/[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(text);
}

/** What an environment's gates ask for. */
export interface GatePolicy {
  readonly upstream: 'require' | 'warn' | 'off';
  /** How long the environment upstream has to run what is promoted, in milliseconds. */
  readonly soakMs: number | undefined;
  readonly reason: RegExp | undefined;
  /** Undefined: promotions may land at any time. */
  readonly windows: readonly TimeWindow[] | undefined;
  readonly freezes: readonly Freeze[] | undefined;
  readonly approvals: ApprovalRule | undefined;
  /** How many people have to approve the pull request on the forge; never set beside `approvals`. */
  readonly reviews: number | undefined;
  /** Commit statuses that the source commit has to have. */
  readonly status: readonly string[] | undefined;
  readonly run: readonly RunRule[] | undefined;
  /** Who may override which gate, by its name; a gate without an entry has the default of the gate. */
  readonly overrides: ReadonlyMap<string, readonly string[]>;
}

/** The policy of an environment that says nothing. */
export const DEFAULT_POLICY: GatePolicy = {
  upstream: 'require',
  soakMs: undefined,
  reason: undefined,
  windows: undefined,
  freezes: undefined,
  approvals: undefined,
  reviews: undefined,
  status: undefined,
  run: undefined,
  overrides: new Map(),
};

/** The digest of a policy: equal policies have equal digests, whatever order their keys were written in. */
export function policyDigest({ overrides, reason, ...rest }: GatePolicy): Digest {
  const plain = { ...rest, reason: reason?.source ?? null, overrides: Object.fromEntries(overrides) };
  return digestOfData(plain);
}
