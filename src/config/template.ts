// Texts with placeholders: `services/{application}/overlays/{environment}`. A placeholder is a word of lower-case letters
// in braces; braces around anything else are characters like any other.

/** What stands for a placeholder, by its name. */
export type Placeholders = Readonly<Record<string, string>>;

const PLACEHOLDER = /\{([a-z]+)\}/g;

/** The names of the placeholders of a text. */
export function placeholdersIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name));
}

/** A text with its placeholders filled; those without a value stay as they are. */
export function fill(text: string, values: Placeholders): string {
  return text.replaceAll(PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? whole) : whole,
  );
}

/**
 * The names of `wanted` for which a path is what the text says, or lies below it; other placeholders stand for any one part
 * of a path. Undefined when the text has no placeholder `wanted`.
 */
export function matcherOf(text: string, wanted: string): ((path: string) => string | undefined) | undefined {
  if (!placeholdersIn(text).has(wanted)) return undefined;
  let isNamed = false;
  const source = text
    .split(/(\{[a-z]+\})/)
    .map((part) => {
      if (!/^\{[a-z]+\}$/.test(part)) return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
      if (part !== `{${wanted}}`) return '[^/]+';
      const group = isNamed ? String.raw`\k<name>` : '(?<name>[^/]+)';
      isNamed = true;
      return group;
    })
    .join('');
  const pattern = new RegExp(`^${source}(?:/|$)`, 'u');
  return (path) => pattern.exec(path)?.groups?.['name'];
}

/** The folder below which everything lies that a text can stand for: `services` of `services/{application}/dev`. */
export function literalFolder(text: string): string {
  const at = text.search(/\{[a-z]+\}/);
  const literal = at < 0 ? text : text.slice(0, at);
  return literal.slice(0, Math.max(0, literal.lastIndexOf('/')));
}
