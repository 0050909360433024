// npm run model: looks at every state of every situation, and at each rule's removal. Exits with 1 unless no promise is broken
// and every removed rule was found.
//   --few      the small set that the tests use
//   --deep     more situations: some minutes
//   --ways     prints the shortest way to what each removed rule breaks
//   --diagram  prints those ways as mermaid diagrams
import { parseArgs } from 'node:util';
import { type Search, search } from './explore.ts';
import { diagramOf, situationText, tableText, wayText } from './print.ts';
import { RULES, type RuleName, allKept, without } from './rules.ts';
import { ALL, DEEP, FEW } from './situations.ts';

const { values } = parseArgs({
  options: {
    few: { type: 'boolean' },
    deep: { type: 'boolean' },
    ways: { type: 'boolean' },
    diagram: { type: 'boolean' },
  },
});
const situations = values.few === true ? FEW : values.deep === true ? DEEP : ALL;

const say = (...lines: readonly string[]): void => {
  process.stdout.write(`${lines.join('\n')}\n`);
};
const count = (number: number): string => number.toLocaleString('en');

const results = situations.map((situation) => ({ situation, found: search(situation, allKept) }));
say(
  ...tableText(
    ['situation', 'steps', 'states', 'at rest', 'depth', 'violations'],
    results.map(({ situation, found: { states, atRest, depth, violation } }) => [
      situationText(situation),
      situation.coarse === true ? 'coarse' : 'fine',
      count(states),
      count(atRest),
      String(depth),
      violation ? '1' : '0',
    ]),
  ),
  '',
);
for (const { situation, found } of results) {
  if (found.violation) say(situationText(situation), ...wayText(found.violation), '');
}

const controls = (Object.keys(RULES) as RuleName[]).map((name) => {
  const { shownBy } = RULES[name];
  // With the rule nothing is found there, or what is found without it would not be the rule's doing.
  const sound = search(shownBy, allKept).violation === undefined;
  return { name, shownBy, sound, found: search(shownBy, without(name)) };
});
say(
  ...tableText(
    ['removed rule', 'situation', 'steps to it', 'what breaks'],
    controls.map(({ name, shownBy, sound, found: { violation } }) => [
      name,
      situationText(shownBy),
      violation ? String(violation.moves.length) : '-',
      sound ? (violation?.promise ?? 'NOTHING FOUND') : 'BREAKS WITH THE RULE TOO',
    ]),
  ),
  '',
);
for (const { name, shownBy, found } of controls) {
  if (values.ways === true && found.violation) say(name, ...wayText(found.violation), '');
  if (values.diagram === true && found.violation) say(name, ...diagramOf(shownBy, found.violation), '');
}

const states = sum(results.map(({ found }) => found));
const violations = results.filter(({ found }) => found.violation).length;
const noticed = controls.filter(({ sound, found }) => sound && found.violation).length;
say(
  `model: ${count(states)} states, ${violations} violations, ${noticed}/${controls.length} removed rules found` +
    ` (${process.cpuUsage().user / 1e6 < 1 ? '<1' : Math.round(process.cpuUsage().user / 1e6)} s of CPU)`,
);
if (violations > 0 || noticed < controls.length) process.exitCode = 1;

function sum(searches: readonly Search[]): number {
  return searches.reduce((total, one) => total + one.states, 0);
}
