// The end of a promotion or a rollback: its outcome in words and data, for CI's files, and as an exit code.
import type { Outcome, Proposed, Released, TagStatus, Unchanged } from '../engine/release/outcome.ts';
import { requireComplete } from '../engine/release/apply.ts';
import { shortDigest } from '../model/digest.ts';
import { EXIT, ERRORS, isTagflowError } from '../model/errors.ts';
import { type ObjectId, shortId } from '../model/object-id.ts';
import type { Plan } from '../model/plan.ts';
import type { ReleaseRecord } from '../model/release.ts';
import { plain } from '../model/text.ts';
import { type CiFacts, writeCiFiles } from './ci-files.ts';
import { summary } from './render/summary.ts';
import { type Failure, failureOf, printFailures } from './render/failure.ts';
import type { Paint } from './render/paint.ts';
import { fieldShape, recordShape, tagShape } from './render/shapes.ts';
import { type Cell, duration, table } from './render/table.ts';
import type { Session } from './session.ts';

/** Prints an outcome and resolves to the exit code. */
export async function finish(session: Session, outcome: Outcome): Promise<number> {
  if (outcome.kind === 'refused') {
    const failures = outcome.refusals.map(({ code, text }): Failure => ({ code, exit: ERRORS[code].exit, text }));
    printFailures(session.io, session.options, failures);
    return EXIT.refused;
  }
  if (outcome.kind === 'planned') {
    session.print({ data: plannedData(outcome.plan), text: (paint) => describePlan(outcome.plan, paint) });
    return EXIT.ok;
  }
  if (outcome.kind === 'proposed') return finishProposal(session, outcome);
  const done = outcome.kind === 'released' ? outcome.commit : outcome.head;
  const environment = outcome.kind === 'released' ? outcome.plan.environment : outcome.environment;
  const failures = incomplete(environment, done, outcome.tags);
  session.print({
    data: dataOf(outcome, done, environment),
    text: (paint) =>
      outcome.kind === 'released'
        ? describeRelease(outcome, failures.length === 0, paint)
        : describeUnchanged(environment, outcome, failures.length === 0, paint),
    markdown: () => summary(environment, outcome.record, done),
  });
  const unwritten = await tellCi(session, {
    environment,
    record: outcome.record,
    commit: done,
    changed: outcome.kind === 'released',
    previous: outcome.kind === 'released' ? outcome.replaced : undefined,
  });
  // Data tells of its tags itself, on stdout; a file of CI is no part of it.
  if (session.options.output !== 'json') printFailures(session.io, session.options, failures);
  printFailures(session.io, { ...session.options, output: 'table' }, unwritten);
  if (failures.length === 0 && outcome.kind === 'released') sayNext(session, outcome);
  return [...failures, ...unwritten][0]?.exit ?? EXIT.ok;
}

/** A release that waits to be merged is no failure: the environment runs what it ran. */
async function finishProposal(session: Session, outcome: Proposed): Promise<number> {
  const { plan, record, commit, pullRequest, term, isOld, closed } = outcome;
  const { environment } = plan;
  session.print({
    data: {
      outcome: 'proposed',
      environment,
      commit,
      release: record.sequence,
      record: recordShape(record),
      pullRequest: { number: pullRequest.number, url: pullRequest.url, branch: pullRequest.branch, opened: !isOld },
      closed: closed.map(({ number, url }) => ({ number, url })),
      fields: plan.fields.map(fieldShape),
      configurationChanges: plan.configurationChanges,
    },
    text: (paint) => describeProposal(outcome, paint),
    markdown: () => `${summary(environment, record, commit)}\n\nAsked for in ${pullRequest.url}`,
  });
  const facts = { environment, record, commit, changed: false, previous: undefined, pullRequest: pullRequest.url };
  const unwritten = await tellCi(session, facts);
  printFailures(session.io, { ...session.options, output: 'table' }, unwritten);
  if (unwritten.length === 0)
    session.say(`next: merge ${term} ${pullRequest.number}, then: tagflow apply ${environment}`);
  return unwritten[0]?.exit ?? EXIT.ok;
}

function describeProposal({ plan, commit, pullRequest, term, isOld, closed }: Proposed, paint: Paint): string {
  const { number, url, branch } = pullRequest;
  return [
    ...changeLines(plan, paint),
    `${paint('green', '✓')} ${isOld ? 'open already' : 'opened'}: ${term} ${number} onto ${plan.branch}, from ${branch} at ${shortId(commit)}`,
    `  ${plain(url)}`,
    ...closed.map((older) => `  closed ${term} ${older.number}, which it replaces`),
  ].join('\n');
}

/** Writes what CI reads. A file that cannot be written is told beside what became of the release, never in its place. */
async function tellCi(session: Session, facts: CiFacts): Promise<readonly Failure[]> {
  try {
    await writeCiFiles(session, facts);
    return [];
  } catch (error) {
    if (isTagflowError(error, 'storage-failed')) return [failureOf(error)];
    throw error;
  }
}

/** The failure that unverified tags are, if there are any. */
export function incomplete(environment: string, head: ObjectId, tags: readonly TagStatus[]): readonly Failure[] {
  try {
    requireComplete(environment, head, tags);
    return [];
  } catch (error) {
    if (isTagflowError(error, 'tags-incomplete')) return [failureOf(error)];
    throw error;
  }
}

function dataOf(
  outcome: Released | Unchanged,
  commit: ObjectId,
  environment: string,
): Readonly<Record<string, unknown>> {
  const released = outcome.kind === 'released' ? outcome : undefined;
  return {
    outcome: outcome.kind,
    environment,
    commit,
    release: outcome.record.sequence,
    record: recordShape(outcome.record),
    tags: outcome.tags.map(tagShape),
    fields: released?.plan.fields.map(fieldShape) ?? [],
    configurationChanges: released?.plan.configurationChanges ?? [],
    previous: released?.replaced && recordShape(released.replaced),
  };
}

/** The plan is the file that `--plan` takes, word for word: what it leaves out is left out. */
function plannedData(plan: Plan): Readonly<Record<string, unknown>> {
  return { outcome: 'planned', environment: plan.environment, plan };
}

function describePlan(plan: Plan, paint: Paint): string {
  const verb = plan.request.kind === 'rollback' ? `roll back to release ${plan.restored?.sequence}` : 'promote';
  const gates = plan.gates.map(({ gate, decision, reason }) => `  gate ${gate}: ${decision}: ${reason}`);
  return [
    paint(
      'bold',
      `plan: ${verb}, release ${plan.sequence} of ${plan.environment}, on ${plan.branch} at ${shortId(plan.base)}`,
    ),
    ...changeLines(plan, paint),
    ...plan.copies.map(({ image, from, to }) => `  copy ${image} from ${from} to ${to}, unless it is there`),
    ...plan.configurationChanges.map((path) => `  configuration: ${plain(path)}`),
    ...gates,
    `  then tag ${plan.images.map(({ name }) => `${name}:${plan.tag}-${plan.sequence}, ${name}:${plan.tag}`).join(', ')}`,
    'nothing was changed',
  ].join('\n');
}

function describeRelease({ plan, record, commit, replaced, tags }: Released, complete: boolean, paint: Paint): string {
  const lines = changeLines(plan, paint, replaced);
  const files = plan.configurationChanges.length;
  if (files > 0) {
    const verb =
      plan.request.kind === 'rollback' ? 'restored' : `carried from ${plan.source.environment ?? plan.source.branch}`;
    lines.push(
      `      configuration ${verb}: ${files === 1 ? plain(plan.configurationChanges[0] ?? '') : `${files} files`}`,
    );
  }
  const names = [...new Set(tags.map(({ image, tag }) => `${image}:${tag}`))];
  const shown = names.length > 6 ? `${names.length} tags` : names.join(', ');
  const tagged = complete ? `   ${paint('green', '✓')} tagged ${shown}` : '   not every tag is verified:';
  lines.push(`${paint('green', '✓')} committed ${shortId(commit)} to ${plan.branch}${tagged}`);
  if (!complete) lines.push(tagTable(record, tags, paint));
  const left =
    plan.request.kind === 'rollback' ? record.held.find(({ release }) => release === replaced?.sequence) : undefined;
  if (left) {
    const what =
      left.images.length > 0
        ? left.images.map(({ name, version }) => `${name} ${version}`).join(', ')
        : `the configuration of release ${left.release}`;
    const verb = left.images.length > 1 ? 'are' : 'is';
    lines.push(
      `  ${what} ${verb} now held from ${plan.environment} (lift: tagflow promote ${plan.environment} --unhold)`,
    );
  }
  return lines.join('\n');
}

/** A line for each image, aligned, and below it the lines of the manifests that change. */
function changeLines(plan: Plan, paint: Paint, replaced?: ReleaseRecord): string[] {
  const ran =
    replaced && plan.request.kind === 'rollback' ? ` (ran ${duration(Date.now() - Date.parse(replaced.time))})` : '';
  const rows = plan.images.map(({ name, version, digest, before }, index) => {
    const change =
      before && before.digest !== digest ? `${before.version} → ${version}${ran}` : before ? version : `→ ${version}`;
    return [index === 0 ? plan.environment : '', name, change, `sha256:${shortDigest(digest)}`];
  });
  const [, ...body] = table(['', '', '', ''], rows).split('\n');
  const files = Object.entries(Object.groupBy(plan.fields, ({ path }) => path)).map(([path, fields = []]) => {
    const lines = fields.map(({ line }) => line);
    return paint('dim', `      ${plain(path)}:${[...new Set(lines)].join(',')}`);
  });
  return [...body, ...files];
}

function describeUnchanged(environment: string, { record, tags }: Unchanged, complete: boolean, paint: Paint): string {
  const moved = tags.filter(({ status }) => status === 'moved');
  const repaired =
    moved.length === 0 ? '' : `; repaired ${moved.map(({ image, tag }) => `${image}:${tag}`).join(', ')}`;
  const what = record.images.map(({ name, version }) => `${name} ${version}`).join(', ');
  const has = `${environment} has ${what} already (release ${record.sequence})`;
  if (complete) return `${paint('green', '✓')} ${has}${repaired}`;
  return `${has}, and not every tag is verified:\n${tagTable(record, tags, paint)}`;
}

/** What became of each tag of a release; a target tag is not tried when the release's own tag could not be put. */
function tagTable(record: ReleaseRecord, tags: readonly TagStatus[], paint: Paint): string {
  const rows = tags.flatMap(({ image, tag, digest, status }) => {
    const end = `-${record.sequence}`;
    const untried = tag.endsWith(end) && tags.every((other) => other.image !== image || other.tag === tag);
    const state: Cell = status === 'failed' ? { text: status, paint, style: 'red' } : status;
    return [
      [image, tag, shortDigest(digest), state],
      ...(untried ? [[image, tag.slice(0, -end.length), shortDigest(digest), 'not tried']] : []),
    ];
  });
  return table(['IMAGE', 'TAG', 'DIGEST', 'STATE'], rows);
}

function sayNext(session: Session, { downstream, plan }: Released): void {
  if (plan.request.kind === 'promote' && downstream.length > 0) {
    session.say(`next: ${downstream.map((name) => `tagflow promote ${name}`).join(', or ')}`);
  }
}
