// The independent scan: every place of a file that names an image, by one generic rule that knows no form. It is what the
// forms are measured against, so it shares no code with them.
//
// The rule. A scalar is such a place when it is
//   1. a reference with a path and a tag or digest, wherever it stands (`ghcr.io/acme/web:1.0`);
//   2. a reference under a key that ends in `image`: with a tag or digest, or in a list of containers, or of a service;
//   3. a tag or digest beside the name of a repository, or in an entry of kustomize's `images`: one place for each image;
//   4. a tag under a key or a parent that says image, where no repository stands beside it.
// Not counted: what objects say about themselves (`metadata`, `status`, annotations, labels), placeholders, and addresses.
// Text in which YAML stands is looked into. Where a file is not YAML, a template for instance, only
// whole lines `image: NAME:TAG` count. Programs and prose show examples; nothing deploys them.
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import { parseText } from './parse.ts';

/** A place that names an image. */
export interface NamingPlace {
  readonly line: number;
  /** The line on which the text around it ends, for a place in a text; otherwise the same. */
  readonly lastLine: number;
  readonly rule: 'reference' | 'image key' | 'beside a repository' | 'tag alone' | 'line';
  readonly text: string;
}

const HOST = String.raw`(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d+)?/)?`;
const PATH = String.raw`[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*`;
const PIN = String.raw`(?::[\w][\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})`;
const PINNED = new RegExp(`^${HOST}${PATH}${PIN}$`);
const NAME = new RegExp(`^${HOST}${PATH}$`);
const TAG = /^v?[\w][\w.-]*$/;
const LINE = new RegExp(`^\\s*(?:- )?["']?[\\w.-]*[iI]mage["']?\\s*[:=]\\s*["']?(${HOST}${PATH}${PIN})["']?\\s*,?$`);

const EXAMPLES = /\.(?:md|mdx|rst|txt|adoc|html?|go|py|rb|rs|js|ts|tsx|java|kt|sh|ps1|c|h|cpp|css|svg|lua|php|pl)$/i;

/** Every place in a text that names an image. */
export function scan(path: string, text: string): readonly NamingPlace[] {
  if (EXAMPLES.test(path)) return [];
  const { documents, counter } = parseText(text);
  if (!Array.isArray(documents)) return [];
  if (documents.some(({ errors }) => errors.length > 0)) return scanLines(text);
  const found: NamingPlace[] = [];
  for (const { contents } of documents) {
    const note: Report = ([start, end], rule, text) => {
      found.push({ line: counter.linePos(start).line, lastLine: counter.linePos(end).line, rule, text });
    };
    new Scan(note).visit(contents, []);
  }
  return found.length === 0 && documents.every(({ contents }) => !isMap(contents)) ? scanLines(text) : found;
}

function scanLines(text: string): readonly NamingPlace[] {
  return text.split('\n').flatMap((row, index) => {
    const name = LINE.exec(row.replace(/\s+#.*$/, ''))?.[1];
    return name === undefined ? [] : [{ line: index + 1, lastLine: index + 1, rule: 'line' as const, text: name }];
  });
}

type Report = (range: readonly [number, number], rule: NamingPlace['rule'], text: string) => void;

class Scan {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  visit(node: unknown, path: readonly string[]): void {
    if (isAlias(node) || path.length > 200) return;
    if (isSeq(node)) for (const item of node.items) this.visit(item, [...path, '-']);
    if (isMap(node)) this.#map(node, path);
    if (isScalar(node)) this.#scalar(node, path);
  }

  #map(
    map: { readonly items: readonly { readonly key: unknown; readonly value?: unknown }[] },
    path: readonly string[],
  ): void {
    const texts = new Map<string, string>();
    for (const { key, value } of map.items) if (isScalar(value)) texts.set(textOf(key), textOf(value).trim());
    const counted = this.#tags(map, path, texts);
    for (const { key, value } of map.items) {
      const name = textOf(key);
      if (counted.has(name) || isAbout(name, path)) continue;
      this.visit(value, [...path, name]);
    }
  }

  /** Rules 3 and 4; returns the keys that are counted. */
  #tags(
    map: { readonly items: readonly { readonly key: unknown; readonly value?: unknown }[] },
    path: readonly string[],
    texts: ReadonlyMap<string, string>,
  ): ReadonlySet<string> {
    const counted = new Set<string>();
    const entry = texts.has('name') && path.at(-1) === '-' && path.at(-2) === 'images';
    for (const { key, value } of map.items) {
      const name = textOf(key);
      const text = texts.get(name) ?? '';
      const prefix = /^(.*?)[-_.]?(?:new)?(?:image)?[-_.]?(?:tag|digest)$/i.exec(name)?.[1];
      if (prefix === undefined || counted.has(name) || !isScalar(value)) continue;
      const pin = text.replace(/@sha256:[0-9a-f]{64}$/, '');
      const repository = [...texts].find(
        ([key, text]) => NAMES.test(key) && key.startsWith(prefix) && NAME.test(text) && text !== 'null',
      );
      const rule = repository || entry ? 'beside a repository' : 'tag alone';
      const image = /image/i.test(name) || /image/i.test(path.at(-1) ?? '');
      if (text !== '' && !TAG.test(pin) && !text.startsWith('sha256:')) continue;
      // the digest of a chart in an index, or a checksum
      if (/digest$/i.test(name) && text !== '' && !text.startsWith('sha256:')) continue;
      if (rule === 'tag alone' && (!image || !/\d/.test(text))) continue;
      if (counted.size === 0 || rule === 'tag alone') this.#report(at(value), rule, `${name}: ${text}`);
      for (const other of texts.keys())
        if (/(?:tag|digest)$/i.test(other) && other.startsWith(prefix)) counted.add(other);
      if (repository) counted.add(repository[0]);
    }
    return counted;
  }

  /** Rules 1 and 2, and the text of a text. */
  #scalar(node: unknown, path: readonly string[]): void {
    const text = textOf(node).trim();
    const key = path.findLast((step) => step !== '-') ?? '';
    if (textOf(node).includes('\n')) return this.#text(node, path);
    if (PINNED.test(text) && (text.includes('/') || /image$/i.test(key)) && !/^\d+\/\d+:/.test(text)) {
      const listed = path.at(-1) === '-' && !/images?$/i.test(key) && !/^[^/]+\.[^/]+\//.test(text);
      if (!listed) this.#report(at(node), 'reference', text);
    } else if (
      key === 'image' &&
      path.at(-1) === 'image' &&
      NAME.test(text) &&
      /^(?:-|container|script)$/.test(path.at(-2) ?? '')
    ) {
      if (path.at(-2) !== '-' || /containers|steps|sidecars/i.test(path.at(-3) ?? ''))
        this.#report(at(node), 'image key', text);
    } else if (path.length === 3 && path[0] === 'services' && path[2] === 'image' && NAME.test(text)) {
      this.#report(at(node), 'image key', text);
    }
  }

  #text(node: unknown, path: readonly string[]): void {
    if (!/values|patch|\.ya?ml$|\.json$/i.test(path.findLast((step) => step !== '-') ?? '')) return;
    const inner = parseAllDocuments(textOf(node), {
      schema: 'failsafe',
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
    });
    if (!Array.isArray(inner) || inner.some(({ errors }) => errors.length > 0)) return;
    for (const { contents } of inner) {
      if (!isScalar(contents)) new Scan((_, rule, text) => this.#report(whole(node), rule, text)).visit(contents, []);
    }
  }
}

const NAMES = /(?:repository|repo|image|imagename|name)$/i;

function isAbout(key: string, path: readonly string[]): boolean {
  return /(?:annotations|labels)$/i.test(key) || (path.length === 0 && /^(?:metadata|status)$/.test(key));
}

function textOf(node: unknown): string {
  return isScalar(node) ? String(node.value) : '';
}

function at(node: unknown): readonly [number, number] {
  const start = isScalar(node) ? (node.range?.[0] ?? 0) : 0;
  return [start, start];
}

/** The range of a text, its last line included. */
function whole(node: unknown): readonly [number, number] {
  const [start = 0, end = start] = isScalar(node) ? (node.range ?? []) : [];
  return [start, Math.max(start, end - 1)];
}
