// Who makes a release: whose overrides count, and whose approval is not a second one.
import type { OverrideRequest } from '../../gates/gates.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment, Trust } from '../../model/pipeline.ts';
import type { ReleaseRequest } from '../../model/plan.ts';
import type { PlanningPorts, RecordReading, Who } from '../context.ts';
import { signingOf } from '../read/signatures.ts';

/** Who made a release that is there already. */
export interface Releaser {
  readonly who: Who;
  /** The commit that made it. */
  readonly commit: ObjectId;
  /** The verified signer; undefined where releases are not signed. */
  readonly signer: string | undefined;
}

/** What was asked for. Who will sign is found out only where somebody overrides: it takes a signature. */
export async function overridesOf(
  context: Pick<PlanningPorts, 'clock' | 'signing' | 'settings'>,
  { trust }: Environment,
  { request, madeBy }: { readonly request: ReleaseRequest; readonly madeBy?: Releaser | undefined },
): Promise<OverrideRequest> {
  const { overrides: gates = [], reason } = request;
  const { actor, onBehalfOf } = madeBy?.who ?? context.settings.who;
  const signer = madeBy ? madeBy.signer : gates.length > 0 && trust ? await currentSigner(context, trust) : undefined;
  return { gates, by: signer ?? onBehalfOf ?? actor, why: reason, signer, isSigned: trust !== undefined };
}

/** The people who cannot approve a release themselves: its signer, the person who runs it, and the person it runs for. */
export async function releasersOf(
  context: Pick<PlanningPorts, 'clock' | 'signing' | 'settings'>,
  { trust }: Environment,
  madeBy: Releaser | undefined,
): Promise<readonly string[]> {
  const { actor, onBehalfOf, author } = madeBy?.who ?? context.settings.who;
  const signer = madeBy ? madeBy.signer : trust && (await currentSigner(context, trust));
  const address = /<([^<>]+)>/.exec(author)?.[1];
  return [signer, actor, onBehalfOf, address].filter((name) => name !== undefined);
}

/** Whose signature a release would have that is made now; undefined: nobody's that counts. */
export async function currentSigner(
  context: Pick<RecordReading, 'clock' | 'signing'>,
  trust: Trust,
): Promise<string | undefined> {
  const signing = signingOf(context);
  const payload = new TextEncoder().encode('who signs releases here?\n');
  const signature = await signing.sign(trust.method, payload, 'release');
  const verdict = await signing.verify({ payload, purpose: 'release', signature, at: context.clock.now(), trust });
  return 'signer' in verdict ? verdict.signer : undefined;
}
