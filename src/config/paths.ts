// Paths in tagflow.yaml: folders, files, globs and field paths. All are relative to the repository's root, with `/`.
import type { ConfiguredField, FieldStep } from '../model/pipeline.ts';
import { isPlain } from '../model/text.ts';

/** What a parser here found: the value, or why there is none and what to write. */
export type Parsed<T> = { readonly value: T } | { readonly why: string; readonly fix: string };

const MAX_PATH = 1024;
const MAX_WILDCARDS = 6;
const MAX_ALTERNATIVES = 64;
const MAX_FIELD_DEPTH = 32;

/**
 * A path inside the repository, in canonical form: no leading `./`, no trailing `/`, no empty part.
 * Refused: absolute paths, `..`, `.git` in any spelling that a file system may take for it, backslashes, controls.
 */
export function parsePath(text: string): Parsed<string> {
  // Judged as it is read: `./C:` is the drive `C:` once its dot is gone.
  const named = text.startsWith('./') ? text.slice(2) : text;
  const common = unsafeIn(named);
  if (common) return common;
  const path = trimSlashes(named);
  if (path === '' || path === '.') {
    return { why: 'it is the root of the repository', fix: 'use a folder or file inside it' };
  }
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.')) {
    return { why: 'it has an empty or . part', fix: `write ${parts.filter((p) => p !== '' && p !== '.').join('/')}` };
  }
  return { value: path };
}

/**
 * A glob over paths of the repository, as node:path `matchesGlob` reads it: `*`, `**`, `?`, `[a-z]`, `{a,b}`.
 * Refused: what that function would take literally by mistake, and what would make it slow on a hostile tree.
 */
export function parseGlob(text: string): Parsed<string> {
  const common = unsafeIn(text);
  if (common) return common;
  if (text.startsWith('!')) {
    return { why: 'globs cannot be negated', fix: 'list the paths to keep, without !' };
  }
  if (text.endsWith('/')) return { why: 'it ends with /, so it matches no file', fix: `write ${text}**` };
  if (text.startsWith('./') || text.includes('//') || text.includes('/./')) {
    return { why: 'it has an empty or . part, so it matches no file', fix: 'write it without that part' };
  }
  if (/[()]/.test(text)) return { why: 'it has parentheses', fix: 'use *, **, ?, [a-z] or {a,b}' };
  if (!isBalanced(text)) return { why: 'a bracket is left open', fix: 'close each [ with ] and each { with }' };
  if (alternatives(text) > MAX_ALTERNATIVES) {
    return { why: `its braces expand to more than ${MAX_ALTERNATIVES} globs`, fix: 'list the globs one by one' };
  }
  if (text.split('/').some((part) => part !== '**' && part.includes('**'))) {
    return { why: '** must stand alone between slashes; elsewhere it only means *', fix: 'write **/*.yaml' };
  }
  if ((text.match(/\*+/g)?.length ?? 0) > MAX_WILDCARDS) {
    return { why: `it has more than ${MAX_WILDCARDS} wildcards`, fix: 'use several simpler globs' };
  }
  return { value: text };
}

/**
 * Keys and indexes of a field: `spec.containers[0].image`; a key with dots or brackets in quotes: `data["a.b"]`; an element of
 * a list by what one of its fields holds: `parameters[name=image.tag].value`.
 */
export function parseFieldPath(text: string): Parsed<ConfiguredField['path']> {
  const path: FieldStep[] = [];
  const token =
    /([^.[\]"\\\s]+)|\[(0|[1-9][0-9]{0,5})\]|\["((?:[^"\\]|\\.)+)"\]|\[([A-Za-z_][A-Za-z0-9_-]*)=([^\]"\s]+)\]/y;
  let index = 0;
  while (index < text.length) {
    if (path.length > 0 && text[index] === '.') index += 1;
    else if (path.length > 0 && text[index] !== '[') return badField();
    const afterDot = text[index - 1] === '.';
    token.lastIndex = index;
    const match = token.exec(text);
    const [whole = '', key, position, quoted, field, value] = match ?? [];
    if (whole === '' || (afterDot && key === undefined)) return badField();
    index += whole.length;
    if (field !== undefined && value !== undefined) {
      path.push({ key: field, value });
      continue;
    }
    const name = quoted === undefined ? key : unquote(quoted);
    if (name === undefined && position === undefined) return badField();
    path.push(position === undefined ? (name ?? '') : Number(position));
  }
  if (path.length === 0) return badField();
  if (path.length > MAX_FIELD_DEPTH) {
    return { why: `it is deeper than ${MAX_FIELD_DEPTH} levels`, fix: 'use a field closer to the root' };
  }
  if (path.includes('__proto__')) return { why: 'it goes through __proto__', fix: 'name another field' };
  return { value: path };
}

function badField(): Parsed<never> {
  return {
    why: 'it does not consist of keys and indexes',
    fix: 'join keys with dots, and put an index or a field in brackets: app.images[0].tag, parameters[name=image.tag].value',
  };
}

function unquote(text: string): string | undefined {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return undefined;
  }
}

function unsafeIn(text: string): { why: string; fix: string } | undefined {
  if (text === '') return { why: 'it is empty', fix: 'name a path inside the repository' };
  if (text.length > MAX_PATH) return { why: `it is longer than ${MAX_PATH} characters`, fix: 'shorten it' };
  if (!isPlain(text)) return { why: 'it has a control character, or an invisible one', fix: 'remove it' };
  if (text.includes('\\')) return { why: 'it has a backslash', fix: `write it with /: ${text.replaceAll('\\', '/')}` };
  if (text.startsWith('/') || /^[A-Za-z]:/.test(text)) {
    return { why: 'it is absolute', fix: "write it relative to the repository's root" };
  }
  const parts = text.split('/');
  if (parts.includes('..')) return { why: 'it has a .. part', fix: 'write it without ..' };
  if (parts.some(isGitFolder)) return { why: 'it leads into .git', fix: 'name a path outside .git' };
  return undefined;
}

// Windows and macOS drop trailing dots and spaces, and letter case; git~1 is the short name of .git on NTFS.
function isGitFolder(part: string): boolean {
  let end = part.length;
  while (end > 0 && (part[end - 1] === '.' || part[end - 1] === ' ')) end -= 1;
  const name = part.slice(0, end).toLowerCase();
  return name === '.git' || name === 'git~1';
}

function trimSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}

function isBalanced(glob: string): boolean {
  let braces = 0;
  for (let index = 0; index < glob.length; index += 1) {
    const character = glob[index];
    if (character === '[') {
      // `[]a]` and `[!]a]` hold a bracket: the one that closes comes after at least one member.
      const close = glob.indexOf(']', index + (/^\[[!^]/.test(glob.slice(index, index + 2)) ? 3 : 2));
      if (close < 0 || glob.slice(index, close).includes('/')) return false;
      index = close;
    } else if (character === ']') return false;
    else if (character === '{') braces += 1;
    else if (character === '}') braces -= 1;
    if (braces < 0) return false;
  }
  return braces === 0;
}

// An upper bound: nested groups count as if they stood side by side.
function alternatives(glob: string): number {
  if (/\{[^{}]*\.\.[^{}]*\}/.test(glob)) return Number.POSITIVE_INFINITY;
  let total = 1;
  for (const group of glob.split('{').slice(1)) total *= group.split(',').length;
  return total;
}
