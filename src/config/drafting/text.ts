// Names and scalars of a drafted tagflow.yaml.
import { MAX_NAME, NAME } from '../schema.ts';

const NAME_PATTERN = new RegExp(NAME);
const RESERVED = /^(?:true|false|yes|no|on|off|null|y|n)$/i;

/** Text as a YAML scalar: in quotes unless nothing could take it for anything but text. */
export function scalar(text: string): string {
  return /^[A-Za-z][A-Za-z0-9_./-]*(?::[0-9]+[A-Za-z0-9_./-]*)?$/.test(text) && !RESERVED.test(text)
    ? text
    : JSON.stringify(text);
}

/** Whether a name can stand in tagflow.yaml as it is. */
export function isName(text: string): boolean {
  return text.length <= MAX_NAME && NAME_PATTERN.test(text);
}

/** A name made of any text. */
export function toName(text: string, otherwise: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const name = words
    .join('-')
    .slice(0, MAX_NAME - 4)
    .replace(/-+$/, '');
  // `a.lock` was made `a-lock` above; nothing that is left can be refused as a name or a branch.
  return name === '' || name === 'head' ? otherwise : name;
}

/** The name, with a number behind it where it is taken. */
export function unique(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let count = 2; taken.has(candidate); count += 1) candidate = `${name}-${count}`;
  taken.add(candidate);
  return candidate;
}

/** Text as file systems compare it that do not tell upper case from lower case. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}
