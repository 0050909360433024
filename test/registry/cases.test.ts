// The cases that every registry adapter must pass, and that each of them is a test: a title begins with `case 17: …` or
// `cases 1, 2 and 3: …`. What the contract suite shows runs over the fake and over every adapter.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const CASES: readonly [number: number, what: string][] = [
  [1, 'an index or manifest list goes in, the same digest comes out, with all platforms'],
  [2, 'odd white space and trailing newlines stay, byte for byte'],
  [3, 'a manifest without mediaType gets the Content-Type it was read with'],
  [4, 'a charset in the Content-Type is stripped'],
  [5, 'a Content-Type that contradicts the body is refused, as is a body of two kinds'],
  [6, 'a missing digest header is made up for by hashing'],
  [7, 'a digest header that is wrong stops before any write'],
  [8, 'a pull by digest that gives other bytes fails'],
  [9, 'a target that is right already is not written'],
  [10, 'a target that is right already on an immutable tag is success'],
  [11, 'an immutable tag that names another image is one clear refusal, never tried again'],
  [12, 'a policy that forbids is not immutability'],
  [13, 'a source tag that moves mid-run changes nothing: the planned digest wins'],
  [14, 'a target that changed since the plan stops the write, and both are shown'],
  [15, 'a write that landed and was not answered is success'],
  [16, 'too many requests, with Retry-After in seconds or as a date, pauses the whole host'],
  [17, 'a server fault just after a write is tried again, for a bounded number of times'],
  [18, 'a 401 in mid-run is one new login, and the body is sent again'],
  [19, 'a 401 after that, and a 403, end it; repository and action are named'],
  [20, 'what is not there: repository, tag, hidden, or in another form, as far as one can tell'],
  [21, 'several challenges are all read'],
  [22, 'a realm that is http, private, foreign or redirecting gets no credentials'],
  [23, 'a redirect elsewhere goes without Authorization, and never from https to http'],
  [24, 'a credential helper that is missing, hangs or knows nothing'],
  [25, 'hosts that look like those of a cloud get nothing'],
  [26, 'several tags are put one by one'],
  [27, 'the next page: absolute, relative, elsewhere, in circles'],
  [28, 'children go before their index'],
  [29, 'a mount answered 202: the upload is used or cancelled'],
  [30, 'foreign layers are never fetched'],
  [31, 'an interrupted copy continues by a repeat, and shows nothing before its end'],
  [32, 'a sparse index is reported by name'],
  [33, 'referrers of referrers, cosign’s tags, cycles: each once, and it ends'],
  [34, 'a list of referrers that is the subject itself lists nothing'],
  [35, 'two writers of one list of referrers: read, merged, verified'],
  [36, 'schema 1 is moved byte for byte or refused'],
  [37, 'manifests of 4 MiB are moved, larger ones refused'],
  [38, 'sha512 is checked as such or refused'],
  [39, 'names of tags, repositories and hosts are decided before the network'],
  [40, 'of a batch of 200 one fails: the report is exact, the exit is not 0'],
  [41, 'a rollback whose image is gone ends before anything moves'],
  [42, 'no secret is in any error, log or URL'],
  [43, 'an interruption in the middle of a batch'],
  [44, 'a HEAD that is refused or without digest is made up for by a GET'],
  [45, 'writes to Amazon ECR are paced'],
  [46, 'certificate authorities and proxies of the environment'],
];

const TESTS = join(import.meta.dirname, '..');
/** A literal that begins as such a title does; nothing else in the tests does. */
const TITLE = /['"`](?:case|cases) (\d+(?:(?:, | and )\d+)*): /g;

/** Which files have a title with each number. */
function titles(): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const entry of readdirSync(TESTS, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !file.endsWith('.ts') || file === import.meta.filename) continue;
    for (const [, numbers = ''] of readFileSync(file, 'utf8').matchAll(TITLE)) {
      for (const number of numbers.match(/\d+/g) ?? []) {
        const files = found.get(Number(number)) ?? [];
        if (!files.includes(relative(TESTS, file))) files.push(relative(TESTS, file));
        found.set(Number(number), files);
      }
    }
  }
  return found;
}

describe('the cases of registries', () => {
  const found = titles();

  it.each(CASES)('%d is a test: %s', (number) => {
    expect(found.get(number) ?? []).not.toEqual([]);
  });

  it('that are tests are all listed here, each once', () => {
    const numbers = CASES.map(([number]) => number);
    expect(numbers).toEqual(Array.from({ length: 46 }, (_, at) => at + 1));
    expect([...found.keys()].filter((number) => !numbers.includes(number))).toEqual([]);
  });
});
