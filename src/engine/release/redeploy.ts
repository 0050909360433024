// Deploying a release again. Where manifests name a moving tag alone, a sync between the commit and the move of the tag starts
// Pods on the old image, and nothing in the Pod template changes afterwards. So a release whose tags were put late is followed
// by one with the same images, whose annotation also says its number.
import { attempt } from '../../model/attempt.ts';
import { sentenceOf } from '../../model/errors.ts';
import { type Environment, lineOf, taggedIn } from '../../model/pipeline.ts';
import { parseRepository } from '../../model/reference.ts';
import type { Request } from '../../model/plan.ts';
import { type ReleaseRecord, releaseTag } from '../../model/release.ts';
import type { Context, Given, Reading, RecordReading } from '../context.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { scopeId } from '../tree/tree.ts';
import { wasCutShort } from './checks.ts';
import { type Choose, release } from './execute.ts';
import type { Released } from './outcome.ts';
import type { Choice, UnchangedRelease } from './choice.ts';

/** How long after the commit tags may be put without a second deploy, in milliseconds: an ordinary run takes as long. */
const SOON = 60_000;

/** Whether a release's tags are not right, long after its commit, and manifests follow them by a moving tag alone. */
export async function isLate(
  context: Pick<Context, 'clock' | 'registryOf'>,
  environment: Environment,
  record: ReleaseRecord,
): Promise<boolean> {
  if (!followsTag(environment, record)) return false;
  if (context.clock.now() - Date.parse(record.time) < SOON) return false;
  return (await wasCutShort(context, environment, record)) || isFurtherBack(context, environment, record);
}

/** As many releases one after the other without their tags as are looked for. */
const MOST_CUT_SHORT = 20;

/** Whether a target tag still names the image of an earlier release than the last: that one was cut short as well. */
async function isFurtherBack(
  context: Pick<Context, 'registryOf'>,
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
const AGAIN = 'deploy again: ';

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
 * Releases the same images once more, with an annotation that differs. Undefined where the branch has another release by now,
 * where hands changed it, or where nothing in its manifests would change: then nothing is committed. What keeps it from being
 * made is reported, and is not a failure of the tags. `later`: it failed in a way that another try may not; `isLast`: no other try follows.
 */
export async function redeploy(
  context: Given,
  { name, pullRequest }: Environment,
  record: ReleaseRecord,
  isLast: boolean,
): Promise<Released | 'later' | undefined> {
  const why = `its tags come late, after release ${record.sequence} was committed`;
  if (pullRequest) return warn(context, name, 'releases go by pull requests');
  const request = requestFor(name, record, `${AGAIN}${why}`);
  const choose: Choose = async (ports, snapshot) => chooseAgain(ports, snapshot, request, record);
  const { value, problem } = await attempt(release(context, name, choose, {}));
  if (problem?.retryable === true && !isLast) return 'later';
  if (problem) return warn(context, name, sentenceOf(problem));
  if (value?.kind === 'released') return value;
  return value?.kind === 'refused'
    ? warn(context, name, value.refusals.map(({ text }) => text.what).join('; '))
    : undefined;
}

/** A rollback is released again as one, since its tree is that of the release that it restored. */
function requestFor(environment: string, { restored }: ReleaseRecord, reason: string): Request {
  return restored
    ? { kind: 'rollback', environment, to: `#${restored.sequence}`, reason }
    : { kind: 'promote', environment, versions: {}, reason };
}

/** The release that stands, once more; unchanged where the branch has moved on since, by a release or by hand. */
async function chooseAgain(
  { ledger }: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  request: Request,
  late: ReleaseRecord,
): Promise<Choice | UnchangedRelease> {
  const state = await snapshot.release(lineOf(snapshot.pipeline, request.environment));
  const { environment, head, record } = state;
  if (!record) return { kind: 'unchanged', state: { ...state, record: late }, images: late.images, copies: [] };
  const stands = record.sequence === late.sequence && record.scope === (await scopeId(ledger, environment, head, []));
  if (!stands) return { kind: 'unchanged', state: { ...state, record }, images: record.images, copies: [] };
  return {
    kind: 'chosen',
    request,
    state,
    images: record.images.map((image) => ({ image, from: parseRepository(image.repository) })),
    source: record.source,
    tree: head,
    parents: [head],
    held: record.held,
    ...(record.restored && { restored: record.restored }),
    mends: false,
    again: true,
  };
}

function warn({ notify }: Pick<Reading, 'notify'>, name: string, why: string): undefined {
  const text = `${name} is not deployed again, although its tags were put late: ${why}. Pods that started meanwhile may run the image before: restart them`;
  notify({ level: 'warning', text });
  return undefined;
}
