// Moments as people type them, in the time zone of their browser.
import { iso } from './text.ts';

/** The name of the time zone. */
export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A moment in the form of a date-and-time input, to the second; empty if the text is not a moment. */
export function localOf(instant: number): string {
  if (Number.isNaN(instant)) return '';
  const local = new Date(instant - new Date(instant).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/** What a field for date and time holds, in UTC; nothing where it holds nothing. */
export function instantOf(local: string): string {
  const at = new Date(local);
  return local === '' || Number.isNaN(at.getTime()) ? '' : iso(at.getTime());
}
