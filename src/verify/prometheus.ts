// Step `prometheus`: whether every value of an instant query is within bounds.
import * as z from 'zod/mini';
import { type PrometheusStep, type VerifySubject, fillTemplate } from '../model/verification.ts';
import type { Asking } from './ask.ts';
import { get } from './get.ts';
import type { Answer } from './verify.ts';

const sample = z.tuple([z.number(), z.string()]);
const answer = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample })) }),
    z.object({ resultType: z.literal('scalar'), result: sample }),
  ]),
});
const failure = z.object({ status: z.literal('error'), error: z.string() });

/** Asks Prometheus once. No data, and data that is not a number, is no answer. */
export async function askPrometheus(
  step: PrometheusStep,
  subject: VerifySubject,
  asking: Asking,
  limitMs: number,
): Promise<Answer> {
  const query = fillTemplate(step.query, subject);
  if (query === undefined) return nothing(`${step.query} cannot be filled in for this release`);
  const url = new URL(`${step.url.replace(/\/+$/, '')}/api/v1/query`);
  url.searchParams.set('query', query);
  const refusal = asking.mayAsk(url);
  if (refusal !== undefined) return nothing(refusal);
  const { agents, signal } = asking;
  const page = await get(url, { agents, signal, limitMs, headers: await asking.authorization(step.token, url) });
  if (typeof page === 'string') return nothing(page);
  if (page.isCut) return nothing('the result is longer than 64 KiB: aggregate it in the query');
  return judgeResult(step, page.status, page.body.toString());
}

/** What Prometheus's answer means. */
function judgeResult({ min = -Infinity, max = Infinity }: PrometheusStep, status: number, text: string): Answer {
  const document = parse(text);
  const wrong = failure.safeParse(document);
  if (wrong.success) return nothing(`Prometheus says: ${wrong.data.error}`);
  const found = answer.safeParse(document);
  if (!found.success) return nothing(`status ${status}, and no result of an instant query`);
  const { data } = found.data;
  const samples = data.resultType === 'vector' ? data.result.map(({ value }) => value) : [data.result];
  const values = samples.map(([, value]) => numberOf(value));
  if (values.length === 0) return nothing('the query has no data');
  if (values.some((value) => Number.isNaN(value))) return nothing('a value is not a number (NaN)');
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (high > max) return { said: 'no', seen: `${high} is above ${max}` };
  if (low < min) return { said: 'no', seen: `${low} is below ${min}` };
  return { said: 'yes', seen: values.length === 1 ? String(high) : `${values.length} values from ${low} to ${high}` };
}

/** Prometheus spells infinity `+Inf`. */
function numberOf(text: string): number {
  if (/^[+-]?Inf$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return text.trim() === '' ? NaN : Number(text);
}

function nothing(seen: string): Answer {
  return { said: 'nothing', seen };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
