// The OCI adapter keeps the contract of the port: over the strict registry of test/support, and over those of others.
import { afterAll, beforeAll } from 'vitest';
import { parseRepository } from '../../../src/model/reference.ts';
import { createOciRegistry } from '../../../src/registry/oci/oci.ts';
import { registryContract } from '../../contract/registry.ts';
import { startHttpRegistry } from '../../support/http-registry.ts';
import { createInstantClock } from '../../support/clock.ts';
import { describeReal } from '../../support/real.ts';
import { REAL_REGISTRIES } from '../../support/real-registries.ts';
import { pushManifest } from '../../support/sample-manifests.ts';

const ACCEPT_ALL =
  'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, ' +
  'application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json';

registryContract('the oci adapter over a strict registry', async () => {
  const server = await startHttpRegistry();
  const registry = createOciRegistry({ clock: createInstantClock(), random: Math.random, env: {} });
  return {
    registry,
    repository: parseRepository(`${server.host}/acme/app`),
    async publish(manifest, tag) {
      server.publish('acme/app', manifest, tag);
    },
    read: async (at) => server.read('acme/app', at),
    writes: () => server.lines.filter((line) => line.startsWith('PUT ')).length,
    async close() {
      registry.close();
      await server.stop();
    },
  };
});

for (const { program, name, optional, removal, keepsUntagged, start } of REAL_REGISTRIES) {
  describeReal(
    name,
    [program],
    () => {
      let server: Awaited<ReturnType<typeof start>>;
      let repositories = 0;
      beforeAll(async () => {
        server = await start();
      });
      afterAll(async () => {
        await server.stop();
      });

      registryContract(`the oci adapter over ${name}`, async () => {
        repositories += 1;
        const path = `acme/app-${repositories}`;
        const url = `http://${server.host}/v2/${path}`;
        const registry = createOciRegistry({ clock: createInstantClock(), random: Math.random, env: {} });
        return {
          registry,
          repository: parseRepository(`${server.host}/${path}`),
          publish: async (manifest, tag) => pushManifest(url, manifest, tag),
          async read(at) {
            const response = await fetch(`${url}/manifests/${at}`, { headers: { accept: ACCEPT_ALL } });
            return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
          },
          removal,
          keepsUntagged,
          async close() {
            registry.close();
          },
        };
      });
    },
    { optional },
  );
}
