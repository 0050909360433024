// The Amazon ECR adapter keeps the contract of the port, through the real AWS SDK: over the strict emulator of test/support.
// ecr-moto.test.ts runs it over another ECR.
import { registryContract } from '../../contract/registry.ts';
import { createEcrUnderTest, ecrRepository, startEcr } from '../../support/ecr.ts';

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
