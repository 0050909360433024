import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TagflowError } from '../../src/model/errors.ts';
import { createRedactor, oneLine, rememberProxyPasswords } from '../../src/http/redact.ts';

const SECRET = 'pä55/w+rd?&"x"';

describe('case 42: a secret in a text', () => {
  const spellings: [string, string][] = [
    ['plain', SECRET],
    ['base64', Buffer.from(SECRET).toString('base64')],
    ['base64url', Buffer.from(SECRET).toString('base64url')],
    ['base64 without padding', Buffer.from(SECRET).toString('base64').replace(/=+$/, '')],
    ['URL-encoded', encodeURIComponent(SECRET)],
    ['URL-encoded in lower case', encodeURIComponent(SECRET).replace(/%../g, (escape) => escape.toLowerCase())],
    ['URL-encoded in every character', Buffer.from(SECRET).toString('hex').replace(/../g, '%$&')],
    ['URL-encoded twice', encodeURIComponent(encodeURIComponent(SECRET))],
    ['hexadecimal', Buffer.from(SECRET).toString('hex')],
    ['hexadecimal in capitals', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ['base64, URL-encoded', encodeURIComponent(Buffer.from(SECRET).toString('base64'))],
    ['form-encoded', new URLSearchParams({ p: SECRET }).toString().slice(2)],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['in JSON within JSON', JSON.stringify(JSON.stringify(SECRET).slice(1, -1)).slice(1, -1)],
    ['in JSON with escaped slashes', JSON.stringify(SECRET).slice(1, -1).replaceAll('/', '\\/')],
    ['in JSON of ASCII alone', SECRET.replace(/./gs, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)],
    ['in HTML', SECRET.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('ä', '&#228;')],
    ['URL-encoded, in HTML', encodeURIComponent(SECRET).replaceAll('%', '&#x25;')],
    ['as a terminal is shown it', SECRET.replaceAll('ä', '\\xe4')],
    ['in capitals', SECRET.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())],
    ['broken over lines', `${SECRET.slice(0, 5)}\r\n${SECRET.slice(5)}`],
  ];
  it.each(spellings)('is masked when it is %s', (_how, spelling) => {
    const redactor = createRedactor();
    redactor.add(SECRET);
    expect(redactor.redact(`before ${spelling} after`)).toBe('before [redacted] after');
  });

  it.each(['', '1', '12', '123', 'ana:'])('is masked in base64 that begins with %j and continues', (before) => {
    const redactor = createRedactor();
    redactor.add(SECRET);
    for (const after of ['', '!', '!!', ':more']) {
      for (const alphabet of ['base64', 'base64url'] as const) {
        const text = `auth: ${Buffer.from(`${before}${SECRET}${after}`).toString(alphabet)}.`;
        expect(redactor.redact(text)).toBe('auth: [redacted].');
      }
    }
  });

  it.each([
    ['as it is', SECRET.repeat(20)],
    ['in base64', Buffer.from(SECRET.repeat(20)).toString('base64')],
    ['in a URL', encodeURIComponent(SECRET.repeat(20))],
  ])('is masked when a text that has it %s was cut in the middle of it', (_how, spelling) => {
    const redactor = createRedactor();
    redactor.add(SECRET.repeat(20));
    for (const length of [30, 100, 150]) {
      const said = redactor.redact(oneLine(`you sent ${spelling}`, length));
      expect(said).toMatch(/^you sent \[redacted\]…$/);
    }
  });

  it.each(['', 'a', 'ab'])('is not a secret when it is as short as %j', (secret) => {
    const redactor = createRedactor();
    redactor.add(secret);
    expect(redactor.redact('a tab about YWI=')).toBe('a tab about YWI=');
  });

  it('of a few letters is masked, and words that look like it in base64 are not', () => {
    const redactor = createRedactor();
    redactor.add('abc');
    expect(redactor.redact('abc, YWJj, and a word: QWJjZA')).toBe('[redacted], [redacted], and a word: QWJjZA');
  });

  it('that is not there changes nothing', () => {
    const redactor = createRedactor();
    redactor.add(SECRET);
    const text = 'GET /v2/acme%2Fapp/manifests/V1.0?x=\\u0041&amp;y returned 403 “denied…”';
    expect(redactor.redact(text)).toBe(text);
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

describe('the password of a proxy', () => {
  const remembering = (env: Record<string, string>) => {
    const redactor = createRedactor();
    rememberProxyPasswords(env, redactor);
    return redactor;
  };

  it.each(['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'])('is kept from %s', (name) => {
    const redactor = remembering({ [name]: 'http://ana:p%40ss word@proxy.example:3128' });
    expect(redactor.redact('p%40ss%20word and p@ss word')).toBe('[redacted] and [redacted]');
  });

  it('is kept where it is short, with its user in base64', () => {
    const redactor = remembering({ HTTPS_PROXY: 'http://a%20b:p%777@proxy.example' });
    expect(redactor.redact(`sent ${Buffer.from('a b:pw7').toString('base64')}`)).toBe('sent [redacted]');
  });

  it('is kept as it stands where its % escapes nothing', () => {
    expect(remembering({ HTTPS_PROXY: 'http://100%:100%@proxy.example' }).redact('100%:100%')).toBe('[redacted]');
  });

  it.each(['http://proxy.example:3128', 'http://ana@proxy.example', 'proxy', ''])('is not one in %j', (value) => {
    const text = 'ana at proxy.example:3128';
    expect(remembering({ HTTPS_PROXY: value }).redact(text)).toBe(text);
  });
});

describe('text from a server', () => {
  it.each([
    ['a line break', 'a\r\nb', 'a b'],
    ['an escape sequence', 'a\u001b[31mb', 'a [31mb'],
    ['a C1 control', 'a\u009bb', 'a b'],
    ['a bidirectional override', 'a\u202eb', 'a b'],
    ['blanks around it', ' a b\n', 'a b'],
  ])('loses %s', (_what, text, expected) => {
    expect(oneLine(text)).toBe(expected);
  });

  it('is cut when it is long', () => {
    expect(oneLine('x'.repeat(300), 10)).toBe(`${'x'.repeat(10)}…`);
    expect(oneLine('x'.repeat(10), 10)).toBe('x'.repeat(10));
  });
});
