// Deploying a release again. Where manifests name a moving tag alone, a sync between the commit and the move of the tag starts
// Pods on the old image, and nothing in the Pod template changes afterwards. So a release whose tags were put late is followed
// by one with the same images, whose annotation also says its number.
import { attempt } from '../../model/attempt.ts';
import { sentenceOf } from '../../model/errors.ts';
import { type Environment, lineOf } from '../../model/pipeline.ts';
import { parseRepository } from '../../model/reference.ts';
import type { ReleaseRequest } from '../../model/plan.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { Reading, RecordReading, ReleasePorts } from '../context.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { scopeId } from '../tree/tree.ts';
import { type Choose, release } from './execute.ts';
import { AGAIN } from './late-tags.ts';
import type { Outcome, Released } from './outcome.ts';
import type { Choice, UnchangedRelease } from './choice.ts';

/**
 * Releases the same images once more, with an annotation that differs. Undefined where the branch has another release by now,
 * where hands changed it, or where nothing in its manifests would change: then nothing is committed. What keeps it from being
 * made is reported, and is not a failure of the tags. `later`: it failed in a way that another try may not; `isLast`: no other try follows.
 */
export async function redeploy(
  context: ReleasePorts,
  { name, pullRequest }: Pick<Environment, 'name' | 'pullRequest'>,
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
  if (value?.kind === 'refused') return warn(context, name, value.refusals.map(({ text }) => text.what).join('; '));
  if (value?.kind !== 'released' && value?.kind !== 'unchanged') return undefined;
  // the branch moved on, and what is newer came late as well
  const isNewer = value.late !== undefined && value.late.sequence > record.sequence;
  const newer = isNewer ? await redeploy(context, { name, pullRequest }, value.late, true) : undefined;
  if (newer && newer !== 'later') return newer;
  return value.kind === 'released' ? value : undefined;
}

/**
 * The outcome of a release, or the release that deployed it again where the run that made or repaired it wrote its tags late: no
 * `apply` that comes later could tell. A newer release over whose tags the run put its own is deployed again as well.
 */
export async function deployedAgain<T extends Outcome>(given: ReleasePorts, outcome: T): Promise<T | Released> {
  if ((outcome.kind !== 'released' && outcome.kind !== 'unchanged') || !outcome.late) return outcome;
  const name = outcome.kind === 'released' ? outcome.plan.environment : outcome.environment;
  const again = await redeploy(given, { name, pullRequest: false }, outcome.late, true);
  const isOwn = outcome.late.sequence === outcome.record.sequence;
  return isOwn && again && again !== 'later' ? again : outcome;
}

/** A rollback is released again as one, since its tree is that of the release that it restored. */
function requestFor(environment: string, { restored }: ReleaseRecord, reason: string): ReleaseRequest {
  return restored
    ? { kind: 'rollback', environment, to: `#${restored.sequence}`, reason }
    : { kind: 'promote', environment, versions: {}, reason };
}

/** The release that stands, once more; unchanged where the branch has moved on since, by a release or by hand. */
async function chooseAgain(
  { ledger }: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  request: ReleaseRequest,
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
