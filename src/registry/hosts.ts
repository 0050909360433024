// Registry hosts that a cloud's own API serves, told from their look-alikes. Patterns are anchored and compare the host
// whole, in lower case, as `RemoteRepository.host` has it: whatever else a host looks like, it is an ordinary registry, and
// no cloud credentials are asked for on its behalf.

/** A private registry of Amazon ECR, as its host name says. */
export interface EcrHost {
  /** The AWS account, 12 digits: `registryId` of the API. */
  readonly registryId: string;
  /** `eu-west-1`. */
  readonly region: string;
  /** Whether it is the endpoint with FIPS 140-3 cryptography. */
  readonly fips: boolean;
  /** Whether it is the endpoint for IPv4 and IPv6. */
  readonly dualStack: boolean;
}

const ACCOUNT = '(?<registryId>[0-9]{12})';
const REGION = '(?<region>[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2})';
const CHINA = '(?<region>cn(?:-[a-z]+)+-[0-9]{1,2})';

// docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html and …/general/latest/gr/ecr.html. An account's registry
// in China is under amazonaws.com.cn, and none elsewhere is.
const ECR_HOSTS: readonly RegExp[] = [
  new RegExp(`^${ACCOUNT}\\.dkr\\.ecr(?<fips>-fips)?\\.(?!cn-)${REGION}\\.amazonaws\\.com$`),
  new RegExp(`^${ACCOUNT}\\.dkr\\.ecr(?<fips>-fips)?\\.${CHINA}\\.amazonaws\\.com\\.cn$`),
  new RegExp(`^${ACCOUNT}\\.dkr-ecr(?<fips>-fips)?\\.(?!cn-)${REGION}\\.on\\.aws$`),
];

/** The private registry of Amazon ECR that a host is; undefined for every other host, one with a port included. */
export function parseEcrHost(host: string): EcrHost | undefined {
  for (const pattern of ECR_HOSTS) {
    const groups = pattern.exec(host)?.groups;
    const { registryId, region, fips } = groups ?? {};
    if (registryId === undefined || region === undefined) continue;
    return { registryId, region, fips: fips !== undefined, dualStack: host.endsWith('.on.aws') };
  }
  return undefined;
}
