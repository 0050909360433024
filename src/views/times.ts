// How moments and spans of time are said to people, in a terminal and on a page.
import type { Instant } from '../model/effects.ts';

/** How long ago, or how long: `12 s`, `2 min`, `6 h 3 min`, `3 d 4 h`. Negative spans, as of clocks that differ, are `0 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min');
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** A time in UTC to the minute: `2026-11-20 13:10Z`. */
export function moment(instant: Instant): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** A time in UTC to the second: `2026-11-20 13:10:59Z`. */
export function exactly(instant: Instant): string {
  return new Date(instant)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

function join(many: number, unit: string, few: number, small: string): string {
  return few === 0 ? `${many} ${unit}` : `${many} ${unit} ${few} ${small}`;
}
