// How a string is written as a YAML scalar so that every reader gets that string back: YAML 1.1 parsers (Kubernetes,
// kustomize, PyYAML) and YAML 1.2 parsers disagree about what is a number, a boolean or null, so both are asked.

/** Words that are null, a boolean, or the special keys `<<` and `=` in YAML 1.1 or 1.2, in any letter case. */
const WORDS = new Set([
  '',
  '~',
  'null',
  'true',
  'false',
  'yes',
  'no',
  'on',
  'off',
  'y',
  'n',
  '<<',
  '=',
  '.nan',
  '.inf',
  '+.inf',
  '-.inf',
]);

/** Numbers and dates of YAML 1.1 (yaml.org/type) and of the 1.2 core schema, in the generous reading of real parsers. */
const NUMBERS: readonly RegExp[] = [
  /^[-+]?[0-9][0-9_,]*$/, // decimal and, with a leading 0, octal
  /^[-+]?0b[01_]+$/i,
  /^[-+]?0o[0-7_]+$/i,
  /^[-+]?0x[0-9a-f_]+$/i,
  /^[-+]?[0-9_]*\.?[0-9_]*(?:e[-+]?[0-9_]*)?$/i, // 1.10, 1e3, 12e4567 (a short commit id), even E0
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/, // sexagesimal, 12:30:45
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt\s])/, // timestamps
];

/** Text that means itself without quotes anywhere a value may stand, flow collections included. */
const PLAIN = /^[A-Za-z0-9_./+-](?:[A-Za-z0-9_./@+-]|:(?=[^\s,[\]{}]))*$/;

/** Whether a plain scalar of this text could be read as something other than a string, by YAML 1.1 or 1.2. */
export function isAmbiguous(text: string): boolean {
  return WORDS.has(text.toLowerCase()) || NUMBERS.some((pattern) => pattern.test(text));
}

/** Whether text may stand without quotes and still be that string for every reader. */
export function isPlainSafe(text: string): boolean {
  return PLAIN.test(text) && !/^(?:---|\.\.\.)/.test(text) && !isAmbiguous(text);
}

/** Text as a scalar: plain where that is safe, otherwise in double quotes. */
export function scalarText(text: string): string {
  return isPlainSafe(text) ? text : JSON.stringify(text);
}
