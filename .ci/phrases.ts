// Phrases that our texts do not use, and what to say in their place: `node .ci/phrases.ts` names each line that has one, and ends
// with exit code 1.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Phrase {
  readonly pattern: RegExp;
  readonly say: string;
}

const PHRASES: readonly Phrase[] = [
  {
    pattern: /(?<!\bthere )\bis no (?!longer|better|good|more|less|one\b|\w+er\b)[a-z]/i,
    say: '"is not a …"',
  },
  { pattern: /\bfor good\b/i, say: '"permanently", or "finally"' },
  { pattern: /\ball the same\b/i, say: '"anyway", or "still"' },
  { pattern: /\b(?:serve|sends?|lets?) us\b/i, say: 'what the server does: "redirects to", "is unavailable"' },
  { pattern: /\bis told from\b/i, say: '"is distinguished from"' },
  { pattern: /\bof its own accord\b/i, say: '"by itself"' },
  { pattern: /\bso (?:many|much)\b(?! [a-z]+ that)/i, say: 'a number, or "at most"' },
  { pattern: /\banew\b/i, say: 'again, or "recreated"' },
  { pattern: /(?<!there )\b(?:is|are) none\b/i, say: 'what it is: "counts as unset", "is not a release"' },
  { pattern: /\b(?:is|are) told\b/i, say: '"is reported", or who says it' },
  { pattern: /\bgoes on\b/i, say: '"continues"' },
  { pattern: /\blets us\b/i, say: '"permission X is denied on Y"' },
  { pattern: /\bwant of\b/i, say: '"without"' },
  { pattern: /\bmostly\b/i, say: '"usually"' },
  { pattern: /\bwhoever\b/i, say: '"anybody who", or name the person' },
  { pattern: /\bis no answer of\b/i, say: '"HOST did not answer like the GitHub API"' },
  { pattern: /nothing of it is held/i, say: '"no image in this release is on hold"' },
  { pattern: /something has to change first/i, say: '"Retrying will not help until something changes."' },
  { pattern: /\bcannot be told\b(?! (?:apart|from))/i, say: '"is unknown", "cannot tell whether …"' },
  { pattern: /\bnobody (?:sees|can say|would heed)\b/i, say: '"invisible", "is unknown", "would not count"' },
  { pattern: /\b(?:forbids|sent|denies) us\b|\bnot ours to\b/i, say: 'who may do what: "HOST denies permission to …"' },
  { pattern: /\bas good as (?:none|it gets)\b/i, say: '"counts as unset", "counts as missing"' },
  { pattern: /\b(?:is|are|be) held from\b/i, say: '"is on hold for ENV"' },
  { pattern: /\banother try (?:alone|helps|can help)\b/i, say: '"retrying (alone) will not help"' },
  {
    pattern: /\bcomes? to no end\b|\b(?:comes|is pinned) (?:from )?nowhere\b/i,
    say: '"does not end", "is not pinned"',
  },
  { pattern: /\bsees to it\b|\bat (?:its|his|their) word\b/i, say: '"makes sure that", "is believed"' },
  { pattern: /\bheld against\b/i, say: '"compared with", or "checked against"' },
  { pattern: /\bwhat (?:became|becomes|comes|came) of\b/i, say: '"the outcome of", or "what happens to"' },
  { pattern: /\bputs? (?:the|its|their) tags\b(?! of by)/i, say: '"writes the tags"' },
  { pattern: /\blooks? whether\b/i, say: '"checks whether"' },
  { pattern: /\bbegun again\b/i, say: '"restarted"' },
  { pattern: /\bwhat is known of\b/i, say: '"what is known about", or name the facts' },
  { pattern: /\b(?:not|is) believed\b/i, say: '"is trusted", or "counts"' },
  { pattern: /\bcaller[’']s word\b/i, say: '"the caller’s permission"' },
  { pattern: /\bas far as (?:it|the [a-z’' ]+) tells?\b/i, say: '"if X shows it"' },
  { pattern: /\bwas answered (?:\$|[1-5]\d\d)/i, say: '"returned"' },
  { pattern: /\bnames? another image already\b/i, say: '"already points to another image"' },
  { pattern: /one release, whole/i, say: '"one release in full"' },
];

/** What is read: everything that people read, comments and the names of tests included. */
const READ = [
  '*.md',
  'docs/**/*.md',
  'environments/**/*.md',
  'templates/**/*.{md,yml,yaml}',
  '{src,test,bench,.ci}/**/*.{ts,tsx}',
];

const root = join(import.meta.dirname, '..');
/** It names the phrases itself. */
const OWN = '.ci/phrases.ts';

const found = globSync(READ, { cwd: root, exclude: ['**/node_modules/**', '.ci/**/node_modules/**'] })
  .filter((file) => file !== OWN)
  .sort()
  .flatMap((file) => phrasesIn(file));
for (const line of found) process.stderr.write(`${line}\n`);
if (found.length > 0) process.exitCode = 1;

function phrasesIn(file: string): readonly string[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      PHRASES.flatMap(({ pattern, say }) => {
        const phrase = pattern.exec(line)?.[0];
        return phrase === undefined ? [] : [`${file}:${index + 1}: "${phrase}"; say ${say}`];
      }),
    );
}
