// Where a repository is in Artifact Registry: what Docker calls a path is a project, a repository and a package there, and
// every resource of the API has a name made of them. Slashes within a package are written `%2F`.
// cloud.google.com/artifact-registry/docs/docker/names, …/docs/reference/rest.
import { type Digest, isDigest } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import { isTag, type RemoteRepository, type Repository, type Tag } from '../../model/reference.ts';
import { parseGarHost } from '../hosts.ts';

/** A repository as the API names it. */
export interface GarPlace {
  /** The repository as everyone else names it. */
  readonly repository: RemoteRepository;
  /** `europe-west1`. */
  readonly location: string;
  /** `acme`; `example.com:acme` in a domain. */
  readonly project: string;
  /** The last part of `repositoryName`, for people. */
  readonly repositoryId: string;
  /** `projects/acme/locations/europe-west1/repositories/images`. */
  readonly repositoryName: string;
  /** `projects/acme/locations/europe-west1/repositories/images/packages/web%2Fdjango`. */
  readonly packageName: string;
}

/** The place of a repository. Throws `reference-invalid` when its path names no package. */
export function placeOf(repository: Repository): GarPlace {
  const host = repository.kind === 'remote' ? parseGarHost(repository.host) : undefined;
  if (repository.kind !== 'remote' || !host) {
    throw new TagflowError('internal', { what: `${repository.name} is not in Artifact Registry` });
  }
  const parts = repository.path.split('/');
  const first = parts.shift() ?? '';
  // A project that belongs to a domain is two parts of a path: example.com/acme.
  const project = first.includes('.') ? `${first}:${parts.shift() ?? ''}` : first;
  const repositoryId = host.repository ?? parts.shift() ?? '';
  if (repositoryId === '' || parts.length === 0) throw withoutPackage(repository, host.repository !== undefined);
  const { location } = host;
  const repositoryName = `projects/${project}/locations/${location}/repositories/${repositoryId}`;
  const packageName = `${repositoryName}/packages/${encodeURIComponent(parts.join('/'))}`;
  return { repository, location, project, repositoryId, repositoryName, packageName };
}

/** The resource name of a tag. */
export function tagName({ packageName }: GarPlace, tag: Tag): string {
  return `${packageName}/tags/${tag}`;
}

/** The resource name of an image: a version of its package. */
export function versionName({ packageName }: GarPlace, digest: Digest): string {
  return `${packageName}/versions/${digest}`;
}

/** The tag in a resource name; undefined when there is none. */
export function tagOf(name: string): Tag | undefined {
  const text = lastPart(name, 'tags');
  return text !== undefined && isTag(text) ? text : undefined;
}

/** The digest in the resource name of a version; undefined when there is none. */
export function digestOfVersion(name: string): Digest | undefined {
  const text = lastPart(name, 'versions');
  return text !== undefined && isDigest(text) ? text : undefined;
}

function lastPart(name: string, collection: string): string | undefined {
  const [, text] = new RegExp(`/${collection}/([^/]+)$`).exec(name) ?? [];
  // A badly encoded name is not a name of the API.
  return text === undefined || /%(?![0-9A-Fa-f]{2})/.test(text) ? undefined : decodeURIComponent(text);
}

function withoutPackage(repository: RemoteRepository, named: boolean): TagflowError {
  const form = `${repository.host}/PROJECT/${named ? '' : 'REPOSITORY/'}IMAGE`;
  return new TagflowError('reference-invalid', {
    what: `${JSON.stringify(repository.name)} does not name an image in Artifact Registry`,
    why: `the name of an image there is ${form}, and a part is missing`,
    fix: `write ${form}; a domain-scoped project has two parts, example.com/PROJECT`,
    details: { repository: repository.name },
  });
}
