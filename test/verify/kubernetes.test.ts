// The stand-in cluster passes the contract that a real kube-apiserver passes where it is there.
import { describe } from 'vitest';
import { describeKubernetes } from '../contract/kubernetes.ts';
import { createStandInCluster } from '../support/cluster.ts';
import { CLUSTER_PROGRAMS, createRealCluster } from '../support/kube-apiserver.ts';
import { describeReal } from '../support/real.ts';

describe('kubernetes, by the stand-in', () => {
  describeKubernetes(createStandInCluster);
});

// Building it takes minutes and 130 MB, so no machine of CI has it: its tests run where somebody put it on PATH.
describeReal('kubernetes, by kube-apiserver', CLUSTER_PROGRAMS, () => describeKubernetes(createRealCluster), {
  optional: true,
});
