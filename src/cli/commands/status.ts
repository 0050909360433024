// tagflow status: what runs where.
import { type Check, type EnvironmentStatus, type RegistryCheck, status } from '../../engine/status.ts';
import { shortDigest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { EXIT } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';
import { type Run, optional } from '../command.ts';
import type { Paint } from '../render/paint.ts';
import { checkShape, holdShape, problemShape, recordShape, timeOrNull } from '../render/shapes.ts';
import { type Cell, digestCell, duration, markdownTable, table } from '../render/table.ts';

const HEAD = ['ENV', 'IMAGE', 'VERSION', 'DIGEST', 'SINCE', 'BY', 'BRANCH', 'REGISTRY'];

export const run: Run = async (session, { args, options }) => {
  const context = await session.context();
  const states = await status(context, optional(args[0]));
  const now = context.clock.now();
  session.print({
    data: { environments: states.map(asData) },
    text: (paint) =>
      [
        table(
          HEAD,
          states.flatMap((state) => rows(state, now, paint)),
        ),
        ...remarks(states, paint),
      ].join('\n'),
    markdown: () =>
      markdownTable(
        HEAD,
        states.flatMap((state) => rows(state, now, (_, text) => text).map((row) => row.map(cellText))),
      ),
  });
  const wrong = states.some(
    ({ images, problem }) => problem || images.some((image) => isWrong(image.branch) || isWrong(image.registry)),
  );
  return wrong && options['exitCode'] === true ? EXIT.difference : EXIT.ok;
};

function rows(state: EnvironmentStatus, now: Instant, paint: Paint): readonly (readonly Cell[])[] {
  const { environment, record, images, problem, since } = state;
  if (problem) return [[environment, '–', '–', '–', '–', '–', { text: '✗ unreadable', paint, style: 'red' }, '–']];
  if (!record) return [[environment, '–', 'no release', '–', '–', '–', '–', '–']];
  return images.map(({ name, version, digest, branch, registry }, index) => [
    index === 0 ? environment : '',
    name,
    version,
    digestCell(digest),
    index === 0 && since !== undefined ? duration(now - since) : '',
    index === 0 ? record.actor : '',
    mark(branch, paint),
    mark(registry, paint),
  ]);
}

function mark(check: Check | RegistryCheck, paint: Paint): Cell {
  if (check.state === 'right') return { text: '✓', paint, style: 'green' };
  if (check.state === 'unknown') return { text: '? unknown', paint, style: 'yellow' };
  if (check.state === 'unapplied') return { text: '✗ unapplied', paint, style: 'red' };
  return { text: check.found === undefined ? '✗ absent' : '✗ drift', paint, style: 'red' };
}

/** What a person should do about it, below the table. */
function remarks(states: readonly EnvironmentStatus[], paint: Paint): readonly string[] {
  return states.flatMap((state) => {
    const { environment, branch, record, problem, images, waiting, asked, held, from } = state;
    if (problem)
      return [
        `${paint('red', environment)}: ${plain(`${problem.message}: ${problem.why ?? ''}   fix: ${problem.fix ?? ''}`)}`,
      ];
    const drift = images.flatMap((image) => {
      const { name, tag, digest } = image;
      const lines: string[] = [];
      if (image.registry.state === 'drift') {
        const found = image.registry.found;
        lines.push(
          `drift: ${name}:${tag} is ${found === undefined ? 'absent' : short(found)} in the registry, the branch says ${shortDigest(digest)}   fix: tagflow apply ${environment}`,
        );
      }
      if (image.registry.state === 'unapplied') {
        const found = image.registry.found;
        lines.push(
          `unapplied: release ${record?.sequence} of ${environment} is committed, and ${name}:${tag} is still ${found === undefined ? 'absent' : short(found)}, not ${shortDigest(digest)}   fix: tagflow apply ${environment}`,
        );
      }
      if (image.branch.state === 'drift') {
        const found = image.branch.found;
        lines.push(
          `drift: the manifests of ${branch} pin ${name} to ${found === undefined ? 'nothing' : plain(short(found))}, the record says ${shortDigest(digest)}   fix: tagflow promote ${environment}, or tagflow rollback ${environment}`,
        );
      }
      for (const check of [image.branch, image.registry]) {
        if (check.state === 'unknown') lines.push(plain(`unknown: ${name} in ${environment}: ${check.error.message}`));
      }
      return lines;
    });
    const requests = asked.map(
      ({ branch: on, record: next }) =>
        `asked for: release ${next.sequence} of ${environment} (${next.images.map(({ name, version }) => `${name} ${version}`).join(', ')}) waits on ${on} to be merged, by ${plain(next.actor)}`,
    );
    const news = waiting
      .filter((one) => !one.held)
      .map(({ image, here, upstream }) => `${image} ${here ?? 'none'} → ${upstream}`);
    return [
      ...drift,
      ...requests,
      ...(news.length > 0
        ? [`waits: ${environment} could take ${news.join(', ')} from ${from}   tagflow promote ${environment}`]
        : []),
      ...held.map(
        ({ release, images: bad, reason }) =>
          `held: ${environment} holds ${bad.length > 0 ? bad.map(({ name, version }) => `${name} ${version}`).join(', ') : `the configuration of release ${release}`}${reason === undefined ? '' : `: ${reason}`}`,
      ),
    ];
  });
}

function short(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}

function isWrong(check: Check | RegistryCheck): boolean {
  return check.state !== 'right';
}

function cellText(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function asData({
  problem,
  since,
  images,
  record,
  asked,
  held,
  ...state
}: EnvironmentStatus): Readonly<Record<string, unknown>> {
  return {
    ...state,
    record: record ? recordShape(record) : null,
    since: timeOrNull(since),
    images: images.map((image) => ({
      ...image,
      branch: checkShape(image.branch),
      registry: checkShape(image.registry),
    })),
    asked: asked.map(({ branch, record }) => ({ branch, record: recordShape(record) })),
    held: held.map(holdShape),
    problem: problemShape(problem),
  };
}
