// Wildcards over tags, as registries write them in their rules: `*` stands for any characters, none included.

/** Whether a tag fits a wildcard. Linear in the tag: a pattern full of `*` cannot make it slow. */
export function matchesWildcard(wildcard: string, tag: string): boolean {
  const [first = '', ...rest] = wildcard.split('*');
  const last = rest.pop();
  if (last === undefined) return wildcard === tag;
  if (!tag.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = tag.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return tag.length - last.length >= at && tag.endsWith(last);
}
