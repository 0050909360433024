// One repository under examination: what its registry says, against what environments and their retained releases need.
import { type Deletion, forecastDeletions } from '../../model/clean-up.ts';
import { type Digest, shortDigest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { Repository } from '../../model/reference.ts';
import { type ReleaseImage, type ReleaseRecord, releaseTag } from '../../model/release.ts';
import {
  type CleanUpPolicy,
  type CleanUpRule,
  type RepositoryFacts,
  type StoredImage,
  isFixed,
} from '../../model/repository-facts.ts';
import { counted } from '../../model/text.ts';
import type { Context, RegistryFinder } from '../context.ts';
import { type Diagnosis, diagnosisOf } from './diagnosis.ts';
import { attempt } from '../../model/attempt.ts';

/** An image of a retained release. */
export interface Needed {
  readonly environment: Environment;
  readonly record: ReleaseRecord;
  readonly image: ReleaseImage;
  /** Whether it is the release that the environment has now. */
  readonly runs: boolean;
}

/** What a repository is needed for. */
export interface RepositoryUse {
  readonly repository: Repository;
  /** Environments that run an image from it, and whose tags are put there. */
  readonly targets: readonly Environment[];
  readonly needed: readonly Needed[];
  /** The numbers of the newest releases of those of the environments whose past could be read. */
  readonly newest: ReadonlyMap<Environment, number>;
}

/** A clock that is off by more than this makes tokens and signatures invalid here and there. */
const MOST_SKEW = 60_000;
const DAY = 86_400_000;
/** A rule that keeps that many newer images first is one that protects: it is how Amazon ECR spells "keep". */
const FAR_OFF = 1000;

/** What is to be said of a repository. */
export async function examineRepository(
  context: Pick<Context, 'clock' | 'registries'>,
  use: RepositoryUse,
): Promise<readonly Diagnosis[]> {
  const { repository, needed } = use;
  const registry = context.registries.registryOf(repository);
  const subject = repository.name;
  const sample = (needed.find(({ runs }) => runs) ?? needed[0])?.image.digest;
  if (!registry.inspect) {
    return [{ severity: 'info', check: 'registry', subject, what: 'its registry cannot be examined' }];
  }
  const { value: facts, problem } = await attempt(async () => registry.inspect?.(repository, sample));
  if (problem) return [diagnosisOf(problem, 'registry', subject)];
  if (!facts) return [];
  const access = accessFindings(use, facts);
  if (facts.pull.granted === 'no') return access;
  const hasRules = facts.cleanUp !== undefined && 'rules' in facts.cleanUp;
  const images = hasRules ? await attempt(async () => registry.listImages?.(repository)) : undefined;
  if (images?.problem) return [...access, diagnosisOf(images.problem, 'clean-up', subject)];
  return [
    ...access,
    ...tagFindings(use, facts),
    ...(await strangeReleaseTags(context.registries, use)),
    ...(await missingImages(context.registries, use, images?.value)),
    ...cleanUpFindings(use, facts, images?.value, context.clock.now()),
  ];
}

function accessFindings(use: RepositoryUse, facts: RepositoryFacts): Diagnosis[] {
  const { name: subject } = use.repository;
  const { exists, identity, pull, push } = facts;
  const as = identity === undefined ? '' : ` as ${identity}`;
  const findings = [
    ...pullFindings(use, facts, as),
    ...pushFindings(use, facts, as),
    ...clockFindings(use, facts),
    ...removalFindings(use, facts),
  ];
  if (exists !== 'yes' || findings.some(({ severity }) => severity === 'error')) return findings;
  const may = [pull.granted === 'yes' ? 'pull' : '', push.granted === 'yes' ? 'push' : '']
    .filter(Boolean)
    .join(' and ');
  const what = `reached${as}${may === '' ? '' : `: may ${may}`}`;
  return [...findings, { severity: 'ok', check: 'registry', subject, what }];
}

function pullFindings(use: RepositoryUse, { exists, pull }: RepositoryFacts, as: string): Diagnosis[] {
  const { name: subject } = use.repository;
  if (pull.granted === 'no') {
    return [
      {
        severity: 'error',
        check: 'pull',
        subject,
        what: `it cannot be read${as}`,
        why: pull.how,
        fix: 'give this identity the right to pull, or log in with another: docker login, a CI variable, a role',
      },
    ];
  }
  if (exists === 'yes') return [];
  return [
    {
      severity: 'warning',
      check: 'repository',
      subject,
      what:
        exists === 'no'
          ? 'the repository does not exist'
          : `it does not exist, or is hidden from these credentials${as}`,
      why: pull.how,
      fix: use.targets.length > 0 ? 'create it, publish to it, or log in' : 'publish a version to it, or log in',
    },
  ];
}

function pushFindings({ repository, targets }: RepositoryUse, { push }: RepositoryFacts, as: string): Diagnosis[] {
  if (targets.length === 0 || push.granted !== 'no') return [];
  return [
    {
      severity: 'error',
      check: 'push',
      subject: repository.name,
      what: `tags cannot be put${as}: ${environmentNames(targets)} cannot be promoted to`,
      why: push.how,
      fix: 'give this identity the right to push, or log in with another',
    },
  ];
}

function clockFindings({ repository }: RepositoryUse, { clockSkewMs: skew = 0 }: RepositoryFacts): Diagnosis[] {
  if (Math.abs(skew) <= MOST_SKEW) return [];
  const seconds = Math.round(Math.abs(skew) / 1000);
  return [
    {
      severity: 'warning',
      check: 'clock',
      subject: repository.name,
      what: `the registry’s clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} this machine’s`,
      why: 'tokens and signatures are valid for minutes: with clocks that differ they are refused',
      fix: 'set this machine’s clock (NTP); when it is right, tell the operator of the registry',
      details: { skewMs: skew },
    },
  ];
}

function removalFindings({ repository, targets }: RepositoryUse, { push, removeTag }: RepositoryFacts): Diagnosis[] {
  if (targets.length === 0 || push.granted === 'no' || removeTag?.granted !== 'no') return [];
  return [
    {
      severity: 'info',
      check: 'remove-tag',
      subject: repository.name,
      what: 'tags of releases that are no longer retained stay: they cannot be removed here',
      why: removeTag.how,
      fix: 'nothing depends on it; which registries remove tags, and with which right: docs/reference/registries.md',
    },
  ];
}

/** A target tag that cannot be moved. */
function tagFindings({ repository, targets }: RepositoryUse, { tagRule }: RepositoryFacts): readonly Diagnosis[] {
  if (!tagRule) return [];
  const fixed = targets.filter(({ tag }) => isFixed(tagRule, tag));
  if (fixed.length === 0) return [];
  const tags = [...new Set(fixed.map(({ tag }) => tag))];
  return [
    {
      severity: 'error',
      check: 'mutability',
      subject: repository.name,
      what: `${tags.length === 1 ? 'the target tag' : 'the target tags'} ${tags.join(', ')} can never move: a second promotion to ${environmentNames(fixed)} fails`,
      why: `tags are ${tagRule.tags} here${tagRule.except.length === 0 ? '' : `, but for ${tagRule.except.join(', ')}`}`,
      fix: `except ${tags.join(', ')} from the rule (docs/reference/registries.md); version tags and per-release tags may stay immutable`,
      details: { tags },
    },
  ];
}

/** Per-release tags of releases that there are none of: a promotion that comes to that number is refused. */
export async function strangeReleaseTags(
  { registryOf }: RegistryFinder,
  { repository, newest }: Pick<RepositoryUse, 'repository' | 'newest'>,
): Promise<readonly Diagnosis[]> {
  const tagging = [...newest].filter(([environment]) => environment.tags);
  if (tagging.length === 0) return [];
  const { value: listed, problem } = await attempt(registryOf(repository).listTags(repository));
  if (problem) return [diagnosisOf(problem, 'release-tags', repository.name)];
  return tagging.flatMap(([environment, sequence]): readonly Diagnosis[] => {
    const prefix = releaseTag(environment.releaseTag, 1).replace(/1$/, '');
    const numbers = listed
      .filter((tag) => tag.startsWith(prefix) && /^[1-9][0-9]{0,14}$/.test(tag.slice(prefix.length)))
      .map((tag) => Number(tag.slice(prefix.length)))
      .filter((number) => number > sequence)
      .sort((a, b) => a - b);
    const [first] = numbers;
    if (first === undefined) return [];
    const more = numbers.length === 1 ? '' : `, with ${counted(numbers.length - 1, 'tag')} of higher numbers,`;
    return [
      {
        severity: 'warning',
        check: 'release-tags',
        subject: repository.name,
        what: `the tag ${prefix}${first}${more} is there, and ${environment.name} has no release ${first}: promotions are refused once they come to it`,
        why: 'another pipeline or repository writes tags of this name, or the branch was recreated',
        fix: `give ${environment.name} tags of its own: environments.${environment.environment}.releaseTag, or environments.${environment.environment}.tag; leave the tags that are there to those who write them`,
        details: { first, tags: numbers.length },
      },
    ];
  });
}

/** Images of retained releases that are gone. */
async function missingImages(
  context: RegistryFinder,
  { repository, needed }: RepositoryUse,
  images: readonly StoredImage[] | undefined,
): Promise<readonly Diagnosis[]> {
  const registry = context.registryOf(repository);
  const digests = [...new Set(needed.map(({ image }) => image.digest))];
  const listed = images && new Set(images.map(({ digest }) => digest));
  const look = async (digest: Digest): Promise<readonly Digest[] | Diagnosis> => {
    if (listed) return listed.has(digest) ? [] : [digest];
    const { value, problem } = await attempt(registry.resolve(repository, digest));
    if (problem) return diagnosisOf(problem, 'images', repository.name);
    return value ? [] : [digest];
  };
  const found = await Promise.all(digests.map(look));
  const failed = found.find((each): each is Diagnosis => 'severity' in each);
  if (failed) return [failed];
  const gone = new Set(found.flatMap((each) => ('severity' in each ? [] : each)));
  return needed
    .filter(({ image }) => gone.has(image.digest))
    .map(({ environment, record, image, runs }) => ({
      severity: runs ? 'error' : 'warning',
      check: 'images',
      subject: repository.name,
      what: `${image.name} ${image.version} of ${environment.name} release ${record.sequence} is gone${runs ? ', and it runs' : ': it cannot be rolled back to'}`,
      why: `image ${shortDigest(image.digest)} is missing: somebody or a clean-up policy deleted it`,
      fix: 'push the image with the same digest again, while a copy of it exists',
      details: { environment: environment.name, release: record.sequence, digest: image.digest },
    }));
}

// ---- clean-up

/** A deletion that hits an image of a retained release. */
interface Loss extends Needed {
  readonly deletion: Deletion;
}

function cleanUpFindings(
  use: RepositoryUse,
  { cleanUp }: RepositoryFacts,
  images: readonly StoredImage[] | undefined,
  now: Instant,
): readonly Diagnosis[] {
  if (!cleanUp) return [];
  const { name: subject } = use.repository;
  if ('unreadable' in cleanUp) {
    return [
      {
        severity: 'warning',
        check: 'clean-up',
        subject,
        what: 'cannot tell whether clean-up rules would delete images that releases need',
        why: cleanUp.unreadable,
        fix: 'let this identity read them, or check them yourself',
      },
    ];
  }
  if (!images) {
    const what = 'it has clean-up rules, but does not tell when images were pushed, so deletions cannot be predicted';
    return [{ severity: 'warning', check: 'clean-up', subject, what, fix: `check them yourself: ${cleanUp.where}` }];
  }
  const groups = Map.groupBy(
    lossesOf(use, cleanUp, { images, now }),
    ({ environment, deletion }) => `${environment.name} ${deletion.rule.name}`,
  );
  if (groups.size === 0) {
    const what = `its ${cleanUp.rules.length} clean-up rules leave the images of retained releases alone`;
    return [{ severity: 'ok', check: 'clean-up', subject, what }];
  }
  return [...groups.values()].map((group) => lossFinding(subject, cleanUp, group, { images, now }));
}

/** What is stored at a moment. */
interface Stock {
  readonly images: readonly StoredImage[];
  readonly now: Instant;
}

/** The images of retained releases that clean-up rules will delete before long. */
function lossesOf({ needed }: RepositoryUse, policy: CleanUpPolicy, { images, now }: Stock): readonly Loss[] {
  const deletions = forecastDeletions(policy, images, now);
  return needed.flatMap((one): Loss[] => {
    const deletion = deletions.get(one.image.digest);
    return deletion && deletion.afterPushes < FAR_OFF ? [{ ...one, deletion }] : [];
  });
}

function lossFinding(subject: string, policy: CleanUpPolicy, losses: readonly Loss[], stock: Stock): Diagnosis {
  const [first] = losses;
  const name = first?.environment.name ?? '';
  const rule = first?.deletion.rule;
  const verb = rule?.action === 'archive' ? 'archive' : 'delete';
  const runs = losses.some((loss) => loss.runs);
  const list = losses.map(
    (loss) =>
      `release ${loss.record.sequence}${loss.runs ? ', which runs,' : ''} (${loss.image.name} ${loss.image.version}) ${when(loss.deletion, stock.now)}`,
  );
  return {
    // A dry run deletes nothing; it is what somebody wants to switch on.
    severity: policy.dryRun ? 'info' : runs ? 'error' : 'warning',
    check: 'clean-up',
    subject,
    what: `clean-up ${rule?.name ?? ''} would ${verb} images of ${name}: ${list.join('; ')}${policy.dryRun ? ' (it is a dry run now)' : ''}`,
    why: whyDeleted(first, stock),
    fix: fixFor(policy, first),
    details: { environment: name, rule: rule?.name, deletions: losses.map(deletionOf) },
  };
}

/** Why a rule deletes an image that a release needs. */
function whyDeleted(loss: Loss | undefined, { images, now }: Stock): string {
  const rule = loss?.deletion.rule;
  if (rule?.olderThanDays !== undefined) {
    const pushedAt = images.find(({ digest }) => digest === loss?.image.digest)?.pushedAt ?? now;
    const days = Math.floor((now - pushedAt) / DAY);
    return `the image of release ${loss?.record.sequence} was pushed ${days} days ago, and tags that promotions put do not make an image newer`;
  }
  return rule?.newest !== undefined
    ? `it keeps the newest ${counted(rule.newest, 'image')}, whatever runs`
    : `it is about images${aboutOf(rule)}, whatever their age and whatever runs`;
}

/** A deletion as details of a finding. */
function deletionOf({ record, image, deletion, runs }: Loss): Readonly<Record<string, unknown>> {
  return {
    release: record.sequence,
    image: image.name,
    version: image.version,
    digest: image.digest,
    runs,
    at: new Date(deletion.at).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    afterPushes: deletion.afterPushes,
  };
}

/** Which images a rule is about, in words. */
function aboutOf(rule: CleanUpRule | undefined): string {
  const tags = rule && rule.patterns.length > 0 ? ` with tags like ${rule.patterns.join(', ')}` : '';
  return tags === '' && rule?.tagged === 'tagged' ? ' with a tag' : tags;
}

function when({ at, afterPushes }: Deletion, now: Instant): string {
  const date = at > now ? `on ${new Date(at).toISOString().slice(0, 10)}` : 'now';
  if (afterPushes === 0) return date;
  const more = `after ${afterPushes} more ${afterPushes === 1 ? 'image is' : 'images are'} pushed`;
  return at > now ? `${date}, ${more}` : more;
}

/** What keeps images with an environment's per-release tags, in the words of the registry's rules. */
function fixFor({ combine, where }: CleanUpPolicy, first: Loss | undefined): string {
  if (!first) return where;
  const { environment, deletion } = first;
  const tags = releaseTag(environment.releaseTag, 1).replace(/1$/, '');
  const tool = combine === 'first-match' ? 'put a rule before it' : 'add a policy';
  const keeps =
    combine === 'first-match'
      ? `which owns them and expires none: tagged, tagPatternList ["${tags}*"], imageCountMoreThan 9999`
      : `that keeps them: action KEEP, tagState TAGGED, tagPrefixes ["${tags}"]`;
  return `${tool} ${keeps} (${where}); or narrow ${deletion.rule.name}`;
}

function environmentNames(environments: readonly Environment[]): string {
  return [...new Set(environments.map(({ name }) => name))].join(', ');
}
