// Several applications of an environment: released by one commit, asked for in a pull request each, planned, or left as they are.
import type { Planned, Proposed, Refused, Released, Several, StandingLine } from '../engine/release/outcome.ts';
import { shortId } from '../model/object-id.ts';
import type { Plan } from '../model/plan.ts';
import { counted } from '../model/text.ts';
import { configurationParts, fileShape, renderedParts, renderingShape } from './configuration.ts';
import { closedShape, fieldShape, recordShape, requestShape, tagShape } from './shapes.ts';
import { sourceParts, sourcesShape } from './sources.ts';
import { type TextLine, type View, linesOf, styled, tableOf } from './view.ts';

/** The outcome of several applications. */
export function severalView({ environment, releases, unchanged, skipped }: Several): View {
  const proposed = releases.filter((one) => one.kind === 'proposed');
  const planned = releases.filter((one) => one.kind === 'planned');
  return {
    data: {
      outcome: releases[0]?.kind ?? 'unchanged',
      environment,
      commit: releases.find((one) => one.kind === 'released')?.commit,
      releases: releases.map(releaseShape),
      unchanged: unchanged.map(({ line }) => line),
      repaired: unchanged.filter(isRepaired).map(({ line, tags }) => ({ line, tags: tags.map(tagShape) })),
      skipped: skipped.map(skippedShape),
    },
    parts: [
      ...(releases.length > 0
        ? [
            tableOf(
              ['APPLICATION', 'RELEASE', 'IMAGES'],
              releases.map(({ plan }) => rowOf(plan)),
            ),
          ]
        : []),
      linesOf(
        [styled('green', '✓'), ` ${headline(environment, releases)}`],
        ...proposed.flatMap(requestLines),
        ...(unchanged.length > 0 ? [`unchanged: ${counted(unchanged.length, 'application')}`] : []),
        ...unchanged.filter(isRepaired).flatMap(repairedLines),
        ...skipped.map((one) => `left out: ${one.refusals.map(({ text }) => text.what).join('; ')}`),
      ),
      ...planned.flatMap(({ sources }) => sourceParts(sources)),
      ...configurationParts(planned.flatMap(({ files = [] }) => files)),
      ...planned.flatMap(({ rendered }) => renderedParts(rendered)),
    ],
  };
}

function isRepaired({ tags }: StandingLine): boolean {
  return tags.some(({ status }) => status !== 'right');
}

function repairedLines({ line, tags }: StandingLine): readonly TextLine[] {
  const moved = tags.filter(({ status }) => status === 'moved').map(({ image, tag }) => `${image}:${tag}`);
  return moved.length > 0 ? [`repaired ${line}: ${moved.join(', ')}`] : [];
}

/** What was done, in one line. All of several applications go the same way. */
function headline(environment: string, releases: Several['releases']): string {
  const [first] = releases;
  const count = counted(releases.length, 'application');
  switch (first?.kind) {
    case undefined:
      return `${environment} has what it would get already`;
    case 'planned':
      return `plan: ${count} of ${environment}; nothing was changed`;
    case 'proposed':
      return `${counted(releases.length, first.term)} onto ${first.plan.branch}`;
    case 'released':
      return `committed ${shortId(first.commit)} to ${first.plan.branch}: ${count}`;
  }
}

function rowOf({ application, environment, sequence, images }: Plan): readonly string[] {
  const changed = images.filter(({ digest, before }) => digest !== before?.digest);
  const shown = (changed.length > 0 ? changed : images).map(({ name, version, digest, before }) =>
    before && before.digest !== digest ? `${name} ${before.version} → ${version}` : `${name} ${version}`,
  );
  return [application ?? environment, `#${sequence}`, shown.join(', ')];
}

function requestLines({ plan, isOld, pullRequest, closed, term }: Proposed): readonly TextLine[] {
  return [
    `  ${plan.application}: ${isOld ? 'open already' : 'opened'}: ${pullRequest.url}`,
    ...closed.map(({ number }) => `    closed ${term} ${number}, which it replaces`),
  ];
}

function releaseShape(one: Released | Planned | Proposed): object {
  return {
    application: one.plan.application,
    release: one.plan.sequence,
    ...(one.kind === 'released' && { record: recordShape(one.record), tags: one.tags.map(tagShape) }),
    ...(one.kind === 'proposed' && {
      commit: one.commit,
      record: recordShape(one.record),
      pullRequest: requestShape(one),
      closed: closedShape(one),
    }),
    fields: one.plan.fields.map(fieldShape),
    configurationChanges: one.plan.configurationChanges,
    ...(one.kind === 'planned' && {
      files: (one.files ?? []).map(fileShape),
      ...(one.rendered && { rendered: one.rendered.map(renderingShape) }),
      sources: sourcesShape(one.sources),
    }),
  };
}

function skippedShape({ environment, refusals }: Refused): object {
  return {
    line: environment,
    refusals: refusals.map(({ code, text }) => ({ code, what: text.what, why: text.why })),
  };
}
