// Retention: per-release tags keep the newest releases of an environment from the registry's clean-up; older ones are
// removed. Nothing depends on it: a tag that stays too long is harmless, so a failure here is a warning and no more.
//
// Concurrency: a tag is removed only of a release that has left the window, and only while it names that
// release's image; a run that is late removes what a newer one would remove as well. Repetition: removes nothing twice.
import { shortDigest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, taggedIn } from '../../model/pipeline.ts';
import { type Tag, parseRepository } from '../../model/reference.ts';
import { type ReleaseImage, type ReleaseRecord, releaseTag } from '../../model/release.ts';
import { fallenOut, retained, sequenceOf } from '../../model/retention.ts';
import type { Reading, RecordReading, Registries, RegistryContext, TagPorts } from '../context.ts';
import { readNewestLine, readWholeLine, releasesOn } from '../read/line.ts';

/**
 * After a release: takes the per-release tags from the releases that it pushed out of the window. Up to `retain` releases
 * nothing is read or asked. What an earlier run left behind is for `removeOldTags`.
 */
export async function removeFallenOut(
  context: TagPorts,
  environment: Environment,
  head: ObjectId,
  { sequence }: ReleaseRecord,
): Promise<void> {
  if (sequence <= environment.retain) return;
  await asWarning(context, environment, async () => {
    const records = await newestRecords(context, environment, head);
    await removeTags(context, environment, fallenOut(records, environment.retain));
  });
}

/** Repositories in which a run has found that no tag can be removed. */
export type Closed = Set<string>;

/**
 * For `apply`: looks through the tags in an environment's repositories for those of releases out of the window, whatever
 * left them there, and removes them. `closed` is shared by the environments of one run.
 */
export async function removeOldTags(
  context: TagPorts,
  environment: Environment,
  { head, record }: { readonly head: ObjectId; readonly record: ReleaseRecord },
  closed: Closed,
): Promise<void> {
  if (record.sequence <= environment.retain) return;
  await asWarning(context, environment, async () => {
    const here = await oldTags(context.registries, environment, record, closed);
    // Of distinct releases exactly that many may have tags: with none older there is nothing to read the past for.
    if (here.every(({ sequence }) => sequence > record.sequence - environment.retain)) return;
    const { kept } = retained(await newestRecords(context, environment, head), environment.retain);
    const gone = (await allRecords(context, environment, head)).filter(({ sequence }) => !kept.has(sequence));
    const known = new Set(record.images.map(({ repository }) => repository));
    const elsewhere = gone.flatMap(({ images }) => images.filter(({ repository }) => !known.has(repository)));
    const tags = [
      ...here,
      ...(await oldTags(context.registries, environment, { ...record, images: elsewhere }, closed)),
    ];
    const present = new Set(tags.map(({ repository, tag }) => `${repository}:${tag}`));
    await removeTags(
      context,
      environment,
      gone.map(({ sequence, images }) => ({
        sequence,
        images: images.filter(({ repository }) =>
          present.has(`${repository}:${releaseTag(environment.releaseTag, sequence)}`),
        ),
      })),
      closed,
    );
  });
}

/** A tag that reads like one of an earlier release. */
interface OldTag {
  readonly repository: string;
  readonly tag: Tag;
  readonly sequence: number;
}

async function oldTags(
  context: Pick<Registries, 'registryOf'>,
  environment: Environment,
  { sequence: newest, images }: Pick<ReleaseRecord, 'sequence' | 'images'>,
  closed: Closed,
): Promise<readonly OldTag[]> {
  const repositories = [...new Set(images.map(({ repository }) => repository))];
  const found = await Promise.all(
    repositories.map(async (name): Promise<readonly OldTag[]> => {
      const repository = parseRepository(name);
      const registry = context.registryOf(repository);
      if (!registry.removeTag || closed.has(name)) return [];
      return (await registry.listTags(repository)).flatMap((tag) => {
        const sequence = sequenceOf(environment.releaseTag, tag);
        return sequence !== undefined && sequence < newest ? [{ repository: name, tag, sequence }] : [];
      });
    }),
  );
  return found.flat();
}

/**
 * As many of the newest releases that older ones could not add to what is kept, now or before the newest came. Where releases
 * are signed only those that are: a forger could fill the window with records otherwise.
 */
async function newestRecords(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
): Promise<readonly ReleaseRecord[]> {
  const { retain } = environment;
  // One more than the window, one for the release that was before, and one for a release that came twice.
  for (let limit = retain + 3; ; limit *= 4) {
    const part = await readNewestLine(context, environment, head, limit);
    const line = part ?? (await readWholeLine(context, environment, head));
    const records = releasesOn(line).map(({ release }) => release);
    if (line.whole || (retained(records, retain).settled && retained(records.slice(1), retain).settled)) return records;
  }
}

/**
 * Every record on the line, signed or not: with these a tag is removed only where it names their image, and none of a release
 * that is kept.
 */
async function allRecords(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
): Promise<readonly ReleaseRecord[]> {
  const { trust: _, ...unsigned } = environment;
  const { steps } = await readWholeLine(context, unsigned, head);
  return releasesOn({ steps }).map(({ release }) => release);
}

/** Removes the tags of releases: those of one repository one after the other, as two tags may hold one image. */
async function removeTags(
  context: RegistryContext,
  environment: Environment,
  releases: readonly Pick<ReleaseRecord, 'sequence' | 'images'>[],
  closed: Closed = new Set(),
): Promise<void> {
  const wanted = releases.flatMap(({ sequence, images }) =>
    taggedIn(environment, images).map((image) => ({ image, tag: releaseTag(environment.releaseTag, sequence) })),
  );
  const removed: string[] = [];
  const refused: string[] = [];
  const problems: string[] = [];
  const work = [...Map.groupBy(wanted, ({ image }) => image.repository)].map(async ([name, tags]) => {
    for (const { image, tag } of tags) {
      if (closed.has(name) || context.signal.aborted) return;
      const outcome = await removeTag(context.registries, image, tag);
      if (outcome === 'closed' || outcome === 'forbidden') closed.add(name);
      if (outcome === 'forbidden') refused.push(name);
      else if (outcome === 'removed') removed.push(`${image.name}:${tag}`);
      else if (outcome !== 'none' && outcome !== 'closed') problems.push(outcome.problem);
    }
  });
  await Promise.all(work);
  if (removed.length > 0) {
    const most = removed.length > 4 ? `${removed.length} tags` : removed.join(', ');
    context.notify({ level: 'progress', text: `${environment.name}: removed ${most}, of releases no longer retained` });
  }
  if (refused.length > 0) {
    // A right that a promotion does not need, and that running again does not bring.
    const text = `${environment.name}: tags of old releases stay in ${refused.join(', ')}: this identity may not remove tags (docs/reference/registries.md)`;
    context.notify({ level: 'info', text });
  }
  const [first] = problems;
  if (first !== undefined) warn(context, environment, problems.length, first);
}

async function removeTag(
  context: Pick<Registries, 'registryOf'>,
  { repository: name, digest }: ReleaseImage,
  tag: Tag,
): Promise<'removed' | 'none' | 'closed' | 'forbidden' | { readonly problem: string }> {
  const repository = parseRepository(name);
  const registry = context.registryOf(repository);
  if (!registry.removeTag) return 'closed';
  const { value: removal, problem } = await attempt(registry.removeTag(repository, tag, digest));
  if (problem) return problem.code === 'forbidden' ? 'forbidden' : { problem: `${name}:${tag}: ${problem.message}` };
  switch (removal.outcome) {
    case 'removed':
      return 'removed';
    case 'unsupported':
      return 'closed';
    case 'moved':
      return { problem: `${name}:${tag} names ${shortDigest(removal.actual)}, not ${shortDigest(digest)}: left alone` };
    case 'absent':
    // The image stays, which is all that its tag was for.
    case 'last':
      return 'none';
  }
}

function warn(context: Pick<Reading, 'notify'>, { name }: Environment, count: number, first: string): void {
  const more = count > 1 ? ` (and ${count - 1} more)` : '';
  context.notify({
    level: 'warning',
    text: `tags of old releases of ${name} were not removed: ${first}${more}; the next apply or release tries again`,
  });
}

/** Whatever goes wrong is reported and goes no further; a stop ends it, as everything that matters was done before. */
async function asWarning(
  context: Pick<Reading, 'notify'>,
  environment: Environment,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof TagflowError)) throw error;
    if (error.code !== 'interrupted') warn(context, environment, 1, error.message);
  }
}
