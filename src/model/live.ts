// What tagflow.yaml says under `live`: sources that report which versions run now, independently of releases.

/** Asks a URL by GET; its answer names a version or a digest. */
export interface LiveHttp {
  readonly kind: 'http';
  /** A template: `{environment}`, `{application}`. */
  readonly url: string;
  /** The keys of the JSON field that holds the version; empty: the whole body is the version. */
  readonly json: readonly string[];
  /** The image that the answer is about; undefined: the only one. */
  readonly image: string | undefined;
}

/** Asks Kubernetes, through kubectl, which digests the Pods of a workload run. */
export interface LiveKubernetes {
  readonly kind: 'kubernetes';
  /** Undefined: the present one of the kubeconfig. */
  readonly context: string | undefined;
  readonly namespace: string;
  /** `KIND/NAME`; like the namespace a template. */
  readonly workload: string;
}

/** Looks at the commit status that Flux or Argo CD set on the release's commit. */
export interface LiveStatus {
  readonly kind: 'status';
  /** The status's name, or the part of it before a slash; a template. */
  readonly status: string;
}

/** A source that says which versions run. */
export type LiveSource = LiveHttp | LiveKubernetes | LiveStatus;

/** The keys of a source that distinguish its kind. */
export const LIVE_KINDS = ['http', 'kubernetes', 'status'] as const;

/** How long `--wait-live` waits where no time is given, in milliseconds. */
export const WAIT_LIVE_MS = 600_000;

/** The templates of a source. */
export function liveTemplatesOf(source: LiveSource): readonly string[] {
  switch (source.kind) {
    case 'http':
      return [source.url];
    case 'kubernetes':
      return [source.namespace, source.workload];
    case 'status':
      return [source.status];
  }
}
