// A plan: what a promotion or a rollback will do, as data, before anything is done. What is shown is what is done.
import * as z from 'zod/mini';
import { type Digest, digestOfData, isDigest } from './digest.ts';
import { type BranchName, type ObjectId, isObjectId } from './object-id.ts';
import { type Tag, isTag } from './reference.ts';
import { advise } from './advice.ts';
import { TagflowError } from './errors.ts';
import { type Environment, lineName, recordPath, signaturePath, taggedIn } from './pipeline.ts';
import { misfitWords } from './misfit.ts';
import { isRecordText } from './release-record.ts';
import {
  type GateDecision,
  type Hold,
  type PreviousRelease,
  type ReleaseImage,
  type ReleaseRecord,
  type ReleaseSource,
  releaseTag,
} from './release.ts';

/** A change to a file of the tree. `take` carries a file of the environment's branch over, by its object id. */
export type PlannedEdit =
  | { readonly kind: 'write'; readonly path: string; readonly text: string }
  | {
      readonly kind: 'take';
      readonly path: string;
      readonly mode: '100644' | '100755' | '120000' | '160000';
      readonly id: ObjectId;
    }
  | { readonly kind: 'remove'; readonly path: string };

/** An image of the planned release, and what the environment runs now. */
export interface PlannedImage extends ReleaseImage {
  readonly before?: { readonly version: Tag; readonly digest: Digest };
}

/** A manifest field that the plan sets: for people. */
export interface PlannedField {
  readonly image: string;
  readonly path: string;
  readonly line: number;
  readonly field: string;
  readonly before?: string;
  readonly after: string;
}

/** An image that goes to a repository of the environment's own before anything else is done. */
export interface PlannedCopy {
  readonly image: string;
  /** Canonical texts of repositories. */
  readonly from: string;
  readonly to: string;
  readonly digest: Digest;
}

/** What was asked for. With the heads and the digests it determines a plan completely. */
export type ReleaseRequest = PromoteRequest | RollbackRequest;

/** `tagflow promote`. */
export interface PromoteRequest {
  readonly kind: 'promote';
  readonly environment: string;
  /** Versions asked for by image name; `*` stands for every image. Images without one come from upstream. */
  readonly versions: Readonly<Record<string, string>>;
  /** `tagflow init --import`: the first record of a line, with what its manifests pin. */
  readonly imports?: true;
  /** The environment to take from instead of the configured one. */
  readonly from?: string;
  /** Keep what was committed by hand and upstream lacks, merged three ways. */
  readonly mergeDivergence?: true;
  readonly reason?: string;
  /** Names of gates to override. */
  readonly overrides?: readonly string[];
}

/** `tagflow rollback`. */
export interface RollbackRequest {
  readonly kind: 'rollback';
  readonly environment: string;
  /** A sequence (`#7`) or a version; the previous distinct release when absent. */
  readonly to?: string;
  readonly imagesOnly?: boolean;
  readonly reason?: string;
  /** Names of gates to override. */
  readonly overrides?: readonly string[];
}

/** A complete plan. Serialisable: `JSON.parse(JSON.stringify(plan))` is an equal plan. */
export interface Plan {
  readonly schemaVersion: 1;
  readonly request: ReleaseRequest;
  readonly environment: string;
  /** The application; absent where the repository has one, unnamed. */
  readonly application?: string;
  readonly branch: BranchName;
  readonly tag: Tag;
  /** Tags that are put when the branch has the release, as `image:tag`; none where the configuration wants none. */
  readonly tags: readonly string[];
  /** Sequence the new record gets. */
  readonly sequence: number;
  /** The release that the new one follows on; absent for the first. */
  readonly previous?: Required<PreviousRelease>;
  readonly images: readonly PlannedImage[];
  /**
   * Images that the environment runs from another repository than they come from. What is there already is not sent; a
   * version's tag goes with its image, and never moves there. Sorted by image.
   */
  readonly copies: readonly PlannedCopy[];
  /** The head of the environment's branch: the plan holds only while it is there. */
  readonly base: ObjectId;
  readonly source: ReleaseSource;
  /** The commit whose tree is taken; `edits` are applied to it. */
  readonly tree: ObjectId;
  /** First parent first. */
  readonly parents: readonly ObjectId[];
  /** Edits other than the record and its signature, which are written when the plan is done. Sorted by path. */
  readonly edits: readonly PlannedEdit[];
  /** The tree that `edits` make, without the record and its signature. */
  readonly scope: ObjectId;
  readonly fields: readonly PlannedField[];
  /** Files that change in the environment's branch beside the pins and the record. */
  readonly configurationChanges: readonly string[];
  readonly restored?: NonNullable<ReleaseRecord['restored']>;
  /** Commits made by hand whose changes are kept; absent where none is. */
  readonly merged?: NonNullable<ReleaseRecord['merged']>;
  /** Holds as they will stand afterwards. */
  readonly held: readonly Hold[];
  readonly gates: readonly GateDecision[];
  /** Commits that changed the gates since the release before, newest first; absent where none did. */
  readonly rulesChanged?: NonNullable<ReleaseRecord['rulesChanged']>;
  readonly reason?: string;
  readonly recordPath: string;
  readonly signaturePath: string;
  readonly config: ReleaseRecord['config'];
  /** The time that fields under `also:` say, in ISO 8601; absent where none does. */
  readonly time?: string;
}

/** What a plan is assembled from: gathered and decided beforehand. */
export interface PlanParts extends Omit<
  Plan,
  | 'schemaVersion'
  | 'environment'
  | 'application'
  | 'branch'
  | 'tag'
  | 'tags'
  | 'sequence'
  | 'previous'
  | 'recordPath'
  | 'signaturePath'
  | 'images'
  | 'copies'
  | 'reason'
> {
  readonly target: Environment;
  /** The release that the environment has. */
  readonly current: ReleaseRecord | undefined;
  /** The commit that made it. */
  readonly currentCommit: ObjectId | undefined;
  readonly images: readonly ReleaseImage[];
  /** Default: none. */
  readonly copies?: readonly PlannedCopy[];
}

/** The plan that follows from its parts. Equal parts give an equal plan, whatever order they came in. */
export function assemblePlan({ target, current, currentCommit, ...parts }: PlanParts): Plan {
  const sequence = (current?.sequence ?? 0) + 1;
  const images = [...parts.images].sort((a, b) => compare(a.name, b.name));
  return {
    schemaVersion: 1,
    ...parts,
    environment: target.environment,
    ...(target.application !== undefined && { application: target.application }),
    branch: target.branch,
    tag: target.tag,
    tags: taggedIn(target, images).flatMap(({ name }) =>
      [releaseTag(target.releaseTag, sequence), target.tag].map((tag) => `${name}:${tag}`),
    ),
    sequence,
    ...(current && currentCommit && { previous: { sequence: current.sequence, commit: currentCommit } }),
    recordPath: recordPath(target),
    signaturePath: signaturePath(target),
    images: images.map((image) => {
      const running = current?.images.find(({ name }) => name === image.name);
      return running ? { ...image, before: { version: running.version, digest: running.digest } } : image;
    }),
    copies: [...(parts.copies ?? [])].sort((a, b) => compare(a.image, b.image)),
    edits: [...parts.edits].sort(byPath),
    fields: [...parts.fields].sort((a, b) => byPath(a, b) || a.line - b.line || compare(a.field, b.field)),
    held: [...parts.held].sort((a, b) => a.release - b.release),
    configurationChanges: [...parts.configurationChanges].sort(),
    ...(parts.request.reason !== undefined && { reason: parts.request.reason }),
  };
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return compare(a.path, b.path);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Who does a plan, and when: what a plan itself cannot know. */
export interface Execution {
  readonly actor: string;
  readonly onBehalfOf?: string;
  readonly job?: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** The head of the journal that the gates looked at. */
  readonly journal?: ObjectId;
}

/**
 * The digest of a plan: of its JSON with keys sorted. Of the gates only names count, and which are overridden: their evidence and
 * its moments differ each time that they are asked, and a plan that waits for consent is the same plan once it has it. Who changed
 * the gates before is evidence as well.
 */
export function planDigest({ gates, ...plan }: Plan): Digest {
  const asked = gates.map(({ gate, decision }) => ({ gate, decision: decision === 'overridden' ? decision : 'pass' }));
  return digestOfData({ ...plan, gates: asked, rulesChanged: undefined });
}

/** The line that a plan is for, as its request names it: `prd`, `prd/shop`. */
export function plannedLine({ environment, application }: Pick<Plan, 'environment' | 'application'>): string {
  return lineName(environment, application);
}

/** The record that doing a plan writes. */
export function recordOf(plan: Plan, execution: Execution): ReleaseRecord {
  return {
    schema: 2,
    environment: plan.environment,
    ...(plan.application !== undefined && { application: plan.application }),
    sequence: plan.sequence,
    action: actionOf(plan),
    images: plan.images.map(({ name, repository, version, digest }) => ({ name, repository, version, digest })),
    source: plan.source,
    ...(plan.previous ? { previous: plan.previous } : { base: plan.base }),
    scope: plan.scope,
    ...(plan.restored && { restored: plan.restored }),
    ...(plan.merged && { merged: plan.merged }),
    actor: execution.actor,
    ...(execution.onBehalfOf !== undefined && { onBehalfOf: execution.onBehalfOf }),
    ...(execution.job !== undefined && { job: execution.job }),
    time: execution.time,
    ...(plan.reason !== undefined && { reason: plan.reason }),
    held: plan.held,
    gates: plan.gates,
    ...overridesOf(plan),
    ...(plan.rulesChanged && { rulesChanged: plan.rulesChanged }),
    ...(execution.journal !== undefined && { journal: execution.journal }),
    plan: planDigest(plan),
    config: plan.config,
  };
}

/** What a plan's release is. */
function actionOf({ request }: Plan): ReleaseRecord['action'] {
  return request.kind === 'promote' && request.imports === true ? 'import' : request.kind;
}

/** The names of the gates that were overridden; nothing where none was. */
function overridesOf({ gates }: Plan): Pick<ReleaseRecord, 'overrides'> {
  const overrides = gates.filter(({ decision }) => decision === 'overridden').map(({ gate }) => gate);
  return overrides.length === 0 ? {} : { overrides };
}

/** A plan in one line, for people: `prd: promote django V4.2`. */
export function subjectOf(plan: Plan): string {
  const what = plan.images.filter(({ digest, before }) => digest !== before?.digest);
  const names = (what.length > 0 ? what : plan.images).map(({ name, version }) => `${name} ${version}`);
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  const verb = plan.request.kind === 'rollback' ? `roll back to release ${plan.restored?.sequence}:` : actionOf(plan);
  return `${lineName(plan.environment, plan.application)}: ${verb} ${shown}`;
}

/** The commit message of a plan: a subject, the changes, and trailers that repeat the record for people. */
export function messageOf(plan: Plan, execution: Execution): string {
  const body = plan.images.map(changeOf);
  const trailers = [
    `Tagflow-Environment: ${plan.environment}`,
    ...(plan.application === undefined ? [] : [`Tagflow-Application: ${plan.application}`]),
    `Tagflow-Release: ${plan.sequence}`,
    `Promoted-From: ${plan.source.environment ?? plan.source.branch}@${plan.source.commit}`,
    `Promoted-By: ${execution.actor}`,
    ...(execution.job === undefined ? [] : [`CI-Job: ${execution.job}`]),
  ];
  return [
    subjectOf(plan),
    '',
    ...(plan.reason === undefined ? [] : [plan.reason, '']),
    ...body,
    '',
    ...trailers,
    '',
  ].join('\n');
}

function changeOf({ name, version, digest, before }: PlannedImage): string {
  return `${name}: ${before && before.digest !== digest ? `${before.version} -> ` : ''}${version} ${digest}`;
}

/** The message of a commit that holds releases of one or several lines of one environment. */
export function messageOfAll(plans: readonly [Plan, ...Plan[]], execution: Execution): string {
  const [first, ...others] = plans;
  if (others.length === 0) return messageOf(first, execution);
  const { environment, request, reason } = first;
  if (actionOf(first) === 'import') return messageOfImport(plans, execution);
  const verb = request.kind === 'rollback' ? 'roll back' : 'promote';
  const names = plans.map(({ application }) => application ?? environment);
  const shown = names.length > 3 ? `${names.length} applications` : names.join(', ');
  return [
    `${environment}: ${verb} ${shown}`,
    '',
    ...(reason === undefined ? [] : [reason, '']),
    ...plans.flatMap(({ application, images }) =>
      images.map((image) => `${application ?? environment}/${changeOf(image)}`),
    ),
    '',
    `Tagflow-Environment: ${environment}`,
    ...plans.map(({ application, sequence }) => `Tagflow-Release: ${lineName(environment, application)}#${sequence}`),
    `Promoted-By: ${execution.actor}`,
    ...(execution.job === undefined ? [] : [`CI-Job: ${execution.job}`]),
    '',
  ].join('\n');
}

/** The message of a commit with the first records of lines, of whichever environments. */
function messageOfImport(plans: readonly Plan[], execution: Execution): string {
  const [{ reason } = { reason: undefined }] = plans;
  return [
    `import what ${plans.length} release lines run`,
    '',
    ...(reason === undefined ? [] : [reason, '']),
    ...plans.flatMap(({ environment, application, images }) =>
      images.map((image) => `${lineName(environment, application)}/${changeOf(image)}`),
    ),
    '',
    ...plans.map(
      ({ environment, application, sequence }) => `Tagflow-Release: ${lineName(environment, application)}#${sequence}`,
    ),
    `Promoted-By: ${execution.actor}`,
    ...(execution.job === undefined ? [] : [`CI-Job: ${execution.job}`]),
    '',
  ].join('\n');
}

/**
 * The plan that a `--plan` file holds. Only its request, base and digests are used: the plan is made again from them and
 * must come out equal, so a file that was edited by hand is found out. Throws `plan-invalid`.
 */
export function parsePlan(text: string, file: string): Plan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidPlan(file, 'it is not JSON', cause);
  }
  const result = z.safeParse(planned, value);
  if (!result.success) {
    throw invalidPlan(file, misfitWords(result.error));
  }
  return value as Plan;
}

const text = z.string().check(z.minLength(1));
const reason = z.string().check(z.refine(isRecordText, 'is not a single line of plain text'));
const flag = z.optional(z.boolean());
const overrides = z.optional(z.array(text));
const planned = z.looseObject({
  schemaVersion: z.literal(1),
  environment: text,
  base: z.custom<ObjectId>((value) => typeof value === 'string' && isObjectId(value), 'is not an object id'),
  source: z.looseObject({ commit: z.custom<ObjectId>((value) => typeof value === 'string' && isObjectId(value)) }),
  images: z.array(
    z.looseObject({
      name: text,
      version: z.custom<Tag>((value) => typeof value === 'string' && isTag(value), 'is not a tag'),
      digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'is not a digest'),
    }),
  ),
  request: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('promote'),
      environment: text,
      versions: z.record(text, text),
      from: z.optional(text),
      mergeDivergence: z.optional(z.literal(true)),
      reason: z.optional(reason),
      overrides,
    }),
    z.strictObject({
      kind: z.literal('rollback'),
      environment: text,
      to: z.optional(text),
      imagesOnly: flag,
      reason: z.optional(reason),
      overrides,
    }),
  ]),
});

function invalidPlan(file: string, why: string, cause?: unknown): TagflowError {
  return new TagflowError('plan-invalid', {
    what: `${file} is not a plan`,
    why,
    fix: advise`write one with: ${{ act: 'plan' }}`,
    cause,
  });
}
