// Passwords for the Docker endpoints of Amazon ECR, for the adapter that copies blobs: GetAuthorizationToken gives one that
// opens every registry of the region that the AWS identity may use. It lives 12 hours; it is renewed when four fifths of
// its life are over, and asked for once however many want it.
import type { Clock, Deadline } from '../../model/effects.ts';
import type { TagflowError } from '../../model/errors.ts';
import { type EcrHost, parseEcrHost } from '../hosts.ts';
import type { Credential } from '../credentials/credential.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import { type EcrApi, EcrRefusal } from './api.ts';
import { unusableAnswer } from './failures.ts';

/** What the source works with. */
export interface EcrCredentialOptions {
  readonly api: EcrApi;
  readonly clock: Clock;
  readonly operationTimeoutMs: number;
  /** Asked for every host that is not a private registry of Amazon ECR, and only for those. */
  readonly others: CredentialSource;
}

/** The fraction of its lifetime during which a token is used; the remainder allows for clock skew and running copies. */
const USABLE = 0.8;
const ACTION = 'ecr:GetAuthorizationToken';

interface Token {
  readonly credential: Credential;
  readonly renewAt: Deadline;
}

/** A source that asks AWS for the hosts of Amazon ECR, and another source for all others. `find` throws what `EcrApi.call` throws. */
export function createEcrCredentials(options: EcrCredentialOptions): CredentialSource {
  const { clock, others } = options;
  const tokens = new Map<string, Promise<Token>>();
  const tokenOf = async (host: EcrHost): Promise<Token> => {
    const key = `${host.region} ${host.fips} ${host.dualStack}`;
    const known = tokens.get(key);
    if (known) {
      const token = await known;
      if (clock.elapsed() < token.renewAt) return token;
      // Anybody who comes first renews it; the others find the new one under way.
      if (tokens.get(key) !== known) return tokenOf(host);
    }
    const asked = askForToken(host, options);
    tokens.set(key, asked);
    // A failure is not remembered: the next caller may succeed.
    asked.catch(() => tokens.delete(key));
    return asked;
  };
  return {
    async find(host, path) {
      const ecr = parseEcrHost(host);
      return ecr ? (await tokenOf(ecr)).credential : others.find(host, path);
    },
  };
}

async function askForToken(host: EcrHost, { api, clock, operationTimeoutMs }: EcrCredentialOptions): Promise<Token> {
  const answer = await api.call(
    { host, action: ACTION, expects: [], send: async (client, call) => client.getAuthorizationToken({}, call) },
    { at: clock.elapsed() + operationTimeoutMs },
  );
  const data = answer instanceof EcrRefusal ? undefined : answer.authorizationData?.[0];
  // docs.aws.amazon.com/AmazonECR/latest/APIReference/API_AuthorizationData.html: base64 of `AWS:password`.
  const text = Buffer.from(data?.authorizationToken ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1 || !/^[\x21-\x7e]+$/.test(text)) throw withoutToken(host);
  const credential = { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) } as const;
  const lifetime = (data?.expiresAt?.getTime() ?? clock.now()) - clock.now();
  return { credential, renewAt: clock.elapsed() + lifetime * USABLE };
}

function withoutToken(host: EcrHost): TagflowError {
  return unusableAnswer({ host, action: ACTION }, 'it has no authorization token of the form user:password');
}
