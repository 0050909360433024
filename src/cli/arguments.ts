// Arguments that need more than commander's own parsing.
import { parseDuration } from '../model/duration.ts';
import type { Instant } from '../model/effects.ts';
import { TagflowError } from '../model/errors.ts';
import { GATES, isGateName } from '../model/gate-policy.ts';
import { isRecordText } from '../model/release-record.ts';

/** A reason as a record can hold it: one line without control characters. Throws `usage`. */
export function recordReason(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const line = text.trim();
  if (isRecordText(line)) return line;
  throw new TagflowError('usage', {
    what: 'the reason cannot stand in the record',
    why: 'it has more than one line, control characters or others that nobody sees, or more than 2,000 characters',
    fix: 'give one plain line: --reason "INC-412 checkout 500s"',
  });
}

/** The same for a command that is not done without one. Throws `usage`. */
export function requiredReason(text: string | undefined): string {
  const reason = recordReason(text);
  if (reason !== undefined) return reason;
  throw new TagflowError('usage', {
    what: 'a reason is needed',
    why: 'the journal keeps it',
    fix: '--reason "INC-412 …"',
  });
}

/** The moment that `--until` names: a time, or a span from now on such as `4h`. Throws `usage`. */
export async function untilFrom(text: string | undefined, now: Instant): Promise<Instant | undefined> {
  if (text === undefined) return undefined;
  const span = parseDuration(text);
  const { parseInstant } = await import('./time.ts');
  const until = span === undefined ? await parseInstant(text, now) : now + span;
  if (until > now) return until;
  throw new TagflowError('usage', {
    what: `${JSON.stringify(text)} is over already`,
    fix: 'write a time to come, or a span: --until 4h',
  });
}

/** Flags from before `--override`, and the gates that they name. */
const ALIASES = { unhold: 'held', allowDowngrade: 'downgrade', discardDivergence: 'divergence' } as const;

/** The gates that a command line asks to override, each once. Throws `usage`. */
export function overridesFrom(
  options: Readonly<Record<keyof typeof ALIASES, boolean>> & {
    readonly override: readonly string[];
    readonly reason: string | undefined;
  },
): readonly string[] {
  const named = options.override;
  const wrong = named.find((name) => !isGateName(name));
  if (wrong !== undefined) {
    throw new TagflowError('usage', {
      what: `there is no gate ${JSON.stringify(wrong)} to override`,
      why: `gates are ${GATES.join(', ')} and run/NAME`,
      fix: 'name one of those: --override soak --reason "…"',
    });
  }
  if (named.length > 0 && recordReason(options.reason) === undefined) {
    throw new TagflowError('usage', {
      what: '--override needs --reason',
      why: 'the record says why a gate was overridden',
      fix: `--override ${named.join(',')} --reason "…"`,
    });
  }
  const flags = [
    ...(options.unhold ? [ALIASES.unhold] : []),
    ...(options.allowDowngrade ? [ALIASES.allowDowngrade] : []),
    ...(options.discardDivergence ? [ALIASES.discardDivergence] : []),
  ];
  return [...new Set([...named, ...flags])];
}

/** The gates that a rollback is asked to override: `held` alone has to be, and takes a reason under either name. Throws `usage`. */
export function rollbackOverrides(options: {
  readonly override: readonly string[];
  readonly unhold: boolean;
  readonly reason: string | undefined;
}): readonly string[] {
  const { unhold, override } = options;
  const named = unhold ? [...override, ALIASES.unhold] : override;
  const gates = overridesFrom({
    ...options,
    override: named,
    unhold: false,
    allowDowngrade: false,
    discardDivergence: false,
  });
  const other = gates.find((name) => name !== ALIASES.unhold);
  if (other === undefined) return gates;
  throw new TagflowError('usage', {
    what: `a rollback does not take --override ${other}`,
    why: 'it may go to older releases, and leaves behind what was committed by hand; only a release on hold is refused',
    fix: 'name that gate alone: --override held --reason "…"',
  });
}
