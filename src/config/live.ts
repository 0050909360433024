// `live` of an environment: plain values -> sources that report which versions run there, with every mistake reported.
import { LIVE_KINDS, type LiveSource } from '../model/live.ts';
import type { ConfigDocument } from './document.ts';
import { type ConfigPath, quote } from './problems.ts';
import { asValues } from './values.ts';
import { readUrl, readWorkload } from './verify.ts';

type Values = Readonly<Record<string, unknown>>;

/** The sources that an environment's values spell; undefined where they have no `live`. */
export function readLive(
  document: ConfigDocument,
  path: ConfigPath,
  values: Values,
): readonly LiveSource[] | undefined {
  const { live } = values;
  if (live === undefined) return undefined;
  const at = [...path, 'live'];
  if (!Array.isArray(live)) return [readSource(document, at, asValues(live)) ?? []].flat();
  if (live.length === 0) document.report(at, 'the list is empty', 'add a source, or leave live out');
  return live.flatMap((each, index) => readSource(document, [...at, index], asValues(each)) ?? []);
}

function readSource(document: ConfigDocument, path: ConfigPath, values: Values): LiveSource | undefined {
  const kinds = LIVE_KINDS.filter((kind) => values[kind] !== undefined);
  const [kind] = kinds;
  if (!kind || kinds.length > 1) {
    const what = kind ? `a source can have only one of ${kinds.join(', ')}` : 'the source has no kind';
    document.report(path, what, `write one of ${LIVE_KINDS.join(', ')}`);
    return undefined;
  }
  if (kind === 'http') return readHttp(document, [...path, kind], asValues(values[kind]));
  if (kind === 'kubernetes') {
    const place = readWorkload(document, asValues(values[kind]), [...path, kind]);
    return place && { kind, ...place };
  }
  const { status } = values;
  if (typeof status !== 'string') return undefined;
  if (status.trim() !== '') return { kind, status };
  document.report([...path, kind], 'it is empty', 'name a commit status');
  return undefined;
}

function readHttp(document: ConfigDocument, path: ConfigPath, { url, json, image }: Values): LiveSource | undefined {
  const place = readUrl(document, url, [...path, 'url'], false);
  const field = typeof json === 'string' ? json.split('.') : [];
  if (field.includes('')) {
    document.report([...path, 'json'], `${quote(json)} is not a field`, 'write its keys joined by dots: build.version');
    return undefined;
  }
  if (place === undefined) return undefined;
  return { kind: 'http', url: place, json: field, image: typeof image === 'string' ? image : undefined };
}
