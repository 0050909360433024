// Registry hosts that a cloud's own API serves, as opposed to look-alikes. Patterns are anchored and compare the host
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

/** A host of Google Artifact Registry, as its name says. */
export interface GarHost {
  /** `europe-west1`, `us`: as resource names have it. */
  readonly location: string;
  /** The repository that all images of a `gcr.io` host are in, which is named after it; undefined where paths name it. */
  readonly repository: string | undefined;
}

// cloud.google.com/artifact-registry/docs/repositories/repo-locations: regions, and three multi-regions.
const GAR_HOST = /^(?<location>us|europe|asia|[a-z]+-[a-z]+[0-9]{1,2})-docker\.pkg\.dev$/;
// cloud.google.com/artifact-registry/docs/transition/setup-gcr-repo: where the repositories of these hosts are.
const GCR_LOCATIONS: ReadonlyMap<string, string> = new Map([
  ['gcr.io', 'us'],
  ['us.gcr.io', 'us'],
  ['eu.gcr.io', 'europe'],
  ['asia.gcr.io', 'asia'],
]);

/** The part of Artifact Registry that a host is; undefined for every other host, one with a port included. */
export function parseGarHost(host: string): GarHost | undefined {
  const legacy = GCR_LOCATIONS.get(host);
  if (legacy !== undefined) return { location: legacy, repository: host };
  const location = GAR_HOST.exec(host)?.groups?.['location'];
  return location === undefined ? undefined : { location, repository: undefined };
}
