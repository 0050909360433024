// What a call of Artifact Registry's API ends with, as people can act on it: permissions, quotas, the network. Told by the
// status code of gRPC and by the reason in google.rpc.ErrorInfo, never by the words of a message.
// grpc.io/docs/guides/status-codes, google.aip.dev/193, github.com/googleapis/googleapis: google/api/error_reason.proto.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { oneLine, type Redactor } from '../../http/redact.ts';
import { TransportFailure } from '../../http/transport.ts';
import type { TryOutcome } from '../../http/cloud-tries.ts';
import type { GarPlace } from './place.ts';

/** One call of the API, as errors name it. */
export interface GarCall {
  /** `GetTag`. */
  readonly method: string;
  readonly place: GarPlace;
  /** What IAM has to allow: `artifactregistry.tags.get`. */
  readonly permission: `artifactregistry.${string}`;
  /** The least of the predefined roles that holds the permission. */
  readonly role: 'reader' | 'writer' | 'repoAdmin';
}

/** Facts about a failed attempt. */
export interface FailedTry {
  /** `host[:port]` of the API. */
  readonly address: string;
  readonly requestTimeoutMs: number;
  readonly redactor: Redactor;
}

const STATUSES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** The name of a status code of gRPC. */
export type StatusName = (typeof STATUSES)[number];

/** The status that a failed call reports; undefined for errors that are not failures of a call. */
export function statusOf(error: unknown): StatusName | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined;
  return error.code === 0 ? undefined : STATUSES[error.code];
}

/** The meaning of a failed attempt. An error that is not a failure of a call or of the network is rethrown: it is a defect. */
export function classify(error: unknown, call: GarCall, tried: FailedTry): TryOutcome {
  if (error instanceof TransportFailure && error.transient) return { kind: 'unknown', error };
  if (error instanceof TagflowError) return { kind: 'final', error };
  const status = statusOf(error);
  if (!(error instanceof Error) || status === undefined) throw error;
  const said = words(status, error, tried.redactor);
  switch (status) {
    case 'RESOURCE_EXHAUSTED':
      return { kind: 'throttled', error: throttled(call, said), waitMs: retryDelay(error) };
    case 'UNAUTHENTICATED':
      return { kind: 'stale', error: unauthorized(call, said) };
    case 'PERMISSION_DENIED':
      return { kind: 'final', error: forbidden(call, said, reasonOf(error)) };
    case 'FAILED_PRECONDITION':
      return { kind: 'final', error: notInThisState(call, said) };
    case 'DEADLINE_EXCEEDED':
      return { kind: 'unknown', error: silent(call, tried) };
    case 'ABORTED':
    case 'CANCELLED':
    case 'INTERNAL':
    case 'UNAVAILABLE':
    case 'UNKNOWN':
      return { kind: 'unknown', error: unavailable(call, said, tried.address) };
    default:
      return { kind: 'final', error: unusableAnswer(call, `it answered ${said}`) };
  }
}

/** The error for an answer that is not what the API promises. */
export function unusableAnswer(call: GarCall, why: string): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `Artifact Registry gave no usable response to ${call.method} for ${call.place.repository.name}`,
    why,
    fix: 'check CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY and the proxies: another server seems to respond in its place',
    details: detailsOf(call),
  });
}

/** The error for an operation that has no time left. */
export function tooLate(call: GarCall, allowedMs: number): TagflowError {
  return new TagflowError('registry-unavailable', {
    what: `Artifact Registry in ${call.place.location} took too long`,
    why: `the operation did not finish within ${allowedMs / 1000} s`,
    fix: advise`run the same command again, or with ${{ act: 'say', what: 'longer time-out' }}`,
    details: detailsOf(call),
  });
}

/** How to give an identity a role on a repository: one sentence. */
export function howToGrant({ project, location, repositoryId }: GarPlace, role: GarCall['role']): string {
  return `give the identity that runs tagflow the role: gcloud artifacts repositories add-iam-policy-binding ${repositoryId} --project=${project} --location=${location} --role=roles/artifactregistry.${role} --member=…`;
}

function forbidden(call: GarCall, said: string, reason: string | undefined): TagflowError {
  const { project, repository } = call.place;
  return new TagflowError('forbidden', {
    what: `permission ${call.permission} is denied on ${repository.name}`,
    why: `${call.method} returned ${said}`,
    fix: fixFor(call, reason),
    details: { ...detailsOf(call), project, permission: call.permission, reason: reason ?? null },
  });
}

// google/api/error_reason.proto.
function fixFor(call: GarCall, reason: string | undefined): string {
  switch (reason) {
    case 'SERVICE_DISABLED':
      return 'enable the API in the quota project (gcloud services enable artifactregistry.googleapis.com), or set another quota project: gcloud auth application-default set-quota-project PROJECT';
    case 'USER_PROJECT_DENIED':
    case 'CONSUMER_INVALID':
      return 'set a quota project: gcloud auth application-default set-quota-project PROJECT';
    case 'ACCESS_TOKEN_SCOPE_INSUFFICIENT':
      return 'give the machine or node pool the access scope cloud-platform, or use workload identity';
    case 'SECURITY_POLICY_VIOLATED':
      return 'get this machine or identity added to the VPC service perimeter of the project';
    case 'BILLING_DISABLED':
      return `enable billing for the project ${call.place.project}`;
    default:
      return howToGrant(call.place, call.role);
  }
}

function unauthorized(call: GarCall, said: string): TagflowError {
  return new TagflowError('unauthorized', {
    what: 'Artifact Registry rejects the access token',
    why: `${call.method} returned ${said}`,
    fix: 'log in again: gcloud auth application-default login, or renew the key or the federation of the CI job; and check the clock of this machine',
    details: detailsOf(call),
  });
}

function throttled(call: GarCall, said: string): TagflowError {
  return new TagflowError('registry-unavailable', {
    what: `Artifact Registry in ${call.place.location} is limiting requests`,
    why: `${call.method} returned ${said}`,
    fix: 'run the same command again in a minute; when it persists, ask Google for a higher quota of this API',
    details: detailsOf(call),
  });
}

function notInThisState(call: GarCall, said: string): TagflowError {
  return new TagflowError('forbidden', {
    what: `Artifact Registry refuses ${call.method} for ${call.place.repository.name}`,
    why: `it answered ${said}`,
    fix: 'check the repository: gcloud artifacts repositories describe; it may be scheduled for deletion, virtual, or in maintenance',
    details: detailsOf(call),
  });
}

function silent(call: GarCall, { address, requestTimeoutMs }: FailedTry): TransportFailure {
  return new TransportFailure(true, {
    what: `${address} did not answer in time`,
    why: `${call.method} got no response within ${requestTimeoutMs / 1000} s`,
    fix: 'run the same command again; when it persists, check the network and status.cloud.google.com',
    details: detailsOf(call),
  });
}

function unavailable(call: GarCall, said: string, address: string): TransportFailure {
  return new TransportFailure(true, {
    what: `cannot reach Artifact Registry at ${address}, or it cannot serve requests at the moment`,
    why: `${call.method} ended with ${said}`,
    fix: 'run the same command again; when it persists, check the network, HTTPS_PROXY and NODE_EXTRA_CA_CERTS, and status.cloud.google.com',
    details: detailsOf(call),
  });
}

function detailsOf({ method, place }: GarCall): Readonly<Record<string, unknown>> {
  const { repository, location } = place;
  return { host: repository.host, repository: repository.path, location, method };
}

// Redacted before it is shortened: half a secret could not be recognised.
function words(status: StatusName, error: Error, redactor: Redactor): string {
  const details = 'details' in error && typeof error.details === 'string' ? error.details : error.message;
  return oneLine(`${status}: ${redactor.redact(details.split('\n', 1)[0] ?? '')}`, 400);
}

function reasonOf(error: Error): string | undefined {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : undefined;
}

/** Milliseconds that google.rpc.RetryInfo asks to wait. */
function retryDelay(error: Error): number | undefined {
  const { statusDetails } = error as { statusDetails?: unknown };
  for (const detail of Array.isArray(statusDetails) ? (statusDetails as unknown[]) : []) {
    const { retryDelay } = (detail ?? {}) as { retryDelay?: { seconds?: unknown; nanos?: unknown } | null };
    const milliseconds = Number(retryDelay?.seconds ?? 0) * 1000 + Number(retryDelay?.nanos ?? 0) / 1e6;
    if (retryDelay && Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  }
  return undefined;
}
