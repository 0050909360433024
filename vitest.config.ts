import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The examples import the package by its name, as its users do.
  resolve: { alias: { tagflow: join(import.meta.dirname, 'src/index.ts') } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    unstubEnvs: true,
    // Nothing in src/ keeps state beside what it is given: files of one worker share its modules, and load them once.
    isolate: false,
    maxWorkers: 2,
  },
});
