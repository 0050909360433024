// The stand-in cluster passes the contract that a real kube-apiserver passes where it is there.
import { describe } from 'vitest';
import { describeKubernetes } from '../contract/kubernetes.ts';
import { createStandInCluster } from '../support/cluster.ts';

describe('kubernetes, by the stand-in', () => {
  describeKubernetes(createStandInCluster);
});
