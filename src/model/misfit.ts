// Why a value does not have the shape that it should have, in words. The library's own messages come without a language.
import type * as z from 'zod/mini';

type Issue = z.core.$ZodIssue;

/** The types of values, by the library's words for them. */
export const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
};

/** Returns where and why a value does not fit, by the first mistake: `held.0.release: it is not a whole number`. */
export function misfitWords({ issues: [issue] }: z.core.$ZodError): string {
  if (!issue) return 'it does not have the expected form';
  const { path, said } = nearest(issue, []);
  return path.length === 0 ? said : `${path.join('.')}: ${said}`;
}

interface Misfit {
  readonly path: readonly PropertyKey[];
  readonly said: string;
}

function nearest(issue: Issue, base: readonly PropertyKey[]): Misfit {
  const path = [...base, ...issue.path];
  if (issue.code !== 'invalid_union') return { path, said: said(issue) };
  const [inner] = nearestBranch(issue.errors);
  return inner ? nearest(inner, path) : { path, said: said(issue) };
}

/** Returns the mistakes in the alternative of a union whose shape the value has: they say more than that no alternative fits. */
export function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const inside = branches.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'),
  );
  return inside ?? branches[0] ?? [];
}

function said(issue: Issue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `there is no key ${issue.keys.join(', ')}`;
    case 'invalid_type':
      return `it is missing, or not ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `it has to be ${issue.values.map(String).join(' or ')}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array' ? 'it is empty' : `it is less than ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `it has more than ${issue.maximum} characters`
        : `it is more than ${issue.maximum}`;
    case 'invalid_union':
      return issue.errors.length === 0 ? 'it is missing, or unknown' : 'it does not have one of the known forms';
    default:
      // Schemas say themselves what their own checks mean: `is not a digest`.
      return issue.message.startsWith('is ') || issue.message.startsWith('has ')
        ? `it ${issue.message}`
        : issue.message;
  }
}
