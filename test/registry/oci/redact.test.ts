import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TagflowError } from '../../../src/model/errors.ts';
import { createRedactor, oneLine } from '../../../src/registry/oci/redact.ts';

const SECRET = 'pä55/w+rd?&"x"';

describe('case 42: a secret in a text', () => {
  const spellings: [string, string][] = [
    ['plain', SECRET],
    ['base64', Buffer.from(SECRET).toString('base64')],
    ['base64url', Buffer.from(SECRET).toString('base64url')],
    ['base64 without padding', Buffer.from(SECRET).toString('base64').replace(/=+$/, '')],
    ['URL-encoded', encodeURIComponent(SECRET)],
    ['form-encoded', new URLSearchParams({ p: SECRET }).toString().slice(2)],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
  ];
  it.each(spellings)('is masked when it is %s', (_how, spelling) => {
    const redactor = createRedactor();
    redactor.add(SECRET);
    expect(redactor.redact(`before ${spelling} after`)).toBe('before [redacted] after');
  });

  it('is masked whole when it contains another one', () => {
    const redactor = createRedactor();
    redactor.add('hunter2');
    redactor.add('ana:hunter2:more');
    expect(redactor.redact('x ana:hunter2:more y')).toBe('x [redacted] y');
  });

  it('is masked in an Authorization value nobody told of', () => {
    const text = createRedactor().redact('sent "Bearer eyJhbGciOi.J9-x_" and Basic YW5hOnNlY3JldA==');
    expect(text).toBe('sent "Bearer [redacted]" and Basic [redacted]');
  });

  it('is masked in a URL', () => {
    expect(createRedactor().redact('via http://ana:pw@proxy.example:3128/')).toBe(
      'via http://[redacted]@proxy.example:3128/',
    );
  });

  it('is masked in every part of an error, and the error keeps its code', () => {
    const redactor = createRedactor();
    redactor.add(SECRET);
    const cause = new Error(`cause ${SECRET}`);
    const details = { nested: [{ at: SECRET }], count: 1 };
    const error = new TagflowError('forbidden', { what: `w ${SECRET}`, why: SECRET, fix: SECRET, details, cause });
    const redacted = redactor.redactError(error) as TagflowError;
    const everything = [
      redacted.message,
      redacted.why,
      redacted.fix,
      redacted.stack,
      String(redacted.cause),
      JSON.stringify(redacted.details),
    ];
    expect(everything.join('\n')).not.toContain(SECRET);
    expect(redacted).toMatchObject({ code: 'forbidden', details: { nested: [{ at: '[redacted]' }], count: 1 } });
  });

  it('leaves no spelling of any secret behind', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8 }), fc.string(), (secret, around) => {
        const redactor = createRedactor();
        redactor.add(secret);
        for (const spelling of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
          expect(redactor.redact(`${around}|${spelling}|${around}`)).not.toContain(spelling);
        }
      }),
    );
  });
});

describe('text from a server', () => {
  it.each([
    ['a line break', 'a\r\nb', 'a b'],
    ['an escape sequence', 'a\u001b[31mb', 'a [31mb'],
    ['a C1 control', 'a\u009bb', 'a b'],
    ['a bidirectional override', 'a\u202eb', 'a b'],
  ])('loses %s', (_what, text, expected) => {
    expect(oneLine(text)).toBe(expected);
  });

  it('is cut when it is long', () => {
    expect(oneLine('x'.repeat(300), 10)).toBe(`${'x'.repeat(10)}…`);
  });
});
