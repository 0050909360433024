// Files of variables, one `KEY=value` a line, as Compose, Kustomize's generators and shells read them. They are read as one
// mapping, so that everything that works on YAML works on them.
import { Pair, Scalar, YAMLMap } from 'yaml';

const LINE = /^(?<lead>[ \t]*(?:export[ \t]+)?)(?<key>[A-Za-z_][A-Za-z0-9_]*)=(?<value>.*)$/;
const QUOTED = /^[ \t]*(?<quoted>"(?:[^"\\]|\\.)*"|'[^']*')[ \t]*(?:#.*)?$/;

/** The variables of a file as a mapping with places in the source; undefined for text that is not such a file. */
export function readDotenv(text: string): YAMLMap | undefined {
  if (!/^[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=/m.test(text)) return undefined;
  const map = new YAMLMap();
  let offset = text.startsWith('\uFEFF') ? 1 : 0;
  for (const line of text.slice(offset).split('\n')) {
    const row = line.replace(/\r$/, '');
    if (!/^[ \t]*(?:#|$)/.test(row)) {
      const pair = pairOf(row, offset);
      if (!pair) return undefined;
      map.items.push(pair);
    }
    offset += line.length + 1;
  }
  map.range = [0, text.length, text.length];
  return map;
}

function pairOf(row: string, offset: number): Pair | undefined {
  const { lead = '', key = '', value } = LINE.exec(row)?.groups ?? {};
  if (value === undefined) return undefined;
  const start = offset + lead.length;
  const name = scalar(key, 'PLAIN', start, start + key.length);
  const at = start + key.length + 1;
  const quoted = QUOTED.exec(value)?.groups?.['quoted'];
  if (quoted !== undefined) {
    const from = at + value.indexOf(quoted);
    const type = quoted.startsWith('"') ? 'QUOTE_DOUBLE' : 'QUOTE_SINGLE';
    return new Pair(name, scalar(quoted.slice(1, -1), type, from, from + quoted.length));
  }
  if (/^[ \t]*["']/.test(value)) return undefined;
  const plain = value.replace(/(?:^|[ \t])#.*$/, '').trim();
  const from = at + (plain === '' ? 0 : value.indexOf(plain));
  return new Pair(name, scalar(plain, 'PLAIN', from, from + plain.length));
}

function scalar(value: string, type: Scalar.Type, start: number, end: number): Scalar {
  const node = new Scalar(value);
  node.type = type;
  node.range = [start, end, end];
  return node;
}
