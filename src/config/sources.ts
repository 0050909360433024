// `sources` of tagflow.yaml: repositories that may be asked for commits, and the pattern that finds issues in their messages.
import { type SourceHost, parseSourceUrl } from '../model/build-source.ts';
import type { SourceRules } from '../model/pipeline.ts';
import { type ValueReader, asValues } from './values.ts';
import { quote } from './problems.ts';
import { ISSUES } from './sources-schema.ts';
import { countWays } from './version-pattern.ts';

/** Two open repetitions: a word has at most 64 characters, and a message hundreds of words. */
const MAX_WAYS = 1e4;
const MAX_PATTERN = 256;

/** What `sources` says; undefined where it is not there. */
export function readSources(read: ValueReader, value: unknown): SourceRules | undefined {
  if (value === undefined) return undefined;
  const values = asValues(value);
  const repositories = read.list(values['repositories'], ['sources', 'repositories'], (text, path) => {
    const isBelow = text.endsWith('/*');
    const url =
      parseSourceUrl(isBelow ? text.slice(0, -2) : text) ?? (isBelow ? hostOnly(text.slice(0, -2)) : undefined);
    if (url !== undefined) return isBelow ? `${url}/*` : url;
    const fix = 'write https://HOST/PATH, or https://HOST/GROUP/* for every repository below';
    return read.report(path, `${quote(text)} is not the address of a Git repository`, fix);
  });
  const { issues } = values;
  return {
    repositories,
    issues: typeof issues === 'string' ? issuePattern(read, issues) : new RegExp(ISSUES, 'u'),
    hosts: new Map(Object.entries(asValues(values['hosts'])) as [string, SourceHost][]),
  };
}

/** `https://host`, below which everything is listed. */
function hostOnly(text: string): string | undefined {
  const below = parseSourceUrl(`${text}/x`);
  return below?.endsWith('/x') ? below.slice(0, -2) : undefined;
}

function issuePattern(read: ValueReader, source: string): RegExp {
  const never = /(?!)/u;
  const report = (why: string, fix: string): RegExp => {
    read.report(['sources', 'issues'], `${quote(source)} is not a pattern of issues: ${why}`, fix);
    return never;
  };
  if (source.length > MAX_PATTERN)
    return report(`it is longer than ${MAX_PATTERN} characters`, 'write a shorter pattern');
  let pattern: RegExp;
  try {
    pattern = new RegExp(source, 'u');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*\/u: /s, '') : String(error);
    return report(`it is not a regular expression: ${reason.toLowerCase()}`, 'correct it');
  }
  if (pattern.test('')) return report('it matches the empty string', String.raw`write for instance [A-Z]+-[0-9]+`);
  if (countWays(source).ways <= MAX_WAYS) return pattern;
  return report(
    'it could take very long on some words',
    String.raw`bound the repetitions, for instance [0-9]{1,6} for [0-9]+`,
  );
}
