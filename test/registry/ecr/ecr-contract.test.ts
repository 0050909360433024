// The Amazon ECR adapter keeps the contract of the port, through the real AWS SDK: over the strict emulator of test/support.
// ecr-moto.test.ts runs it over another ECR.
import { buildSourceContract } from '../../contract/build-source.ts';
import { type ContentPlace, contentContract } from '../../contract/content.ts';
import { registryContract } from '../../contract/registry.ts';
import { ECR_HOST, createEcrUnderTest, ecrRepository, startEcr } from '../../support/ecr.ts';
import { startHttpRegistry } from '../../support/http-registry.ts';
import { createOciUnderTest, repositoryAt } from '../../support/oci.ts';

registryContract('the ecr adapter over a strict emulator', async () => {
  const server = await startEcr();
  const { registry } = createEcrUnderTest(server.url);
  return {
    registry,
    repository: ecrRepository(),
    publish: async (manifest, tag) => server.publish('acme/app', manifest, tag),
    read: async (at) => server.read('acme/app', at),
    writes: () => server.writes,
    removal: 'last',
    async close() {
      registry.close();
      await server.stop();
    },
  };
});

/** The Docker endpoint beside the API, which asks for the password that the API gives: images are copied and labels are read there. */
async function dockerEndpoint(): Promise<ContentPlace> {
  const server = await startEcr();
  const docker = await startHttpRegistry({
    auth: { kind: 'basic', user: 'AWS', password: 'canary-docker-password-1' },
  });
  const { registry: ecr } = createEcrUnderTest(server.url);
  const source = ecr.credentialsOr({ find: async () => undefined });
  const { registry } = createOciUnderTest({ credentials: { find: async () => source.find(ECR_HOST, 'acme/app') } });
  return {
    store: registry,
    repository: repositoryAt(docker),
    async close() {
      registry.close();
      ecr.close();
      await docker.stop();
      await server.stop();
    },
  };
}
contentContract('the Docker endpoint of Amazon ECR, with the password of its API', dockerEndpoint);
buildSourceContract('Amazon ECR', dockerEndpoint);
