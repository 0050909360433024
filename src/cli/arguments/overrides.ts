// The gates that a command line asks to override.
import { TagflowError } from '../../model/errors.ts';
import { askMeant } from '../../model/nearest.ts';
import { GATES, isGateName } from '../../model/gate-policy.ts';
import { recordReason } from './reason.ts';

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
  if (wrong === 'lock') {
    throw new TagflowError('usage', {
      what: 'a lock is not overridden',
      why: 'it stops everybody until it is taken off',
      fix: 'take it off: tagflow unlock ENV',
    });
  }
  if (wrong !== undefined) {
    throw new TagflowError('usage', {
      what: `there is no gate ${JSON.stringify(wrong)} to override`,
      why: `gates are ${GATES.join(', ')} and run/NAME`,
      fix: askMeant(wrong, GATES, 'name one of those: --override soak --reason "…"'),
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
