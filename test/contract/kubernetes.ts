// What steps and sources of kind `kubernetes` rely on, over a cluster: the stand-in, and a real kube-apiserver with a real kubectl.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseDigest } from '../../src/model/digest.ts';
import type { LiveKubernetes } from '../../src/model/live.ts';
import { parseObjectId } from '../../src/model/object-id.ts';
import { parseTag } from '../../src/model/reference.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import type { Answer, Sighting, VerifyTarget } from '../../src/verify/verify.ts';
import type { Cluster, ClusterPod, ClusterWorkload } from '../support/cluster.ts';

const V42 = parseDigest(`sha256:${'42'.repeat(32)}`);
const OTHER = `sha256:${'40'.repeat(32)}`;
const REPOSITORY = 'registry.example.org/shop/django';

const TARGET: VerifyTarget = {
  environment: 'prd',
  application: undefined,
  images: [{ name: 'django', repository: REPOSITORY, version: parseTag('V4.2'), digest: V42 }],
  release: { sequence: 7, commit: parseObjectId('0123456789012345678901234567890123456789') },
  async *files() {
    yield* [];
  },
  statuses: async () => [],
};

const COMPLETE = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
const WEB: ClusterWorkload = {
  kind: 'Deployment',
  name: 'web',
  selector: { matchLabels: { app: 'web' } },
  image: `${REPOSITORY}:V4.2`,
  replicas: 2,
  status: COMPLETE,
};

function pod(name: string, digest: string, more: Partial<ClusterPod> = {}): ClusterPod {
  const imageID = digest === '' ? '' : `${REPOSITORY}@${digest}`;
  return {
    name,
    labels: { app: 'web' },
    phase: 'Running',
    containers: [{ name: 'web', image: `${REPOSITORY}:V4.2`, imageID }],
    ...more,
  };
}

/** The contract. */
export function describeKubernetes(open: () => Promise<Cluster>): void {
  let cluster: Cluster;
  let count = 0;
  let namespace: string;

  beforeAll(async () => {
    cluster = await open();
  }, 120_000);
  afterAll(async () => cluster?.remove());
  beforeEach(() => {
    count += 1;
    namespace = `shop-${count}`;
  });

  const place = (workload: string): LiveKubernetes => ({
    kind: 'kubernetes',
    context: cluster.context,
    namespace,
    workload,
  });
  async function probed<T>(
    use: (probe: ReturnType<ReturnType<typeof createVerifier>['open']>) => Promise<T>,
  ): Promise<T> {
    const env = { ...cluster.env, TAGFLOW_RUN: '1' };
    const probe = createVerifier({ env, signal: new AbortController().signal, directory: '/' }).open(TARGET);
    try {
      return await use(probe);
    } finally {
      await probe.close();
    }
  }
  const asked = async (workload = 'deployment/web', context = cluster.context): Promise<Answer> =>
    probed(async (probe) => probe.ask({ ...place(workload), name: 'rollout', context }, 30_000));
  const looked = async (workload = 'deployment/web'): Promise<readonly Sighting[]> =>
    probed(async (probe) => probe.look(place(workload), 30_000));

  test('a rollout that is complete, with the digest of the release in every Pod', async () => {
    await cluster.put(namespace, WEB);
    await cluster.setPods(namespace, [pod('web-1', V42), pod('web-2', V42)]);
    expect(await asked()).toEqual({ said: 'yes', seen: '2 Pods run django by digest' });
    expect(await looked()).toEqual([{ said: 'runs', image: 'django', what: [V42] }]);
  });

  test('a rollout that is under way: both digests run', async () => {
    await cluster.put(namespace, { ...WEB, status: { ...COMPLETE, updatedReplicas: 1 } });
    await cluster.setPods(namespace, [pod('web-1', V42), pod('web-2', OTHER)]);
    expect(await asked()).toMatchObject({ said: 'no', seen: 'deployment/web: 1 of 2 Pods are updated' });
    expect(await looked()).toEqual([{ said: 'runs', image: 'django', what: [OTHER, V42] }]);
  });

  test('another digest in one Pod', async () => {
    await cluster.put(namespace, WEB);
    await cluster.setPods(namespace, [pod('web-1', V42), pod('web-2', OTHER)]);
    expect(await asked()).toMatchObject({ said: 'no', seen: expect.stringContaining('web-2: web runs sha256:404040') });
  });

  test('no Pod runs, though the workload names the image', async () => {
    await cluster.put(namespace, WEB);
    await cluster.setPods(namespace, [pod('web-1', '', { phase: 'Pending' })]);
    expect(await looked()).toEqual([{ said: 'runs', image: 'django', what: [] }]);
  });

  test('Pods of others are not looked at: labels and sets of labels select', async () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['front', 'edge'] },
        { key: 'canary', operator: 'DoesNotExist' },
      ],
    };
    const front = { app: 'web', tier: 'front' };
    await cluster.put(namespace, { ...WEB, kind: 'StatefulSet', name: 'picked', selector: { matchLabels: front } });
    await cluster.put(namespace, { ...WEB, selector: { ...selector, matchLabels: front } });
    await cluster.setPods(namespace, [
      pod('web-1', V42, { labels: front }),
      pod('web-2', OTHER, { labels: { ...front, canary: 'yes' } }),
      pod('web-3', OTHER),
    ]);
    expect(await looked()).toEqual([{ said: 'runs', image: 'django', what: [V42] }]);
    expect(await looked('statefulset/picked')).toEqual([{ said: 'runs', image: 'django', what: [OTHER, V42] }]);
  });

  test('a container that has no image id yet', async () => {
    await cluster.put(namespace, WEB);
    await cluster.setPods(namespace, [pod('web-1', '')]);
    expect(await looked()).toEqual([
      { said: 'nothing', image: 'django', seen: 'a Pod does not tell the digest of django yet' },
    ]);
  });

  test('a workload, a namespace or a context that is not there gives no answer, in the words of kubectl', async () => {
    await cluster.put(namespace, WEB);
    const absent = 'kubectl: Error from server (NotFound): deployments.apps "api" not found';
    expect(await asked('deployment/api')).toEqual({ said: 'nothing', seen: absent });
    expect(await looked('deployment/api')).toEqual([{ said: 'nothing', image: undefined, seen: absent }]);
    expect(await asked('deployment/web', 'nowhere')).toMatchObject({
      said: 'nothing',
      seen: expect.stringContaining('nowhere'),
    });
  });

  test('a DaemonSet counts its own way', async () => {
    const status = { desiredNumberScheduled: 1, currentNumberScheduled: 1, numberMisscheduled: 0, numberReady: 1 };
    await cluster.put(namespace, {
      ...WEB,
      kind: 'DaemonSet',
      status: { ...status, updatedNumberScheduled: 1, numberAvailable: 1 },
    });
    await cluster.setPods(namespace, [pod('web-1', V42)]);
    expect(await asked('daemonset/web')).toMatchObject({ said: 'yes' });
  });
}
