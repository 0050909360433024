// A stand-in for Kubernetes, as strict as kubectl is about what it is asked: options, contexts, resources and label selectors. Its
// state is a file that the kubectl written here reads.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A container of a Pod: what it was asked to run, and what runs. */
export interface ClusterContainer {
  readonly name: string;
  readonly image: string;
  /** Empty while the container is created. */
  readonly imageID: string;
}

/** A Pod. */
export interface ClusterPod {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly containers: readonly ClusterContainer[];
}

/** A workload: `status` counts replicas as Kubernetes does. */
export interface ClusterWorkload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly name: string;
  readonly selector: Readonly<Record<string, unknown>>;
  readonly image: string;
  readonly replicas: number;
  readonly status: Readonly<Record<string, number>>;
}

/** A cluster that tests fill. */
export interface Cluster {
  /** Variables with which its kubectl is found and may ask. */
  readonly env: Readonly<Record<string, string>>;
  /** The name of its context. */
  readonly context: string;
  /** Puts a workload into a namespace, which is made. */
  put(namespace: string, workload: ClusterWorkload): Promise<void>;
  /** Replaces all Pods of a namespace. */
  setPods(namespace: string, pods: readonly ClusterPod[]): Promise<void>;
  remove(): Promise<void>;
}

interface State {
  readonly context: string;
  readonly workloads: Record<string, Record<string, unknown>>;
  readonly pods: Record<string, readonly unknown[]>;
}

/** Makes a cluster without anything in it. */
export async function createStandInCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'cluster-'));
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(folder, 'kubectl.mjs'), PROGRAM);
  await writeFile(join(bin, 'kubectl'), `#!/bin/sh\nexec '${process.execPath}' '${folder}/kubectl.mjs' "$@"\n`, {
    mode: 0o755,
  });
  const state: State = { context: 'prd', workloads: {}, pods: {} };
  const save = async (): Promise<void> => writeFile(join(folder, 'state.json'), JSON.stringify(state));
  await save();
  return {
    env: { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
    context: state.context,
    async put(namespace, workload) {
      state.workloads[namespace] = {
        ...state.workloads[namespace],
        [`${workload.kind.toLowerCase()}/${workload.name}`]: workloadObject(namespace, workload),
      };
      await save();
    },
    async setPods(namespace, pods) {
      state.pods[namespace] = pods.map((pod) => podObject(namespace, pod));
      await save();
    },
    remove: async () => rm(folder, { recursive: true }),
  };
}

/** A workload as Kubernetes answers it. */
export function workloadObject(
  namespace: string,
  { kind, name, selector, image, replicas, status }: ClusterWorkload,
): Readonly<Record<string, unknown>> {
  const labels = (selector['matchLabels'] ?? {}) as Readonly<Record<string, string>>;
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, generation: 1 },
    spec: {
      ...(kind !== 'DaemonSet' && { replicas }),
      ...(kind === 'StatefulSet' && { serviceName: name }),
      selector,
      template: { metadata: { labels }, spec: { containers: [{ name, image }] } },
    },
    status: { observedGeneration: 1, ...status },
  };
}

/** A Pod as Kubernetes answers it. */
export function podObject(
  namespace: string,
  { name, labels, phase, containers }: ClusterPod,
): Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: containers.map((one) => ({ name: one.name, image: one.image })) },
    status: {
      phase,
      containerStatuses: containers.map((one) => ({ ...one, ready: true, restartCount: 0, state: {}, lastState: {} })),
    },
  };
}

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const state = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'state.json'), 'utf8'));
const options = {};
const words = [];
const KNOWN = new Set(['context', 'namespace', 'request-timeout', 'output', 'selector']);
const fail = (text) => { console.error(text); process.exit(1); };
for (const word of process.argv.slice(2)) {
  const [, name, value] = /^--([a-z-]+)=(.*)$/s.exec(word) ?? [];
  if (name === undefined && word.startsWith('-')) fail('error: unknown flag: ' + word);
  if (name === undefined) words.push(word);
  else if (KNOWN.has(name)) options[name] = value;
  else fail('error: unknown flag: --' + name);
}
if ((options.context ?? state.context) !== state.context) fail('error: context "' + options.context + '" does not exist');
if (!/^[1-9][0-9]*(s|m|h)$/.test(options['request-timeout'] ?? '1s')) fail('error: invalid timeout value');
if (words[0] !== 'get' || words.length !== 2) fail('error: the stand-in knows get RESOURCE alone');
if (options.output !== 'json') fail('error: the stand-in prints json alone');
const { namespace } = options;
const print = (value) => process.stdout.write(JSON.stringify(value, null, 4) + '\\n');
const [, what] = words;
if (what === 'pods') {
  const wanted = selectorOf(options.selector ?? '');
  print({ apiVersion: 'v1', kind: 'List', items: (state.pods[namespace] ?? []).filter((pod) => wanted(pod.metadata.labels ?? {})) });
} else {
  const [kind, name] = what.split('/');
  const plural = { deployment: 'deployments', statefulset: 'statefulsets', daemonset: 'daemonsets' }[kind];
  if (plural === undefined) fail('error: the server doesn\\'t have a resource type "' + kind + '"');
  const found = state.workloads[namespace]?.[what];
  if (!found) fail('Error from server (NotFound): ' + plural + '.apps "' + name + '" not found');
  print(found);
}

// The grammar of label selectors: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
function selectorOf(text) {
  const KEY = '[A-Za-z0-9](?:[A-Za-z0-9./_-]*[A-Za-z0-9])?';
  const parts = text === '' ? [] : text.match(/(?:[^,(]|\\([^)]*\\))+/g);
  const tests = parts.map((part) => {
    let m;
    if ((m = new RegExp('^(' + KEY + ')=([A-Za-z0-9._-]*)$').exec(part))) { const [, k, v] = m; return (l) => l[k] === v; }
    if ((m = new RegExp('^(' + KEY + ')$').exec(part))) { const [, k] = m; return (l) => k in l; }
    if ((m = new RegExp('^!(' + KEY + ')$').exec(part))) { const [, k] = m; return (l) => !(k in l); }
    if ((m = new RegExp('^(' + KEY + ') (in|notin) \\\\(([A-Za-z0-9._,-]*)\\\\)$').exec(part))) {
      const [, k, op, list] = m;
      const values = list.split(',');
      return (l) => (op === 'in' ? k in l && values.includes(l[k]) : !values.includes(l[k]));
    }
    fail('Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "' + text + '"');
  });
  return (labels) => tests.every((test) => test(labels));
}
`;
