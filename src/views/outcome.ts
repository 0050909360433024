// How a promotion or a rollback ended, as a view.
import type { Planned, Proposed, Released, TagStatus, Unchanged } from '../engine/release/outcome.ts';
import { shortDigest } from '../model/digest.ts';
import type { Instant } from '../model/effects.ts';
import { shortId } from '../model/object-id.ts';
import { lineName } from '../model/pipeline.ts';
import type { Plan } from '../model/plan.ts';
import type { ReleaseRecord } from '../model/release.ts';
import { configurationParts, fileShape, renderedParts, renderingShape } from './configuration.ts';
import { closedShape, fieldShape, recordShape, requestShape, tagShape } from './shapes.ts';
import { sourceParts, sourcesShape } from './sources.ts';
import { formatTable } from './table.ts';
import { type TextLine, type Part, type Table, type View, linesOf, styled, tableOf } from './view.ts';
import { changerOf, duration, versionsOf } from './words.ts';
import { advise } from '../model/advice.ts';

/** A plan that was made and not done. The data holds the file that `--plan` takes, word for word. */
export function plannedView({ plan, files = [], rendered, sources }: Planned): View {
  const verb = plan.request.kind === 'rollback' ? `roll back to release ${plan.restored?.sequence}` : 'promote';
  const title = `plan: ${verb}, release ${plan.sequence} of ${lineName(plan.environment, plan.application)}, on ${plan.branch} at ${shortId(plan.base)}`;
  return {
    data: {
      outcome: 'planned',
      environment: plan.environment,
      plan,
      files: files.map(fileShape),
      ...(rendered && { rendered: rendered.map(renderingShape) }),
      sources: sourcesShape(sources),
    },
    parts: [
      linesOf(styled('bold', title)),
      linesOf(
        ...changeLines(plan),
        ...plan.copies.map(({ image, from, to }) => `  copy ${image} from ${from} to ${to}, unless it is there`),
        ...plan.configurationChanges.map((path) => `  configuration: ${path}`),
        ...(plan.rulesChanged ?? []).map((one) => `  gates changed ${changerOf(one)}`),
        ...plan.gates.map(({ gate, decision, reason }) => `  gate ${gate}: ${decision}: ${reason}`),
        ...(plan.tags.length > 0 ? [`  then tag ${plan.tags.join(', ')}`] : []),
        'nothing was changed',
      ),
      ...sourceParts(sources),
      ...(files.length === 0 ? [] : [linesOf('')]),
      ...configurationParts(files),
      ...renderedParts(rendered),
    ],
    records: recordsOf(plan, ''),
  };
}

/** A release that was asked for in a pull request. */
export function proposedView(outcome: Proposed): View {
  const { plan, record, commit, pullRequest, term, isOld, closed } = outcome;
  const { number, url, branch } = pullRequest;
  const verb = isOld ? 'open already' : 'opened';
  return {
    data: {
      outcome: 'proposed',
      environment: plan.environment,
      commit,
      release: record.sequence,
      record: recordShape(record),
      pullRequest: requestShape(outcome),
      closed: closedShape(outcome),
      fields: plan.fields.map(fieldShape),
      configurationChanges: plan.configurationChanges,
    },
    parts: [
      linesOf(
        ...changeLines(plan),
        [styled('green', '✓'), ` ${verb}: ${term} ${number} onto ${plan.branch}, from ${branch} at ${shortId(commit)}`],
        `  ${url}`,
        ...closed.map((older) => `  closed ${term} ${older.number}, which it replaces`),
      ),
    ],
    records: recordsOf(plan, commit),
  };
}

/** A release that was committed. */
export function releasedView(outcome: Released, now: Instant): View {
  const { plan, record, commit, replaced, tags } = outcome;
  return {
    data: {
      outcome: 'released',
      environment: plan.environment,
      commit,
      release: record.sequence,
      record: recordShape(record),
      tags: tags.map(tagShape),
      fields: plan.fields.map(fieldShape),
      configurationChanges: plan.configurationChanges,
      previous: replaced && recordShape(replaced),
    },
    parts: [
      linesOf(...changeLines(plan, replaced, now), ...configurationLine(plan), committedLine(outcome)),
      ...(isComplete(tags) ? [] : [tagTable(record, tags)]),
      linesOf(...holdLine(outcome)),
    ],
    records: recordsOf(plan, commit),
  };
}

/** An environment that has exactly this release already. */
export function unchangedView({ environment, head, record, tags }: Unchanged): View {
  const moved = tags.filter(({ status }) => status === 'moved');
  const repaired =
    moved.length === 0 ? '' : `; repaired ${moved.map(({ image, tag }) => `${image}:${tag}`).join(', ')}`;
  const has = `${environment} has ${versionsOf(record.images)} already (release ${record.sequence})`;
  const parts: readonly Part[] = isComplete(tags)
    ? [linesOf([styled('green', '✓'), ` ${has}${repaired}`])]
    : [linesOf(`${has}, and not every tag is verified:`), tagTable(record, tags)];
  return {
    data: {
      outcome: 'unchanged',
      environment,
      commit: head,
      release: record.sequence,
      record: recordShape(record),
      tags: tags.map(tagShape),
      fields: [],
      configurationChanges: [],
      previous: undefined,
    },
    parts,
  };
}

/** The images of a plan with what they replace, for `-o csv`. */
function recordsOf({ environment, sequence, images }: Plan, commit: string): Table {
  return tableOf(
    ['environment', 'release', 'image', 'from', 'to', 'digest', 'commit'],
    images.map(({ name, version, digest, before }) => [
      environment,
      String(sequence),
      name,
      before?.version ?? '',
      version,
      digest,
      commit,
    ]),
  );
}

function isComplete(tags: readonly TagStatus[]): boolean {
  return tags.every(({ status }) => status !== 'failed');
}

function committedLine({ plan, commit, tags }: Released): TextLine {
  const names = [...new Set(tags.map(({ image, tag }) => `${image}:${tag}`))];
  const shown = names.length > 6 ? `${names.length} tags` : names.join(', ');
  const committed = ` committed ${shortId(commit)} to ${plan.branch}   `;
  return isComplete(tags)
    ? [styled('green', '✓'), committed, styled('green', '✓'), ` tagged ${shown}`]
    : [styled('green', '✓'), `${committed}not every tag is verified:`];
}

function configurationLine(plan: Plan): readonly string[] {
  const [first, ...more] = plan.configurationChanges;
  if (first === undefined) return [];
  const verb =
    plan.request.kind === 'rollback' ? 'restored' : `carried from ${plan.source.environment ?? plan.source.branch}`;
  return [`      configuration ${verb}: ${more.length === 0 ? first : `${more.length + 1} files`}`];
}

function holdLine({ plan, record, replaced }: Released): readonly TextLine[] {
  if (plan.request.kind !== 'rollback') return [];
  const left = record.held.find(({ release }) => release === replaced?.sequence);
  if (!left) return [];
  const what = left.images.length > 0 ? versionsOf(left.images) : `the configuration of release ${left.release}`;
  const verb = left.images.length > 1 ? 'are' : 'is';
  const line = lineName(plan.environment, plan.application);
  return [advise`  ${what} ${verb} now held from ${line} (lift: ${{ act: 'promote', line, despite: 'held' }})`];
}

/** A line for each image, aligned, and below it the lines of the manifests that change. */
function changeLines(plan: Plan, replaced?: ReleaseRecord, now: Instant = 0): readonly TextLine[] {
  const ran = replaced && plan.request.kind === 'rollback' ? ` (ran ${duration(now - Date.parse(replaced.time))})` : '';
  const rows = plan.images.map(({ name, version, digest, before }, index) => {
    const change =
      before && before.digest !== digest ? `${before.version} → ${version}${ran}` : before ? version : `→ ${version}`;
    return [
      index === 0 ? lineName(plan.environment, plan.application) : '',
      name,
      change,
      `sha256:${shortDigest(digest)}`,
    ];
  });
  const [, ...body] = formatTable(tableOf(['', '', '', ''], rows)).split('\n');
  const files = Object.entries(Object.groupBy(plan.fields, ({ path }) => path)).map(([path, fields = []]) => {
    const lines = fields.map(({ line }) => line);
    return styled('dim', `      ${path}:${[...new Set(lines)].join(',')}`);
  });
  return [...body, ...files];
}

/** The outcome of each tag of a release; a target tag is not tried when the release's own tag could not be put. */
function tagTable(record: ReleaseRecord, tags: readonly TagStatus[]): Table {
  const rows = tags.flatMap(({ image, tag, digest, status }) => {
    const end = `-${record.sequence}`;
    const untried = tag.endsWith(end) && tags.every((other) => other.image !== image || other.tag === tag);
    return [
      [image, tag, shortDigest(digest), status === 'failed' ? styled('red', status) : status],
      ...(untried ? [[image, tag.slice(0, -end.length), shortDigest(digest), 'not tried']] : []),
    ];
  });
  return tableOf(['IMAGE', 'TAG', 'DIGEST', 'STATE'], rows);
}
