// Every store that images are copied from and into keeps the one contract.
import { join } from 'node:path';
import { parseRepository } from '../../src/model/reference.ts';
import { createLayoutRegistry } from '../../src/registry/layout/layout.ts';
import { buildSourceContract } from '../contract/build-source.ts';
import { type ContentPlace, contentContract } from '../contract/content.ts';
import { type HttpRegistryOptions, startHttpRegistry } from '../support/http-registry.ts';
import { layoutRepository, machineClock, temporaryFolder } from '../support/layouts.ts';
import { createMemoryRegistry } from '../support/memory-registry.ts';
import { createOciUnderTest, repositoryAt } from '../support/oci.ts';
import { REAL_REGISTRIES } from '../support/real-registries.ts';
import { describeReal } from '../support/real.ts';
import { afterAll, beforeAll } from 'vitest';

/** Both contracts of what images hold. */
function contracts(name: string, setup: () => Promise<ContentPlace>): void {
  contentContract(name, setup);
  buildSourceContract(name, setup);
}

contracts('the registry in memory', async () => ({
  store: createMemoryRegistry(),
  repository: parseRepository('registry.example.com/acme/app'),
}));

contracts('an OCI image layout', async () => {
  const folder = temporaryFolder();
  return {
    store: createLayoutRegistry({ baseDirectory: folder.path, clock: machineClock }),
    repository: layoutRepository(join(folder.path, 'app')),
    close: () => folder[Symbol.dispose](),
  };
});

async function overHttp(options: HttpRegistryOptions) {
  const server = await startHttpRegistry(options);
  const { registry } = createOciUnderTest();
  const close = async (): Promise<void> => {
    registry.close();
    await server.stop();
  };
  return { store: registry, repository: repositoryAt(server), close };
}

contracts('a registry over HTTP with the referrers API', async () => overHttp({ referrers: true }));
contracts('a registry over HTTP without the referrers API', async () => overHttp({}));

for (const { program, name, optional, start } of REAL_REGISTRIES) {
  describeReal(
    name,
    [program],
    () => {
      let server: Awaited<ReturnType<typeof start>>;
      let count = 0;
      beforeAll(async () => {
        server = await start();
      });
      afterAll(async () => {
        await server.stop();
      });
      contracts(name, async () => {
        const { registry } = createOciUnderTest();
        count += 1;
        return { store: registry, repository: repositoryAt(server, `acme/app${count}`), close: () => registry.close() };
      });
    },
    { optional },
  );
}
