// The name that somebody probably meant when they wrote another.

/** Maximum length of a word that is compared. */
const LONGEST = 64;

/** Returns the known word that differs from a wrong one by a slip of the keys, the nearest first; undefined where none does. */
export function nearest(wrong: string, known: Iterable<string>): string | undefined {
  const typed = normal(wrong);
  const slips = [...known].map((word) => ({ word, distance: editDistance(typed, normal(word)) }));
  const [slip] = slips.toSorted((a, b) => a.distance - b.distance);
  return slip && slip.distance <= Math.max(1, Math.floor(typed.length / 3)) ? slip.word : undefined;
}

/**
 * Returns the known name that was meant by a wrong one: the nearest, else one that begins like it or is its short form (`prd` of
 * `production`). Undefined if no name fits.
 */
export function nameMeant(wrong: string, known: Iterable<string>): string | undefined {
  const names = [...known];
  const fitting = (fits: (a: string, b: string) => boolean): string | undefined =>
    names.find((name) => fits(normal(wrong), normal(name)));
  return nearest(wrong, names) ?? fitting(beginsOther) ?? fitting(isShortForm);
}

function normal(word: string): string {
  return word.slice(0, LONGEST).toLowerCase();
}

/** Returns the question whether a known name was meant; `otherwise` where none was. */
export function askMeant<T>(wrong: string, known: Iterable<string>, otherwise: T): string | T {
  const meant = nameMeant(wrong, known);
  return meant === undefined ? otherwise : `did you mean ${meant}?`;
}

/** Returns the known version that differs only by letter case or a `v` in front: another number is another version. */
export function sameVersion<T extends string>(wrong: string, known: readonly T[]): T | undefined {
  const bare = (version: string): string => version.toLowerCase().replace(/^v(?=[0-9])/, '');
  return known.find((version) => version !== wrong && bare(version) === bare(wrong));
}

/** Minimum length of a word that another one begins with or stands for. */
const LEAST_SHORT = 2;

function beginsOther(a: string, b: string): boolean {
  const [short = '', long = ''] = byLength(a, b);
  return short.length >= LEAST_SHORT && long.startsWith(short);
}

/** Whether the shorter word has the first letter of the other one and more of its letters, in order. */
function isShortForm(a: string, b: string): boolean {
  const [short = '', long = ''] = byLength(a, b);
  if (short.length < LEAST_SHORT || short[0] !== long[0]) return false;
  let at = 0;
  for (const letter of long) if (letter === short[at]) at += 1;
  return at === short.length;
}

function byLength(a: string, b: string): readonly string[] {
  return a.length <= b.length ? [a, b] : [b, a];
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
