// Commits made by hand that no release has yet, in words and as data.
import type { UnreleasedCommit } from '../engine/read/unreleased.ts';
import { shortId } from '../model/object-id.ts';
import { time } from './shapes.ts';
import { type TextLine, styled } from './view.ts';

/** A line of text: which commit, what it is, and whose. */
export function unreleasedLine({ environment, commit, author, subject, what }: UnreleasedCommit): TextLine {
  return [styled('yellow', 'unreleased'), `: ${shortId(commit)} on ${environment} by ${author}: ${what}: ${subject}`];
}

/** The same as data. */
export function unreleasedShape(entry: UnreleasedCommit): Readonly<Record<keyof UnreleasedCommit, unknown>> {
  return { ...entry, time: time(entry.time) };
}
