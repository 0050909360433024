// What a registry says when it refuses: the error body of the distribution protocol, as one line of text.
// OCI distribution-spec v1.1, "Error Codes".
import type { HttpResponse } from '../../http/http.ts';
import { oneLine } from '../../http/redact.ts';

/** The first error of an answer. */
export interface AnswerError {
  /** `MANIFEST_UNKNOWN`; empty when the body is not the protocol's. */
  readonly code: string;
  readonly message: string;
}

/** The first error an answer's body names; empty texts when it has none, as after HEAD. */
export function errorOf(response: HttpResponse): AnswerError {
  const none = { code: '', message: '' };
  let body: unknown;
  try {
    body = JSON.parse(response.body.toString('utf8'));
  } catch {
    return none;
  }
  const errors: unknown = isRecord(body) ? (body['errors'] ?? [body]) : undefined;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (!isRecord(first)) return none;
  return { code: textOf(first['code'], 60), message: textOf(first['message'] ?? first['details'], 200) };
}

/** An answer in words: `403 DENIED: requested access to the resource is denied`. */
export function describeAnswer(response: HttpResponse): string {
  const { code, message } = errorOf(response);
  return [String(response.status), [code, message].filter((text) => text !== '').join(': ')].join(' ').trim();
}

/** A header's value, of repeated headers the first. */
export function headerOf(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function textOf(value: unknown, longest: number): string {
  return typeof value === 'string' ? oneLine(value, longest) : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
