// The registries of a run: what the configuration says is given to them when they are made.
import { afterEach, expect, test } from 'vitest';
import { machineClock } from '../../src/compose/clock.ts';
import { RegistrySource } from '../../src/compose/registries.ts';

const source = new RegistrySource({
  env: {},
  directory: '.',
  clock: machineClock,
  notify: () => undefined,
  signal: new AbortController().signal,
  timeoutMs: 1000,
  plainHttpCredentials: new Set(),
  tokenServers: new Map(),
});

afterEach(() => source.close());

test('the same hosts over plain HTTP, in any order, give the same registries', () => {
  const first = source.registriesFor(new Set(['a.test:5000', 'b.test']));
  expect(source.registriesFor(new Set(['b.test', 'a.test:5000']))).toBe(first);
});

test('a configuration that allows plain HTTP for another host changes no registry that was made before', () => {
  const first = source.registriesFor(new Set(['a.test:5000']));
  expect(source.registriesFor(new Set(['a.test:5000', 'b.test']))).not.toBe(first);
});
