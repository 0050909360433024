// Results as JSON and YAML that a terminal can show: characters that would steer it are escaped, and read back the same.
import { isScalar, visit } from 'yaml';
import { escapeDocument, isCommand, isPlain } from '../model/text.ts';
import { yamlDocument } from '../model/yaml-text.ts';
import { type SayAct, Advice, fixText } from '../model/advice.ts';

/**
 * A value as indented JSON, one line break at its end. A key without a value is `null`, never left out. Advice is text, with
 * acts as `say` says them.
 */
export function toJson(value: unknown, say?: SayAct): string {
  return `${escapeDocument(JSON.stringify(value, replacer(say), 2), jsonEscape)}\n`;
}

/** A value as JSON on one line, one line break at its end. */
export function toJsonLine(value: unknown): string {
  return `${escapeDocument(JSON.stringify(value, replacer()), jsonEscape)}\n`;
}

/** The same as YAML. */
export function toYaml(value: unknown, say?: SayAct): string {
  const document = yamlDocument(JSON.parse(JSON.stringify(value, replacer(say))));
  visit(document, {
    Scalar(_, node) {
      // Only between double quotes does YAML have escapes.
      if (!isScalar(node) || typeof node.value !== 'string') return;
      if (!isPlain(node.value.replace(/[\n\t]/g, '')) || isCommand(node.value)) {
        node.type = 'QUOTE_DOUBLE';
      }
    },
  });
  return escapeDocument(document.toString({ lineWidth: 0 }), yamlEscape);
}

function replacer(say?: SayAct): (key: string, value: unknown) => unknown {
  return (_key, value) => (value === undefined ? null : value instanceof Advice ? fixText(value, say) : value);
}

/** `\uNNNN`; of a character beyond them, its two halves. */
function jsonEscape(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** YAML has no halves of characters: `\UNNNNNNNN`. */
function yamlEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : jsonEscape(character);
}
