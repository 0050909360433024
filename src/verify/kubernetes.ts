// Step `kubernetes`: whether the rollout of a workload is complete, and its Pods run the digests of the release. Kubernetes is
// asked through the caller's kubectl, so that every way to authenticate works.
import * as z from 'zod/mini';
import { type ProcessEnv } from '../model/effects.ts';
import { type KubernetesStep, fillTemplate, isSecretVariable } from '../model/verification.ts';
import { runProgram } from '../programs/program.ts';
import type { Answer, VerifyTarget } from './verify.ts';

/** Bytes of kubectl's answer that are read. */
const KEEP = 8 * 1024 * 1024;
const NAME = /^[a-z0-9][a-z0-9.-]{0,252}$/;
const WORKLOAD = /^[a-z]+\/[a-z0-9][a-z0-9.-]{0,252}$/;

const selector = z.object({
  matchLabels: z.optional(z.record(z.string(), z.string())),
  matchExpressions: z.optional(
    z.array(z.object({ key: z.string(), operator: z.string(), values: z.optional(z.array(z.string())) })),
  ),
});
const count = z.optional(z.number());
const workload = z.object({
  kind: z.string(),
  metadata: z.object({ generation: count }),
  spec: z.object({
    replicas: count,
    selector,
    template: z.optional(z.object({ spec: z.object({ containers: z.array(z.object({ image: z.string() })) }) })),
  }),
  status: z.optional(
    z.object({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      availableReplicas: count,
      desiredNumberScheduled: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
    }),
  ),
});
const container = z.object({ name: z.string(), image: z.string(), imageID: z.string() });
const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.optional(z.string()) }),
      status: z.optional(
        z.object({ phase: z.optional(z.string()), containerStatuses: z.optional(z.array(container)) }),
      ),
    }),
  ),
});

/** A workload, as Kubernetes describes it. */
export type Workload = z.infer<typeof workload>;
/** The Pods of a workload. */
export type Pods = z.infer<typeof pods>;

/** How kubectl is started. */
export interface Kubectl {
  readonly env: ProcessEnv;
  readonly signal: AbortSignal;
}

/** Asks Kubernetes once. */
export async function askKubernetes(
  step: KubernetesStep,
  target: VerifyTarget,
  kubectl: Kubectl,
  limitMs: number,
): Promise<Answer> {
  const found = await fetchWorkload(step, target, kubectl, limitMs);
  if (typeof found === 'string') return { said: 'nothing', seen: found };
  const { name, workload: described } = found;
  const rolling = notRolledOut(described);
  if (rolling !== undefined) return { said: 'no', seen: `${name}: ${rolling}` };
  const listed = await found.pods();
  return typeof listed === 'string' ? { said: 'nothing', seen: listed } : judgePods(listed, target);
}

/** A workload as Kubernetes has it now. `pods`: its Pods, or in words why they cannot be listed. */
export interface FoundWorkload {
  readonly name: string;
  readonly workload: Workload;
  pods(): Promise<Pods | string>;
}

/** Reads a workload; in words why it cannot be. Throws `KubectlFailure`. */
export async function fetchWorkload(
  place: Pick<KubernetesStep, 'context' | 'namespace' | 'workload'>,
  target: VerifyTarget,
  kubectl: Kubectl,
  limitMs: number,
): Promise<FoundWorkload | string> {
  const [namespace, name] = [fillTemplate(place.namespace, target), fillTemplate(place.workload, target)];
  if (!namespace || !name || !NAME.test(namespace) || !WORKLOAD.test(name))
    return `${place.namespace} ${place.workload} cannot be filled in for this release`;
  const until = performance.now() + limitMs;
  const options = [
    ...(place.context === undefined ? [] : [`--context=${place.context}`]),
    `--namespace=${namespace}`,
    `--request-timeout=${Math.max(1, Math.ceil(limitMs / 1000))}s`,
  ];
  const read = async (...words: readonly string[]): Promise<unknown> =>
    run([...options, 'get', ...words, '--output=json'], kubectl, until - performance.now());
  const found = workload.safeParse(await read(name));
  if (!found.success) return `kubectl described no ${name}`;
  return {
    name,
    workload: found.data,
    async pods() {
      const labels = selectorOf(found.data.spec.selector);
      if (labels === undefined) return `${name} selects its Pods in a way that tagflow does not know`;
      const listed = pods.safeParse(await read('pods', `--selector=${labels}`));
      return listed.success ? listed.data : `kubectl listed no Pods of ${name}`;
    },
  };
}

/** What a rollout still lacks; undefined: it is complete. */
export function notRolledOut({ kind, metadata, spec, status = {} }: Workload): string | undefined {
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 'its change was not taken up yet';
  const isDaemon = kind === 'DaemonSet';
  const wanted = isDaemon ? (status.desiredNumberScheduled ?? 0) : (spec.replicas ?? 1);
  const updated = (isDaemon ? status.updatedNumberScheduled : status.updatedReplicas) ?? 0;
  const available = (isDaemon ? status.numberAvailable : status.availableReplicas) ?? 0;
  const present = isDaemon ? wanted : (status.replicas ?? 0);
  if (wanted === 0) return 'it is scaled to zero';
  if (updated < wanted) return `${updated} of ${wanted} Pods are updated`;
  if (present > updated) return `${present - updated} old Pods are still there`;
  return available < wanted ? `${available} of ${wanted} Pods are available` : undefined;
}

/** A label selector as kubectl takes it; undefined where it has an operator that is not known. */
export function selectorOf({ matchLabels = {}, matchExpressions = [] }: z.infer<typeof selector>): string | undefined {
  const parts = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of matchExpressions) {
    if (operator === 'Exists') parts.push(key);
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
    else if (operator === 'In' || operator === 'NotIn')
      parts.push(`${key} ${operator.toLowerCase()} (${values.join(',')})`);
    else return undefined;
  }
  return parts.length === 0 ? undefined : parts.join(',');
}

/** Whether every running Pod has the digests of the release: of those of its images that a Pod runs, one at least. */
export function judgePods(listed: Pods, { images }: Pick<VerifyTarget, 'images'>): Answer {
  const running = runningPods(listed);
  if (running.length === 0) return { said: 'no', seen: 'no Pod runs' };
  const seen = new Set<string>();
  for (const { metadata, status } of running) {
    for (const { name, image, imageID } of status?.containerStatuses ?? []) {
      const repositories = new Set([repositoryNameOf(image), repositoryNameOf(imageID)]);
      const released = images.find(
        ({ repository, digest }) => repositories.has(repository) || imageID.endsWith(`@${digest}`),
      );
      if (!released) continue;
      if (!imageID.endsWith(`@${released.digest}`)) {
        const has = /@(sha256:[0-9a-f]{12})/.exec(imageID)?.[1] ?? 'no digest';
        return {
          said: 'no',
          seen: `${metadata.name}: ${name} runs ${has}, not ${released.version} (${released.digest.slice(0, 19)})`,
        };
      }
      seen.add(released.name);
    }
  }
  if (seen.size === 0) return { said: 'no', seen: `none of ${running.length} Pods runs an image of the release` };
  return { said: 'yes', seen: `${running.length} Pods run ${[...seen].sort().join(', ')} by digest` };
}

/** The running Pods among those of a workload. */
export function runningPods({ items }: Pods): Pods['items'] {
  return items.filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === 'Running');
}

/** The repository of a reference, or of an image id: without scheme, tag and digest. */
export function repositoryNameOf(reference: string): string {
  const bare = reference.replace(/^[a-z-]+:\/\//, '').replace(/@.*$/, '');
  return bare.replace(/:[^/:]*$/, '');
}

async function run(args: readonly string[], { env, signal }: Kubectl, limitMs: number): Promise<unknown> {
  const own = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || isSecretVariable(name) ? [] : [[name, value] as const],
  );
  const end = await runProgram(['kubectl', ...args], {
    cwd: undefined,
    env: Object.fromEntries(own),
    limitMs,
    signal,
    keep: KEEP,
  });
  if (end.exitCode !== 0) throw new KubectlFailure(end.problem ?? end.stderr.trim().split('\n').at(-1) ?? '');
  try {
    return end.isWhole ? (JSON.parse(end.stdout) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

/** kubectl gave no answer: in its words, why. */
export class KubectlFailure extends Error {
  override readonly name = 'KubectlFailure';
}
