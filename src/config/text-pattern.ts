// `pins[].text` of tagflow.yaml: a regular expression that says which line of a text holds a pin, and where in it.
import type { Parsed } from './paths.ts';
import { parseAnchored } from './version-pattern.ts';

/** Three open repetitions, of which each counts as 64: a line may have hundreds of characters, and a file thousands of lines. */
const MAX_WAYS = 3e5;

/** The expression that a pattern for a line spells: anchored, with a group `version` or `digest`, and bounded. */
export function parseTextPattern(source: string): Parsed<RegExp> {
  const parsed = parseAnchored(source, {
    groups: ['version', 'digest'],
    example: String.raw`mark what a release replaces: ^local tag = "(?<version>[^"]+)";$`,
    against: 'a line',
    maxWays: MAX_WAYS,
  });
  // with the flag d an expression says where its groups are
  return 'value' in parsed ? { value: new RegExp(source, 'du') } : parsed;
}
