// What goes wrong on the way to an access token, as people can act on it. google-auth-library throws what gaxios throws, with
// the status of Google's answer, or plain errors about files.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { oneLine, type Redactor } from '../../http/redact.ts';
import { isTransient } from '../../http/retry.ts';
import { explainFailure, TransportFailure } from '../../http/transport.ts';

const LOG_IN =
  'log in: gcloud auth application-default login; in CI, let the job use a service account through workload identity federation and set GOOGLE_APPLICATION_CREDENTIALS (docs/how-to/google-artifact-registry.md)';

/** The error for a token that could not be had. */
export function tokenFailure(error: unknown, redactor: Redactor): TagflowError {
  if (!(error instanceof Error)) throw error;
  const said = oneLine(redactor.redact(error.message.split('\n', 1)[0] ?? ''), 400);
  const status = statusOf(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = withoutRequest(error, said, code);
  if (status !== undefined && isTransient(status)) {
    return new TransportFailure(true, {
      what: 'Google is not issuing access tokens at the moment',
      why: `its token service answered ${status}: ${said}`,
      fix: 'run the same command again later; when it persists, check status.cloud.google.com',
      details: { status },
      cause,
    });
  }
  if (status !== undefined) {
    return new TagflowError('unauthorized', {
      what: 'Google does not accept the credentials of this machine',
      why: `its token service answered ${status}: ${said}`,
      fix: LOG_IN,
      details: { status },
      cause,
    });
  }
  const url = urlOf(error);
  if (url && code !== undefined) return explainFailure(cause, 'POST', url);
  return new TagflowError('credentials-invalid', {
    what: 'the Application Default Credentials of this machine cannot be used',
    why: said,
    fix: `correct or remove the file in GOOGLE_APPLICATION_CREDENTIALS, or ${LOG_IN}`,
    cause,
  });
}

/** The error for a token that took too long. */
export function tokenTooLate(milliseconds: number): TransportFailure {
  return new TransportFailure(true, {
    what: 'Google returned no access token in time',
    why: `Application Default Credentials returned no token within ${milliseconds / 1000} s`,
    fix: advise`check that oauth2.googleapis.com, sts.googleapis.com or the metadata server can be reached from here (HTTPS_PROXY, NO_PROXY), or run with ${{ act: 'say', what: 'longer time-out' }}`,
  });
}

/** The error for credentials of another cloud that is run like Google's. */
export function unknownUniverse(domain: string): TagflowError {
  return new TagflowError('unauthorized', {
    what: 'the credentials of this machine are not for Google Cloud',
    why: `they are for the universe ${JSON.stringify(oneLine(domain))}, and the registry is in googleapis.com; nothing was sent`,
    fix: LOG_IN,
  });
}

/** The error for credentials that end in no token. */
export function withoutToken(): TagflowError {
  return new TagflowError('unauthorized', {
    what: 'the credentials of this machine yield no access token',
    why: 'Application Default Credentials returned no token of printable characters',
    fix: LOG_IN,
  });
}

/** The error without what gaxios hangs on it: the request that failed, and the secrets in it. */
function withoutRequest({ name, stack }: Error, said: string, code: string | undefined): Error {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const plain = Object.assign(new Error(said), { name, ...(code !== undefined && { code }) });
  plain.stack = [`${name}: ${said}`, ...frames].join('\n');
  return plain;
}

function statusOf(error: Error): number | undefined {
  if ('status' in error && typeof error.status === 'number') return error.status;
  const { response } = error as { response?: { status?: unknown } };
  return typeof response?.status === 'number' ? response.status : undefined;
}

function urlOf(error: Error): URL | undefined {
  const { config } = error as { config?: { url?: string | URL } };
  const text = config?.url?.toString() ?? '';
  return URL.canParse(text) ? new URL(text) : undefined;
}
