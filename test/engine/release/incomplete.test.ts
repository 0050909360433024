// Exit code 8: whether the same command may succeed later is one property, and the error, its words and its data agree on it.
import { describe, expect, test } from 'vitest';
import { requireComplete } from '../../../src/engine/release/put-tags.ts';
import { remedyAfter } from '../../../src/engine/release/incomplete.ts';
import type { TagStatus } from '../../../src/engine/release/outcome.ts';
import { fixText } from '../../../src/model/advice.ts';
import { digestOfData } from '../../../src/model/digest.ts';
import { type ErrorCode, TagflowError } from '../../../src/model/errors.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { failureOf, failureShape } from '../../../src/views/failure.ts';
import { DJANGO } from '../../support/engine.ts';
import { refusal } from '../../support/failure.ts';

describe('whether retrying can help is said alike: by the error, its fix and its exit code', () => {
  const cause = (code: ErrorCode): TagflowError => new TagflowError(code, { what: 'no', fix: 'do something' });
  const failed = (error: TagflowError): TagStatus => ({
    image: 'django',
    repository: DJANGO,
    tag: parseTag('prd'),
    digest: digestOfData({}),
    status: 'failed',
    error,
  });

  test.each<readonly [ErrorCode, boolean]>([
    ['registry-unavailable', true],
    ['registry-answer-invalid', true],
    ['tag-moved', true],
    ['tag-immutable', false],
    ['forbidden', false],
    ['unauthorized', false],
    ['digest-not-found', false],
    ['release-tag-taken', false],
  ])('a tag that %s keeps from being put: %s', (code, helps) => {
    const error = refusal(() => requireComplete('prd', 'c'.repeat(40) as ObjectId, [failed(cause(code))]));
    expect(error).toMatchObject({ code: 'tags-incomplete', exit: 8, retryable: helps });
    expect(error.fix?.includes('retrying alone will not help')).toBe(!helps);
    expect(failureShape(failureOf(error))).toMatchObject({ exit: 8, retryable: helps });
  });

  test.each<readonly [ErrorCode, boolean]>([
    ['remote-unavailable', true],
    ['branch-rewound', false],
    ['record-invalid', false],
  ])('a release that %s left without its tags: %s', (code, helps) => {
    const { fix, ...more } = remedyAfter(cause(code), 'prd');
    expect(more.retryable !== false).toBe(helps);
    expect(fixText(fix)?.includes('retrying alone will not help')).toBe(!helps);
  });
});
