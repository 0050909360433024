// Whether the tags of a release came late, where manifests name a moving tag alone: Pods that were started meanwhile run the image
// before, and nothing in their template changes once the tag moves.
import { type Environment, taggedIn } from '../../model/pipeline.ts';
import { parseRepository } from '../../model/reference.ts';
import { type ReleaseRecord, releaseTag } from '../../model/release.ts';
import type { Context, RegistryFinder } from '../context.ts';
import { wasCutShort } from './checks.ts';

/** How long after the commit tags may be put without a second deploy, in milliseconds: an ordinary run takes as long. */
const SOON = 60_000;

/** Whether a release's target tags still name the image of an earlier one, and manifests follow them by a moving tag alone. */
export async function isBehind(
  context: RegistryFinder,
  environment: Environment,
  record: ReleaseRecord,
): Promise<boolean> {
  if (!followsTag(environment, record)) return false;
  return (await wasCutShort(context, environment, record)) || isFurtherBack(context, environment, record);
}

/** Whether a release was committed so long ago that tags which are put now come late. */
export function isOld({ clock }: Pick<Context, 'clock'>, { time }: ReleaseRecord): boolean {
  return clock.now() - Date.parse(time) >= SOON;
}

/** As many releases one after the other without their tags as are looked for. */
const MOST_CUT_SHORT = 20;

/** Whether a target tag still names the image of an earlier release than the last: that one was cut short as well. */
async function isFurtherBack(
  context: RegistryFinder,
  environment: Environment,
  { images, sequence }: ReleaseRecord,
): Promise<boolean> {
  const { tag, releaseTag: prefix } = environment;
  for (const { repository: name, digest } of taggedIn(environment, images)) {
    const repository = parseRepository(name);
    const registry = context.registryOf(repository);
    const found = await registry.peek(repository, tag);
    if (found === undefined || found === digest) continue;
    for (let back = sequence - 2; back > 0 && back >= sequence - MOST_CUT_SHORT; back -= 1)
      if ((await registry.peek(repository, releaseTag(prefix, back))) === found) return true;
  }
  return false;
}

/** What the reason of a release that deploys again begins with. */
export const AGAIN = 'deploy again: ';

/** Whether a release was made to deploy the one before again. */
export function isRedeploy({ reason }: ReleaseRecord): boolean {
  return reason?.startsWith(AGAIN) === true;
}

/** Whether a field of the environment names an image of the release by the target tag alone. */
function followsTag({ pin, pins, images }: Environment, record: ReleaseRecord): boolean {
  return record.images.some(({ name }) => {
    const own = pins.filter(({ image }) => image === name).map((field) => field.pin);
    return [images.get(name)?.pin ?? pin, ...own].includes('target');
  });
}

/**
 * The release whose tags a run has just put, where it took so long from its commit to them that Pods may have been started
 * meanwhile.
 */
export function cameLate(
  environment: Environment,
  record: ReleaseRecord,
  milliseconds: number,
): ReleaseRecord | undefined {
  return milliseconds >= SOON && followsTag(environment, record) && !isRedeploy(record) ? record : undefined;
}
