// Whether an edit was exact, judged without the code that made it: both texts are parsed by `yaml` alone, and outside of the
// values that changed not one byte may differ.
import { type Pair, type YAMLMap, isAlias, isMap, isScalar, isSeq } from 'yaml';
import { parseText } from './parse.ts';

/** A value of a text, and the bytes that write it. */
interface Leaf {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** What an edit may write: the version, the digest, and names in front of them. */
export interface Allowed {
  readonly version: string;
  readonly digest: string;
}

/** Why an edit was not exact; undefined where it was. */
export function faultOf(before: string, after: string, allowed: Allowed, depth = 0): string | undefined {
  const old = (depth === 0 ? leavesOfFile : leavesOf)(before);
  const now = leavesOf(after);
  if (!old || !now)
    return depth > 0 || !/^\s*(?:export )?\w+=/m.test(before) ? 'unreadable' : faultInLines(before, after, allowed);
  for (const path of old.keys()) if (!now.has(path)) return `${path} is gone`;
  const [oldCuts, newCuts]: [Leaf[], Leaf[]] = [[], []];
  for (const [path, leaf] of now) {
    const was = old.get(path);
    if (was?.value === leaf.value) continue;
    if (was === undefined) newCuts.push(addedPair(after, leaf));
    else if (was.value.includes('\n') && leaf.value.includes('\n')) {
      const inner = faultOf(was.value, leaf.value, allowed, depth + 1);
      if (inner !== undefined || depth > 0) return `${path}: ${inner ?? 'text in text'}`;
      oldCuts.push(was);
      newCuts.push(leaf);
      continue;
    } else {
      oldCuts.push(was.start === was.end ? noBytes(withBlank(before, was)) : was);
      newCuts.push(was.start === was.end ? withBlank(after, leaf) : leaf);
    }
    if (!isPin(leaf.value, was?.value, allowed)) return `${path} became ${leaf.value}`;
  }
  return cut(before, oldCuts) === cut(after, newCuts) ? undefined : 'bytes beside the values differ';
}

/** A file of variables: lines are alike but for values that hold the pin. */
function faultInLines(before: string, after: string, allowed: Allowed): string | undefined {
  const [old, now] = [before.split('\n'), after.split('\n')];
  if (old.length !== now.length) return 'the number of lines differs';
  const wrong = old.findIndex((row, index) => {
    const other = now[index] ?? '';
    if (row === other) return false;
    const key = row.slice(0, row.indexOf('=') + 1);
    return !other.startsWith(key) || !other.includes(allowed.digest);
  });
  return wrong < 0 ? undefined : `line ${wrong + 1} became ${now[wrong]}`;
}

function isPin(value: string, was: string | undefined, { version, digest }: Allowed): boolean {
  const tail = [version, digest, `${version}@${digest}`];
  if (tail.includes(value)) return true;
  const name = tail.slice(1).map((pin) => value.slice(0, -pin.length - 1));
  return (
    (value.endsWith(`:${version}@${digest}`) || value.endsWith(`@${digest}`)) &&
    name.some((each) => was === undefined || each === '' || was.includes(each))
  );
}

let lastFile: { readonly text: string; readonly leaves: ReturnType<typeof leavesOf> } | undefined;

/** `leavesOf` for a file as it was: it is compared with one edit after the other. */
function leavesOfFile(text: string): ReturnType<typeof leavesOf> {
  if (lastFile?.text !== text) lastFile = { text, leaves: leavesOf(text) };
  return lastFile.leaves;
}

/** Every scalar of a text by its path; undefined where it is not YAML. */
function leavesOf(text: string): ReadonlyMap<string, Leaf> | undefined {
  const { documents } = parseText(text);
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
  if (documents.every(({ contents }) => isScalar(contents))) return undefined;
  const leaves = new Map<string, Leaf>();
  const visit = (node: unknown, path: string): void => {
    if (isMap(node)) node.items.forEach((pair, index) => visit(pair.value, `${path}/${keyOf(pair, index, node)}`));
    else if (isSeq(node)) node.items.forEach((item, index) => visit(item, `${path}/${index}`));
    else if (isScalar(node)) {
      const [start = 0, end = start] = node.range ?? [];
      // a block of text ends where its last line does
      const written = text.slice(start, end).trimEnd().length;
      leaves.set(path, { value: String(node.value), start, end: start + written });
    } else if (isAlias(node)) leaves.set(path, { value: `*${node.source}`, start: 0, end: 0 });
  };
  documents.forEach(({ contents }, index) => visit(contents, String(index)));
  return leaves;
}

function keyOf(pair: Pair, index: number, map: YAMLMap): string {
  const key = isScalar(pair.key) ? String(pair.key.value) : '?';
  const twice = map.items.slice(0, index).some((other) => isScalar(other.key) && String(other.key.value) === key);
  return twice ? `${key}#${index}` : key;
}

/** A pair that was added: its line, or what stands between its comma and its end. */
function addedPair(text: string, leaf: Leaf): Leaf {
  const lineBreak = text.lastIndexOf('\n', leaf.start);
  const row = text.slice(lineBreak + 1, leaf.start);
  if (/^\s*["']?\w+["']?:\s*$/.test(row) && !/[}\]]/.test(text.slice(leaf.end).split('\n', 1)[0] ?? '')) {
    return { ...leaf, start: text[lineBreak - 1] === '\r' ? lineBreak - 1 : lineBreak };
  }
  return { ...leaf, start: text.lastIndexOf(',', leaf.start) };
}

/** A value with the blanks before it: an empty one has none, and gets one. */
function withBlank(text: string, leaf: Leaf): Leaf {
  let { start } = leaf;
  while (start > 0 && (text[start - 1] === ' ' || text[start - 1] === '\t')) start -= 1;
  return { ...leaf, start };
}

function noBytes(leaf: Leaf): Leaf {
  return { ...leaf, end: leaf.start };
}

/** A text without some of its parts. */
function cut(text: string, parts: readonly Leaf[]): string {
  let rest = '';
  let at = 0;
  for (const { start, end } of parts.toSorted((a, b) => a.start - b.start)) {
    rest += text.slice(at, start);
    at = end;
  }
  return rest + text.slice(at);
}
