// The tests that mutants are run against: those that need no other program and no server.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    include: [
      'test/{model,config,engine,gates,property,manifests}/**/*.test.ts',
      'test/http/*.test.ts',
      'test/registry/{credentials,oci}/*.test.ts',
      'test/ledger/push.test.ts',
    ],
  },
});
