// Results as JSON and YAML that a terminal can show: characters that would steer it are escaped, and read back the same.
import { Document, isScalar, visit } from 'yaml';
import { isPlain } from '../model/text.ts';

// As in model/text.ts, but for the line breaks and tabs that layout is made of.
const STEERING = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A value as indented JSON, one line break at its end. A key without a value is `null`, never left out. */
export function toJson(value: unknown): string {
  return `${escaped(JSON.stringify(value, nullForNothing, 2))}\n`;
}

/** A value as YAML. */
export function toYaml(value: unknown): string {
  const document = new Document(JSON.parse(JSON.stringify(value, nullForNothing)));
  visit(document, {
    Scalar(_, node) {
      // Only between double quotes does YAML have escapes.
      if (isScalar(node) && typeof node.value === 'string' && !isPlain(node.value.replace(/[\n\t]/g, ''))) {
        node.type = 'QUOTE_DOUBLE';
      }
    },
  });
  return escaped(document.toString({ lineWidth: 0 }));
}

function nullForNothing(_key: string, value: unknown): unknown {
  return value === undefined ? null : value;
}

function escaped(text: string): string {
  return text.replace(STEERING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
