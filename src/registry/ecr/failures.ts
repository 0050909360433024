// What the AWS SDK throws, as people can act on it: credentials, permissions, limits, the network. Names of errors are those
// of the ECR API and of AWS in general: docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html.
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository } from '../../model/reference.ts';
import type { EcrHost } from '../hosts.ts';
import { oneLine, type Redactor } from '../../http/redact.ts';
import { explainFailure, timedOut, TransportFailure } from '../../http/transport.ts';
import type { TryOutcome } from '../../http/cloud-tries.ts';

/** One call of the API, as errors name it. */
export interface EcrCall {
  readonly host: EcrHost;
  /** `ecr:PutImage`, as IAM spells it. */
  readonly action: `ecr:${string}`;
  /** Undefined for a call that is about no repository. */
  readonly repository?: RemoteRepository | undefined;
}

/** Facts about a failed attempt. */
export interface FailedTry {
  readonly url: URL;
  readonly requestTimeoutMs: number;
  readonly redactor: Redactor;
}

const THROTTLED = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
]);

const FORBIDDEN = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'NotAuthorized',
  'UnauthorizedOperation',
  'BlockedByOrganizationPolicyException',
  'KmsException',
  'LayerInaccessibleException',
  'OptInRequired',
]);

const EXPIRED = new Set(['ExpiredTokenException', 'ExpiredToken', 'RequestExpired', 'TokenRefreshRequired']);

const UNAUTHORIZED = new Set([
  ...EXPIRED,
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'AuthFailure',
]);

const UNKNOWN_STATUS = new Set([500, 502, 503, 504]);

/** The name of an error of the SDK; empty if the value is not an error. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** The meaning of a failed attempt. An error that is not a failure of AWS or of the network is rethrown: it is a defect. */
export function classify(error: unknown, call: EcrCall, tried: FailedTry): TryOutcome {
  if (error instanceof TransportFailure && error.transient) return { kind: 'unknown', error };
  if (error instanceof TagflowError) return { kind: 'final', error };
  if (!(error instanceof Error)) throw error;
  const status = statusOf(error);
  const service = serviceName(call.host);
  const said = words(error, tried.redactor);
  if (THROTTLED.has(error.name) || status === 429) return { kind: 'throttled', error: throttled(call, said) };
  if (skewWasCorrected(error)) return { kind: 'stale', error: unauthorized(service, error.name, said) };
  if (error.name === 'LimitExceededException') return { kind: 'limit', error: overLimit(call, said) };
  if (FORBIDDEN.has(error.name)) return { kind: 'final', error: forbidden(call, said) };
  if (UNAUTHORIZED.has(error.name)) return { kind: 'final', error: unauthorized(service, error.name, said) };
  if (error.name === 'EndpointError') return { kind: 'final', error: noEndpoint(service, said) };
  const silent = error.name === 'TimeoutError' && (!('code' in error) || error.code === 'ETIMEDOUT');
  if (silent) return { kind: 'unknown', error: timedOut('POST', tried.url, tried.requestTimeoutMs) };
  if (status !== undefined && UNKNOWN_STATUS.has(status)) {
    return { kind: 'unknown', error: serverFailure(call, status, said) };
  }
  if ('code' in error) {
    const failure = explainFailure(error, 'POST', tried.url);
    const unknown = failure instanceof TransportFailure && failure.transient;
    return unknown ? { kind: 'unknown', error: failure } : { kind: 'final', error: failure };
  }
  if (status === undefined) throw error;
  return { kind: 'final', error: unusable(call, status, said) };
}

/** The error for credentials that could not be had at all: the words of the SDK's providers, and the profile they looked for. */
export function noCredentials(
  host: EcrHost,
  error: unknown,
  redactor: Redactor,
  profile: string | undefined,
): TagflowError {
  const said = error instanceof Error ? words(error, redactor) : String(error);
  return new TagflowError('unauthorized', {
    what: `no AWS credentials found for ${serviceName(host)}`,
    why: profile === undefined ? said : `${said}; AWS_PROFILE is ${JSON.stringify(oneLine(profile, 100))}`,
    fix: /expired/i.test(said)
      ? 'log in to AWS again (aws sso login, or renew the session), then run the same command'
      : 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE; in CI, let the job assume a role: AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE',
    details: { region: host.region, registryId: host.registryId },
    cause: error,
  });
}

/** The error for an answer that is not what the API promises. */
export function unusableAnswer(call: EcrCall, why: string): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `${serviceName(call.host)} gave no usable response to ${call.action}${of(call)}`,
    why,
    fix: 'check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_ECR and the proxies: another server seems to respond in its place',
    details: detailsOf(call),
  });
}

/** How errors and notices call the service: `Amazon ECR in eu-west-1`. */
export function serviceName({ region }: EcrHost): string {
  return `Amazon ECR in ${region}`;
}

/** The ARN of a repository, as a policy names it. */
function arnOf({ region, registryId }: EcrHost, repository: RemoteRepository | undefined): string {
  if (!repository) return '*';
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  return `arn:${partition}:ecr:${region}:${registryId}:repository/${repository.path}`;
}

function forbidden(call: EcrCall, said: string): TagflowError {
  const on = call.repository?.name ?? `the registry of account ${call.host.registryId}`;
  return new TagflowError('forbidden', {
    what: `permission ${call.action} is denied on ${on}`,
    why: `it answered ${said}`,
    fix: `allow ${call.action} on ${arnOf(call.host, call.repository)} for the identity that runs tagflow; docs/how-to/amazon-ecr.md has the complete policy`,
    details: detailsOf(call),
  });
}

function unauthorized(service: string, name: string, said: string): TagflowError {
  return new TagflowError('unauthorized', {
    what: `${service} rejects the AWS credentials`,
    why: `it answered ${said}`,
    fix: EXPIRED.has(name)
      ? 'log in to AWS again (aws sso login, or renew the session), then run the same command'
      : 'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN or AWS_PROFILE (aws sts get-caller-identity shows the identity), and the clock of this machine',
  });
}

function throttled(call: EcrCall, said: string): TagflowError {
  return new TagflowError('registry-unavailable', {
    what: `${serviceName(call.host)} is limiting requests`,
    why: `it answered ${said} to ${call.action}`,
    fix: 'run the same command again in a minute; when it persists, ask AWS for a higher quota of this action',
    details: detailsOf(call),
  });
}

function overLimit(call: EcrCall, said: string): TagflowError {
  return new TagflowError('forbidden', {
    what: `${serviceName(call.host)} refuses ${call.action}${of(call)}: an account limit has been reached`,
    why: `it answered ${said}`,
    fix: 'let tagflow remove the per-release tags of old releases (environments.NAME.retain; an image can have at most 1000 tags), or ask AWS for a higher quota',
    details: detailsOf(call),
  });
}

function serverFailure(call: EcrCall, status: number, said: string): TransportFailure {
  return new TransportFailure(true, {
    what: `${serviceName(call.host)} cannot serve requests at the moment`,
    why: `${call.action} returned ${status} ${said}`,
    fix: 'run the same command again later; when it persists, check health.aws.amazon.com',
    details: { ...detailsOf(call), status },
  });
}

function noEndpoint(service: string, said: string): TagflowError {
  return new TagflowError('config-invalid', {
    what: `the AWS SDK has no address for ${service}`,
    why: said,
    fix: 'check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_ECR, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT',
  });
}

function unusable(call: EcrCall, status: number, said: string): TagflowError {
  return unusableAnswer(call, `it answered ${status} ${said}`);
}

function detailsOf({ host, action, repository }: EcrCall): Readonly<Record<string, unknown>> {
  return {
    region: host.region,
    registryId: host.registryId,
    action,
    ...(repository && { host: repository.host, repository: repository.path }),
  };
}

function of({ repository }: EcrCall): string {
  return repository ? ` for ${repository.name}` : '';
}

// Redacted before it is shortened: half a secret could not be recognised.
function words(error: Error, redactor: Redactor): string {
  const message = redactor.redact(error.message.split('\n', 1)[0] ?? '');
  return oneLine(`${error.name}: ${message}`, 400);
}

function statusOf(error: Error): number | undefined {
  return metadataOf(error)?.httpStatusCode;
}

// The SDK has noted the server's time, and signs the next try with it.
function skewWasCorrected(error: Error): boolean {
  return metadataOf(error)?.clockSkewCorrected === true;
}

function metadataOf(error: Error): { httpStatusCode?: number; clockSkewCorrected?: boolean } | undefined {
  return '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }) : undefined;
}
