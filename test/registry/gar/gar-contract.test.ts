// The adapter for Artifact Registry keeps the contract of the port, through Google's own client over gRPC, and a Docker endpoint
// behind a proxy and TLS: in a repository named by its path, in one of a gcr.io host, and without credentials of Google's.
// One service and one adapter serve a suite, as making Google's client takes a tenth of a second; each test has its own package.
import { afterAll, beforeAll } from 'vitest';
import { buildSourceContract } from '../../contract/build-source.ts';
import { type ContentPlace, contentContract } from '../../contract/content.ts';
import { registryContract, type RegistryPlace } from '../../contract/registry.ts';
import {
  createGarUnderTest,
  GAR_HOST,
  GAR_PATH,
  garRepository,
  type GarServer,
  type GarUnderTest,
  startGar,
  TOKEN,
} from '../../support/gar.ts';

let server: GarServer;
const made: GarUnderTest[] = [];
let packages = 0;
beforeAll(async () => {
  server = await startGar();
});
afterAll(async () => {
  for (const each of made) each.close();
  await server.stop();
});

/** The adapter of a suite, and a package for a test. */
const maker = (prefix: string, options?: Parameters<typeof createGarUnderTest>[1]) => {
  let under: GarUnderTest | undefined;
  return (): GarUnderTest & { readonly path: string } => {
    if (!under) made.push((under = createGarUnderTest(server, options)));
    packages += 1;
    return { ...under, path: `${prefix}-${packages}` };
  };
};
const suite = (host: string, prefix: string, options?: Parameters<typeof createGarUnderTest>[1]) => {
  const make = maker(prefix, options);
  return async (): Promise<RegistryPlace> => {
    const { registry, path } = make();
    return {
      registry,
      repository: garRepository(path, host),
      publish: async (manifest, tag) => server.publish(path, manifest, tag),
      read: async (at) => server.read(path, at),
      writes: () => server.writes + server.docker.lines.filter((line) => line.startsWith('PUT ')).length,
    };
  };
};

registryContract('the gar adapter', suite(GAR_HOST, GAR_PATH));

registryContract(
  'the gar adapter over a gcr.io host and a project of a domain',
  suite('eu.gcr.io', 'example.com/acme/web/app'),
);

registryContract(
  'the gar adapter with Docker’s credentials only',
  suite(GAR_HOST, GAR_PATH, {
    makeClient: undefined,
    others: { find: async () => ({ kind: 'password', username: 'oauth2accesstoken', password: TOKEN }) },
  }),
);

const makeForCopies = maker(GAR_PATH);
const setup = async (): Promise<ContentPlace> => {
  const { docker, path } = makeForCopies();
  return { store: docker, repository: garRepository(path) };
};
contentContract('the Docker endpoint of Artifact Registry, with tokens of Google’s', setup);
buildSourceContract('Artifact Registry', setup);
