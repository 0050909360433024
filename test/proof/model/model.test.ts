// The model in small, at each run of the tests; `npm run model` is the whole.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { movesFrom, search, startOf } from './explore.ts';
import { diagramOf, situationText, wayText } from './print.ts';
import { isAtRest } from './promises.ts';
import { RULES, type RuleName, allKept, without } from './rules.ts';
import { FEW } from './situations.ts';
import { headOf, tagOf, targetTag } from './world.ts';

const RULE_NAMES = Object.keys(RULES) as RuleName[];

test.each(FEW.map((situation) => [situationText(situation), situation] as const))(
  'no promise is broken: %s',
  (_text, situation) => {
    const { violation, atRest } = search(situation, allKept);
    expect(violation).toBeUndefined();
    // Of these each was followed by an apply, and by reruns of what had been killed.
    expect(atRest).toBeGreaterThan(0);
  },
);

test.each(RULE_NAMES)('a promise breaks without: %s', (name) => {
  expect(search(RULES[name].shownBy, without(name)).violation).toBeDefined();
});

test('every step of a counterexample follows on the one before', () => {
  const name = 'read the head again after the tags';
  const { violation } = search(RULES[name].shownBy, without(name));
  let world = startOf(RULES[name].shownBy);
  for (const { talks, world: next } of violation?.moves ?? []) {
    expect(movesFrom(world, without(name)).map((move) => move.talks)).toContainEqual(talks);
    world = next;
  }
  // Two releases, everybody at rest, and an alias of the older one: what the rule is there for.
  expect(isAtRest(world)).toBe(true);
  expect(headOf(world).version).toBe(5);
  expect(tagOf(world, targetTag(2)).now).toBe(4);
});

test('of what can be exchanged only one state is looked at: two runs that ask for the same', () => {
  const { states } = search({ operations: [{ kind: 'apply' }, { kind: 'apply' }], faults: {} }, allKept);
  const different = search({ operations: [{ kind: 'apply' }, { kind: 'promote', version: 3 }], faults: {} }, allKept);
  // An unchanged promotion and an apply do the same: told apart they make nearly twice the states.
  expect(different.states).toBeGreaterThan(1.5 * states);
});

test('a search ends at its limit instead of filling the memory', () => {
  const { shownBy } = RULES['gates again after a lost race'];
  expect(() => search(shownBy, allKept, 100)).toThrow('more than 100 states');
});

test('a counterexample reads as a list and as a diagram', () => {
  const name = 'per-release tags before target tags';
  const { shownBy } = RULES[name];
  const { violation } = search(shownBy, without(name));
  expect(violation && wayText(violation)).toEqual([
    '   1  A -> Git                reads the head: release 3 = v3',
    '   2  A -> registry           reads whether 1:prd-4 and its like are free: absent, absent',
    '   3  A -> Git                pushes release 4 = v4, to replace release 3: landed',
    '   4  A -> registry           reads 1:prd: v3',
    '   5  A -> registry           puts 1:prd = v4',
    '   =>  1:prd names v4, which has no per-release tag',
  ]);
  expect(violation && diagramOf(shownBy, violation)).toEqual([
    'sequenceDiagram',
    '  participant A as A: promote v4',
    '  participant Git',
    '  participant registry',
    '  A->>Git: reads the head: release 3 = v3',
    '  A->>registry: reads whether 1:prd-4 and its like are free: absent, absent',
    '  A->>Git: pushes release 4 = v4, to replace release 3: landed',
    '  A->>registry: reads 1:prd: v3<br/>puts 1:prd = v4',
    '  Note over Git,registry: 1:prd names v4, which has no per-release tag',
  ]);
});

test('the diagrams of the documentation are what the model finds', async () => {
  const page = await readFile(new URL('../../../docs/internals/protocol.md', import.meta.url), 'utf8');
  const drawn = [...page.matchAll(/```mermaid\n(?<diagram>[^`]*)```/g)].map(({ groups }) =>
    groups?.['diagram']?.trim(),
  );
  const found = new Set<string | undefined>();
  for (const name of RULE_NAMES) {
    const { violation } = search(RULES[name].shownBy, without(name));
    if (violation) found.add(diagramOf(RULES[name].shownBy, violation).join('\n'));
  }
  expect(drawn.length).toBeGreaterThan(4);
  expect(drawn.filter((diagram) => !found.has(diagram))).toEqual([]);
  // Every rule that the model removes stands in the page by its name.
  expect(RULE_NAMES.filter((name) => !page.includes(name))).toEqual([]);
});
