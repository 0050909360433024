// Step `http`: what a URL answers.
import { type HttpStep, type VerifySubject, fillTemplate } from '../model/verification.ts';
import { type FetchedPage, get } from './get.ts';
import type { Asking } from './ask.ts';
import type { Answer } from './verify.ts';

/** Asks a URL, and compares its answer with what the step expects. */
export async function askHttp(
  step: HttpStep,
  subject: VerifySubject,
  asking: Asking,
  limitMs: number,
): Promise<Answer> {
  const filled = fillTemplate(step.url, subject, encodeURIComponent);
  const url = filled === undefined ? undefined : URL.parse(filled);
  if (!url) return { said: 'nothing', seen: `${step.url} cannot be filled in for this release` };
  const refusal = asking.mayAsk(url);
  if (refusal !== undefined) return { said: 'nothing', seen: refusal };
  const { agents, signal } = asking;
  const page = await get(url, { agents, signal, limitMs, headers: await asking.authorization(step.token, url) });
  return typeof page === 'string' ? { said: 'nothing', seen: page } : judge(step, subject, page);
}

/** What an answer means. A server that is in trouble has not answered; every other answer counts. */
function judge(step: HttpStep, subject: VerifySubject, { status, body, isCut }: FetchedPage): Answer {
  if (status !== step.status) {
    const said = status >= 500 || status === 429 ? 'nothing' : 'no';
    return { said, seen: `status ${status}, not ${step.status}` };
  }
  const text = body.toString();
  const wanted = step.contains === undefined ? '' : fillTemplate(step.contains, subject);
  if (wanted === undefined) return { said: 'nothing', seen: `${step.contains} cannot be filled in for this release` };
  if (!holds(text, wanted, step.contains ?? '')) {
    const where = isCut ? 'the first 64 KiB of the body' : 'the body';
    return { said: 'no', seen: `${where} does not hold ${wanted}: ${text.slice(0, 80)}` };
  }
  if (step.json.length === 0)
    return { said: 'yes', seen: wanted === '' ? `status ${status}` : `status ${status}, ${wanted}` };
  if (isCut) return { said: 'nothing', seen: 'the body is longer than 64 KiB, too long to be read as JSON' };
  return judgeJson(step, subject, text);
}

/** What makes another version of the one before it: V4.20, V4.2.1 and V4.2-rc1 are not V4.2. */
const CONTINUES = /^(?:\.?[0-9]|[-.]?(?:alpha|beta|rc|pre|dev|snapshot)(?![a-z]))/i;
/** What makes another version of the one behind it: 14.2 and 1.4.2 are not 4.2. */
const PRECEDES = /[0-9]\.?$/;

/** Whether a text holds what a template spells; a version at its edges, whole and not as a part of another one. */
function holds(text: string, wanted: string, template: string): boolean {
  if (wanted === '') return true;
  const [first, last] = [/^\{version[:}]/.test(template), /\{version(?::[^{}]*)?\}$/.test(template)];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const isCutBefore = first && PRECEDES.test(text.slice(Math.max(0, at - 2), at));
    const end = at + wanted.length;
    if (!isCutBefore && !(last && CONTINUES.test(text.slice(end, end + 12)))) return true;
  }
  return false;
}

function judgeJson({ json }: HttpStep, subject: VerifySubject, text: string): Answer {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { said: 'no', seen: `the body is not JSON: ${text.slice(0, 80)}` };
  }
  for (const { path, equals } of json) {
    const wanted = fillTemplate(equals, subject);
    const found = fieldOf(document, path);
    const shown =
      typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
    if (wanted === undefined) return { said: 'nothing', seen: `${equals} cannot be filled in for this release` };
    if (shown !== wanted || found === undefined) {
      return {
        said: 'no',
        seen: `${path.join('.')} is ${found === undefined ? 'absent' : JSON.stringify(found).slice(0, 80)}, not ${wanted}`,
      };
    }
  }
  return {
    said: 'yes',
    seen: json.map(({ path, equals }) => `${path.join('.')} is ${fillTemplate(equals, subject)}`).join(', '),
  };
}

/** A field of a JSON value, by its own keys alone. */
export function fieldOf(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}
