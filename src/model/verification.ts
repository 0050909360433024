// What tagflow.yaml says under `verify`: how a release is looked at after its deploy, and what follows when it failed.
import type { ReleaseImage } from './release.ts';

/** What every step has. A step fails when its answer is a no until `timeoutMs` of the policy is over. */
interface StepBase {
  /** Names the step in results; each name once. */
  readonly name: string;
}

/** Asks a URL by GET. */
export interface HttpStep extends StepBase {
  readonly kind: 'http';
  /** A template: `{version}`, `{version:IMAGE}`, `{digest:IMAGE}`. */
  readonly url: string;
  readonly status: number;
  /** A template of a text that the body holds. */
  readonly contains: string | undefined;
  /** Fields of the JSON body, by their keys, with templates of their values. */
  readonly json: readonly { readonly path: readonly string[]; readonly equals: string }[];
  /** Whether TAGFLOW_VERIFY_TOKEN goes with the request, where TAGFLOW_VERIFY_HOST names the host. */
  readonly token: boolean;
}

/** Runs a program of the trunk's commit. */
export interface CommandStep extends StepBase {
  readonly kind: 'command';
  readonly command: readonly [string, ...string[]];
  /** The file of results that it writes, in JUnit's XML, relative to the repository's root. */
  readonly junit: string | undefined;
  /** Variables of the caller that it gets. */
  readonly env: readonly string[];
}

/** Asks Kubernetes, through kubectl, which digests the Pods of a workload run. */
export interface KubernetesStep extends StepBase {
  readonly kind: 'kubernetes';
  /** Undefined: the present one of the kubeconfig. */
  readonly context: string | undefined;
  readonly namespace: string;
  /** `KIND/NAME`; like the namespace a template. */
  readonly workload: string;
}

/** Looks at a commit status that the forge has, as Flux and Argo CD set them. */
export interface StatusStep extends StepBase {
  readonly kind: 'status';
  /** The status's name, or the part of it before a slash: Flux adds an id. */
  readonly status: string;
}

/** Asks Prometheus. */
export interface PrometheusStep extends StepBase {
  readonly kind: 'prometheus';
  /** The address of the server. */
  readonly url: string;
  readonly query: string;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** How long every answer has to be a yes, in milliseconds; 0: one is enough. */
  readonly duringMs: number;
  readonly token: boolean;
}

/** One step of a verification. */
export type VerifyStep = HttpStep | CommandStep | KubernetesStep | StatusStep | PrometheusStep;

/** The keys of a step that distinguish its kind. */
export const STEP_KINDS = ['http', 'command', 'kubernetes', 'status', 'prometheus'] as const;

/** What follows on a failed verification. */
export const FAILURE_ACTIONS = ['rollback', 'hold', 'report'] as const;

/** What follows on a failed verification: a rollback, a hold on what the release changed, or nothing but the result. */
export type FailureAction = (typeof FAILURE_ACTIONS)[number];

/** How an environment's releases are verified. */
export interface VerifyPolicy {
  readonly timeoutMs: number;
  readonly onFailure: FailureAction;
  /** In their order: each is asked once the one before has passed. */
  readonly steps: readonly [VerifyStep, ...VerifyStep[]];
}

/** How long a verification takes at most where `timeout` says nothing, in milliseconds. */
export const VERIFY_TIMEOUT_MS = 600_000;

const PLACEHOLDER = /\{(version|digest|environment|application)(?::([^{}]*))?\}/g;

/** The images that the placeholders of a template name; undefined stands for the only one. */
export function imagesNamedIn(template: string): readonly (string | undefined)[] {
  return [...template.matchAll(PLACEHOLDER)].flatMap(([, what, image]) =>
    what === 'version' || what === 'digest' ? [image] : [],
  );
}

/** What templates are filled from. */
export interface VerifySubject {
  readonly environment: string;
  readonly application: string | undefined;
  readonly images: readonly ReleaseImage[];
}

/**
 * The text that a template spells for a release; undefined where it names an image that the release has not, or `{version}`
 * without a name and the release has several. `encode` is applied to each value.
 */
export function fillTemplate(
  template: string,
  { environment, application, images }: VerifySubject,
  encode: (value: string) => string = (value) => value,
): string | undefined {
  let isWhole = true;
  const filled = template.replace(PLACEHOLDER, (_, what: string, name: string | undefined) => {
    const only = images.length === 1 ? images[0] : undefined;
    const image = name === undefined ? only : images.find((one) => one.name === name);
    const values = { version: image?.version, digest: image?.digest, environment, application };
    const value = values[what as keyof typeof values];
    if (value === undefined) isWhole = false;
    return value === undefined ? '' : encode(value);
  });
  return isWhole ? filled : undefined;
}

/** The templates of a step. */
export function templatesOf(step: VerifyStep): readonly string[] {
  switch (step.kind) {
    case 'http':
      return [step.url, step.contains ?? '', ...step.json.map(({ equals }) => equals)];
    case 'prometheus':
      return [step.query];
    case 'kubernetes':
      return [step.namespace, step.workload];
    case 'status':
      return [step.status];
    case 'command':
      return [];
  }
}

/** Variables that hold secrets of tagflow or of the job, which no program of a repository gets. */
export function isSecretVariable(name: string): boolean {
  return /^TAGFLOW_|^(?:CI_JOB_TOKEN|CI_JOB_JWT.*|CI_REGISTRY_PASSWORD|CI_DEPLOY_PASSWORD|GITHUB_TOKEN|GH_TOKEN|GH_ENTERPRISE_TOKEN|GITLAB_TOKEN|ACTIONS_.*)$/i.test(
    name,
  );
}
