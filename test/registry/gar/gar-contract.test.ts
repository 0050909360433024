// The adapter for Artifact Registry keeps the contract of the port, through Google's own client over gRPC, and a Docker endpoint
// behind a proxy and TLS: in a repository named by its path, in one of a gcr.io host, and without credentials of Google's.
import { registryContract, type RegistryPlace } from '../../contract/registry.ts';
import { createGarUnderTest, GAR_HOST, GAR_PATH, garRepository, startGar, TOKEN } from '../../support/gar.ts';

const place = async (
  path: string,
  host: string,
  options: Parameters<typeof createGarUnderTest>[1] = {},
): Promise<RegistryPlace> => {
  const server = await startGar();
  const { registry, close } = createGarUnderTest(server, options);
  return {
    registry,
    repository: garRepository(path, host),
    publish: async (manifest, tag) => server.publish(path, manifest, tag),
    read: async (at) => server.read(path, at),
    writes: () => server.writes + server.docker.lines.filter((line) => line.startsWith('PUT ')).length,
    async close() {
      close();
      await server.stop();
    },
  };
};

registryContract('the gar adapter', async () => place(GAR_PATH, GAR_HOST));

registryContract('the gar adapter over a gcr.io host and a project of a domain', async () =>
  place('example.com/acme/web/app', 'eu.gcr.io'),
);

registryContract('the gar adapter with Docker’s credentials only', async () =>
  place(GAR_PATH, GAR_HOST, {
    client: undefined,
    others: { find: async () => ({ kind: 'password', username: 'oauth2accesstoken', password: TOKEN }) },
  }),
);
