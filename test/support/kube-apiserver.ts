// A real kube-apiserver over a real etcd, on loopback, asked by a real kubectl. There are no controllers and no nodes: what they
// would write into `status` is written here.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { type Cluster, podObject, workloadObject } from './cluster.ts';
import { endProcess } from './process.ts';
import { findProgram } from './real.ts';

/** What a real cluster takes. */
export const CLUSTER_PROGRAMS = ['kube-apiserver', 'etcd', 'kubectl', 'openssl'] as const;

/** Starts a cluster without anything in it. Guard the suite with `describeReal(…, CLUSTER_PROGRAMS, …)`. */
export async function createRealCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'tagflow-kube-'));
  const [client, peer, secure] = await freePorts();
  await promisify(execFile)('openssl', ['genrsa', '-out', join(folder, 'key'), '2048']);
  await writeFile(join(folder, 'tokens'), 'secret,admin,1,"system:masters"\n');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: join(folder, 'config') };
  await writeFile(env.KUBECONFIG, JSON.stringify(kubeconfig(secure)));
  const etcd = start('etcd', [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${client}`,
    `--advertise-client-urls=http://127.0.0.1:${client}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-cluster=default=http://127.0.0.1:${peer}`,
    '--unsafe-no-fsync',
  ]);
  const server = start('kube-apiserver', [
    `--etcd-servers=http://127.0.0.1:${client}`,
    `--secure-port=${secure}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${join(folder, 'certificates')}`,
    `--token-auth-file=${join(folder, 'tokens')}`,
    '--authorization-mode=AlwaysAllow',
    '--disable-admission-plugins=ServiceAccount',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(folder, 'key')}`,
    `--service-account-signing-key-file=${join(folder, 'key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
  ]);
  const kubectl = async (args: readonly string[], input?: unknown): Promise<string> => ask(env, args, input);
  await vi.waitFor(async () => kubectl(['get', '--raw=/readyz']), { timeout: 100_000, interval: 300 });
  return { env, context: 'prd', ...stateOf(kubectl), remove: async () => end(folder, [server, etcd]) };
}

type Kubectl = (args: readonly string[], input?: unknown) => Promise<string>;

/** Writing what the cluster holds: an object, then its status. */
function stateOf(kubectl: Kubectl): Pick<Cluster, 'put' | 'setPods'> {
  const create = async (namespace: string, object: Readonly<Record<string, unknown>>): Promise<void> => {
    const { kind, metadata, status } = object as { kind: string; metadata: { name: string }; status: object };
    await kubectl([`--namespace=${namespace}`, 'apply', '-f', '-'], { ...object, status: undefined });
    const patch = [
      'patch',
      kind,
      metadata.name,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ];
    await kubectl([`--namespace=${namespace}`, ...patch]);
  };
  const within = async (namespace: string): Promise<void> => {
    await kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  };
  return {
    async put(namespace, workload) {
      await within(namespace);
      await create(namespace, workloadObject(namespace, workload));
    },
    async setPods(namespace, pods) {
      await within(namespace);
      await kubectl([`--namespace=${namespace}`, 'delete', 'pods', '--all', '--force', '--grace-period=0']);
      for (const pod of pods) await create(namespace, podObject(namespace, pod));
    },
  };
}

async function ask(env: Readonly<Record<string, string>>, args: readonly string[], input?: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      findProgram('kubectl') ?? 'kubectl',
      [...args],
      { env: { ...env } },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`kubectl ${args.join(' ')}: ${stderr}`));
        else resolve(stdout);
      },
    );
    child.stdin?.end(input === undefined ? '' : JSON.stringify(input));
  });
}

function start(name: string, args: readonly string[]): ChildProcess {
  return spawn(findProgram(name) ?? name, [...args], { stdio: 'ignore', env: { PATH: process.env['PATH'] ?? '' } });
}

async function end(folder: string, children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) await endProcess(child);
  await rm(folder, { recursive: true, force: true });
}

function kubeconfig(port: number): object {
  const server = `https://127.0.0.1:${port}`;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'prd',
    clusters: [{ name: 'prd', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token: 'secret' } }],
    contexts: [{ name: 'prd', context: { cluster: 'prd', user: 'admin' } }],
  };
}

/** Three ports that are free now: etcd and the API server cannot choose their own and say which. */
async function freePorts(): Promise<readonly [number, number, number]> {
  const servers = [createServer(), createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      async (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map(async (server) => new Promise((resolve) => server.close(resolve))));
  return [ports[0] ?? 0, ports[1] ?? 0, ports[2] ?? 0];
}
