// What an environment's gates ask for, as tagflow.yaml says it.

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
  /** Who may override which gate, by its name; a gate without an entry has the default of the gate. */
  readonly overrides: ReadonlyMap<string, readonly string[]>;
}

/** The policy of an environment that says nothing. */
export const DEFAULT_POLICY: GatePolicy = { overrides: new Map() };
