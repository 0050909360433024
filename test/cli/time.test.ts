// Times as people write them.
import { expect, test } from 'vitest';
import { parseInstant, parseMoment, parsePast } from '../../src/cli/arguments/time.ts';
import { failureOf } from '../support/failure.ts';

const NOW = Date.UTC(2026, 2, 20, 12);

test.each([
  ['2026-03-14T18:00Z', '2026-03-14T18:00:00.000Z'],
  ['2026-03-14T18:00:30.5Z', '2026-03-14T18:00:30.500Z'],
  ['2026-03-14 18:00Z', '2026-03-14T18:00:00.000Z'],
  ['2026-03-14T18:00+01:00', '2026-03-14T17:00:00.000Z'],
  ['2026-03-14 18:00-0530', '2026-03-14T23:30:00.000Z'],
  ['  2026-03-14T18:00Z  ', '2026-03-14T18:00:00.000Z'],
  ['2026-03-14', '2026-03-14T00:00:00.000Z'],
  ['2026-03-14 18:00', '2026-03-14T18:00:00.000Z'],
  ['2026-03-14T18:00:05', '2026-03-14T18:00:05.000Z'],
  ['2026-03-14 18:00 UTC', '2026-03-14T18:00:00.000Z'],
  ['2026-03-14 18:00 Europe/Paris', '2026-03-14T17:00:00.000Z'],
  ['2026-07-14 18:00 Europe/Paris', '2026-07-14T16:00:00.000Z'],
  ['2026-03-14 18:00 Asia/Kathmandu', '2026-03-14T12:15:00.000Z'],
  ['2026-03-14 Asia/Tokyo', '2026-03-13T15:00:00.000Z'],
  ['2026-03-14 18:00 America/Argentina/Buenos_Aires', '2026-03-14T21:00:00.000Z'],
  ['2026-03-14 18:00 Etc/GMT+5', '2026-03-14T23:00:00.000Z'],
  // The clock goes from 2:00 to 3:00: what it skips is moved forward.
  ['2026-03-29 02:30 Europe/Paris', '2026-03-29T01:30:00.000Z'],
  ['2026-03-29 03:00 Europe/Paris', '2026-03-29T01:00:00.000Z'],
  // It goes from 3:00 to 2:00: of the hour that appears twice the earlier is meant.
  ['2026-10-25 02:30 Europe/Paris', '2026-10-25T00:30:00.000Z'],
  ['2026-10-25 03:00 Europe/Paris', '2026-10-25T02:00:00.000Z'],
  // Midnight that does not exist: the day begins at 1:00.
  ['2018-11-04 America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
  ['30s', '2026-03-20T11:59:30.000Z'],
  ['45min', '2026-03-20T11:15:00.000Z'],
  ['45m', '2026-03-20T11:15:00.000Z'],
  ['12h', '2026-03-20T00:00:00.000Z'],
  ['7d', '2026-03-13T12:00:00.000Z'],
  ['2w', '2026-03-06T12:00:00.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
])('%s is %s', async (text, expected) => {
  expect(new Date(await parseInstant(text, NOW)).toISOString()).toBe(expected);
});

test.each([
  '',
  'yesterday',
  '14.03.2026',
  '2026-02-30',
  '2026-13-01',
  '2026-03-14T25:00Z',
  '2026-03-14 18:00 Mars/Olympus',
  '2026-03-14 18:00 CEST+',
  '7 years',
  '-7d',
  '2026-03-14T18:00Z; rm -rf /',
])('%j is not one, and the error says how to write one', async (text) => {
  expect(await failureOf(parseInstant(text, NOW))).toMatchObject({
    code: 'usage',
    fix: expect.stringContaining('Europe/Paris'),
  });
});

test.each([
  ['2026-03-14', '2026-03-14T00:00:00.000Z', '2026-03-14T23:59:59.999Z'],
  // 23 hours long.
  ['2026-03-29 Europe/Paris', '2026-03-28T23:00:00.000Z', '2026-03-29T21:59:59.999Z'],
  ['2026-03-14 18:00', '2026-03-14T18:00:00.000Z', '2026-03-14T18:00:00.000Z'],
])('%s covers %s to %s', async (text, from, until) => {
  const moment = await parseMoment(text, NOW);
  expect([moment.from, moment.until].map((one) => new Date(one).toISOString())).toEqual([from, until]);
});

test.each([
  ['a day that is over: its end', '2026-03-14', '2026-03-14T23:59:59.999Z'],
  ['today: now', '2026-03-20', '2026-03-20T12:00:00.000Z'],
  ['an hour of today', '2026-03-20 08:00', '2026-03-20T08:00:00.000Z'],
])('the past is asked about at %s', async (_, text, expected) => {
  expect(new Date(await parsePast(text, NOW)).toISOString()).toBe(expected);
});

test.each(['2026-03-21', '2026-03-20 12:01', '2026-03-20T13:01+01:00'])(
  '%s is refused: it has not come',
  async (text) => {
    expect(await failureOf(parsePast(text, NOW))).toMatchObject({
      code: 'usage',
      message: `"${text}" is in the future`,
    });
  },
);
