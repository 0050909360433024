// tagflow promote: from words to a request, and from the outcome to words.
import { parseDuration } from '../../model/duration.ts';
import { TagflowError } from '../../model/errors.ts';
import { WAIT_LIVE_MS } from '../../model/live.ts';
import { lineName } from '../../model/pipeline.ts';
import { defineCommand } from '../grammar/define.ts';
import { Invalid, flag, list, required, several, span, text, unless, value } from '../arguments/options.ts';
import { lineWords, onlyApplication, versionsFrom, versionsWithin } from '../arguments/lines.ts';
import type { Session } from '../session/session.ts';

export const promote = defineCommand({
  name: 'promote',
  summary: 'release to an environment what its upstream has, or given versions',
  description: [
    'Makes a release of an environment. By default it takes the images that the upstream environment (`from`) has now. An environment without `from` takes the configuration of the trunk and keeps the images that it runs. If you name images, only those change; `newest` stands for the newest published version. Every promotion carries the configuration from upstream.',
    'Images that the environment runs from its own repository (`repositories:`) are copied there before the commit.',
    'If the environment already has exactly this release, nothing is committed. Its tags are still checked and repaired, and the exit code is 0.',
    '`--plan` takes everything from the file. Versions and options that ask for something else are refused with it.',
    "In a repository with applications, a word without `=` is an application, or a quoted pattern of applications (`'team-*'`). `APP/IMAGE=VERSION` names an image of one application, and that application if no other is named. Several applications are released by one commit and one push, with one record each. If one of them is refused, nothing is released (exit code 3). Applications that have exactly their release already have their tags checked and repaired.",
    'With `--verify`, the release is then verified as by `tagflow verify --wait`. The exit code is 9 if the verification does not pass. A release that goes through a pull request is verified by the job that runs `apply` after the merge. If several applications are released, each is verified on its own, and a failure of one does not stop the others.',
    'With `--wait-live`, the command ends when the sources under `live` report that the release runs. The exit code is 9 if they do not report it in time; the release stands in both cases. Run `tagflow promote` again to keep waiting. A word after `--wait-live` is read as the waiting time, so write `--wait-live` last, or `--wait-live=10m`.',
    'If another release comes first, the promotion is planned again from the new head, gates included, for up to five minutes.',
  ],
  examples: [
    'tagflow promote dev django=V4.2 --reason "SHOP-7 new checkout"',
    'tagflow promote dev django=newest',
    'tagflow promote dev --version V4.2',
    'tagflow promote prd',
    'tagflow promote prd shop',
    'tagflow promote prd --all --skip-refused',
    'tagflow promote prd --verify',
    'tagflow promote prd --wait-live',
    'tagflow promote prd --dry-run',
    'tagflow promote prd --dry-run --rendered',
    'tagflow promote prd --plan-out plan.json',
    'tagflow promote prd --plan plan.json',
  ],
  arguments: {
    environment: required('env', 'the environment', { completion: 'environment' }),
    pairs: several(
      'application|image=version',
      'applications, and versions to promote; other images stay as they are',
      { completion: 'pair' },
    ),
  },
  options: {
    version: text('--version <version>', 'one version for all images', { completion: 'version' }),
    from: text('--from <env>', 'take from this environment instead of the configured one', {
      completion: 'environment',
    }),
    reason: text('--reason <text>', 'why, for the record', { variable: 'TAGFLOW_REASON' }),
    all: flag('--all', 'every application whose upstream differs, in one commit'),
    skipRefused: flag('--skip-refused', 'leave out applications that are refused, instead of promoting none'),
    dryRun: flag('--dry-run', 'print the plan, change nothing'),
    rendered: flag('--rendered', 'with --dry-run: show what kubectl and helm make of the change'),
    planOut: text('--plan-out <file>', 'save the plan, change nothing', { completion: 'file' }),
    plan: text('--plan <file>', 'do exactly this plan, or refuse', { completion: 'file' }),
    override: list(
      '--override <gate>',
      'promote although this gate refuses; needs --reason (repeat, or join by commas)',
      { completion: 'gate' },
    ),
    unhold: flag('--unhold', 'the same as --override held'),
    allowDowngrade: flag('--allow-downgrade', 'the same as --override downgrade'),
    discardDivergence: flag(
      '--discard-divergence',
      'the same as --override divergence: discard commits that are only on its branch',
    ),
    mergeDivergence: flag(
      '--merge-divergence',
      'keep commits that are only on its branch, by a three-way merge; refused on a conflict',
    ),
    waitGates: value('--wait-gates <span>', 'wait this long for gates that need time or an approval: 30m, 4h', span),
    verify: flag('--verify', 'then verify the release (tagflow verify --wait)'),
    waitLive: value(
      '--wait-live [span]',
      'then wait until the release is live, by default for 10m; exit code 9 if it is not',
      waitLiveSpan,
    ),
    retry: unless('--no-retry', 'do not try again after losing a race'),
    wait: unless('--no-wait', 'the same as --no-retry', { hidden: true }),
  },
  async run(session, input, line) {
    const { environment, pairs, plan, planOut, dryRun, rendered, retry, wait, waitGates, waitLive, verify } = input;
    if (rendered) requireDryRun(dryRun);
    const [{ overridesFrom }, { recordReason }, { lineBesidePlan }, { requireAlone, runRelease }] = await Promise.all([
      import('../arguments/overrides.ts'),
      import('../arguments/reason.ts'),
      import('../release/plan-file.ts'),
      import('../release/run-release.ts'),
    ]);
    const planned = lineBesidePlan(environment, pairs);
    if (plan !== undefined) {
      const words = pairs.some((word) => word.includes('=')) ? 'a version' : 'another application';
      requireAlone(environment, planned === undefined ? words : undefined, ASKING, line);
    }
    const asked = (): AskedOfSeveral => ({
      ...input,
      reason: recordReason(input.reason),
      overrides: overridesFrom(input),
    });
    if (plan === undefined) requireOneFate(asked());
    if (plan === undefined && isForSeveral(input)) return promoteAll(session, asked());
    const how = {
      line: planned ?? environment,
      plan,
      planOut,
      dryRun,
      rendered,
      retry: retry && wait,
      waitGates,
      waitLive,
      verify,
    };
    return runRelease(session, how, () => requestFrom(asked()));
  },
});

/** A span of time, or none given. */
function waitLiveSpan(typed: string): number {
  if (typed === '') return WAIT_LIVE_MS;
  const found = parseDuration(typed);
  if (found !== undefined) return found;
  throw new Invalid('it must be a span such as 10m; to leave it out, write --wait-live last on the line');
}

interface Asked {
  readonly environment: string;
  /** Applications, and versions by image. */
  readonly pairs: readonly string[];
  readonly version: string | undefined;
  readonly from: string | undefined;
  readonly reason: string | undefined;
  readonly overrides: readonly string[];
  readonly mergeDivergence: boolean;
}

interface AskedOfSeveral extends Asked {
  readonly all: boolean;
  readonly skipRefused: boolean;
  readonly dryRun: boolean;
  readonly rendered: boolean;
  readonly planOut: string | undefined;
  readonly verify: boolean;
  readonly waitLive: number | undefined;
}

/** Refuses to render what is done at once: a rendering is for looking before. Throws `usage`. */
function requireDryRun(dryRun: boolean): void {
  if (dryRun) return;
  throw new TagflowError('usage', {
    what: '--rendered needs --dry-run',
    why: 'it shows what a promotion would change; a promotion that was made shows what it changed',
    fix: 'add --dry-run',
  });
}

/** Whether commits made by hand are kept or discarded. Throws `usage`. */
function requireOneFate({ mergeDivergence, overrides }: Asked): void {
  if (!mergeDivergence || !overrides.includes('divergence')) return;
  throw new TagflowError('usage', {
    what: '--merge-divergence and --discard-divergence exclude each other',
    why: 'one keeps commits made by hand, the other discards them',
    fix: 'leave out one of them',
  });
}

/** Whether several applications may be meant; a plan is of one. Throws `usage`. */
function isForSeveral({
  pairs,
  all,
  skipRefused,
  planOut,
}: Pick<AskedOfSeveral, 'pairs' | 'all' | 'skipRefused' | 'planOut'>): boolean {
  const { applications } = lineWords(pairs, all);
  if (!all && onlyApplication(applications, all) === applications[0] && !skipRefused) return false;
  if (planOut === undefined) return true;
  throw new TagflowError('usage', {
    what: '--plan-out cannot be used with several applications',
    why: 'a plan file holds the release of one application',
    fix: 'name one application, or look at all of them with --dry-run',
  });
}

async function promoteAll(session: Session, asked: AskedOfSeveral): Promise<number> {
  const [{ promoteSeveral }, { finishSeveral }] = await Promise.all([
    import('../../engine/release/promote-several.ts'),
    import('../release/finish.ts'),
  ]);
  const { environment, all, skipRefused, dryRun, rendered, from, reason, overrides, version, mergeDivergence } = asked;
  const { applications, pairs } = lineWords(asked.pairs, all);
  session.facts.releases(environment);
  const request = {
    environment,
    applications,
    all,
    skipRefused,
    versions: versionsFrom(pairs, version),
    ...(from !== undefined && { from }),
    ...(reason !== undefined && { reason }),
    ...(overrides.length > 0 && { overrides }),
    ...(mergeDivergence && { mergeDivergence }),
  };
  const outcome = await promoteSeveral(await session.context(), request, { dryRun, rendered });
  const look = dryRun ? { verify: false, waitLive: undefined } : { verify: asked.verify, waitLive: asked.waitLive };
  return finishSeveral(session, outcome, look);
}

function requestFrom({ environment, pairs: words, version, from, reason, overrides, mergeDivergence }: Asked) {
  const { applications, pairs } = lineWords(words);
  const [application] = applications;
  const versions = versionsFrom(pairs, version);
  return {
    kind: 'promote',
    environment: lineName(environment, application),
    versions: application === undefined ? versions : versionsWithin(application, versions),
    ...(from !== undefined && { from }),
    ...(reason !== undefined && { reason }),
    ...(overrides.length > 0 && { overrides }),
    ...(mergeDivergence && { mergeDivergence }),
  } as const;
}

/** Options that ask for something; a plan was asked for already. */
const ASKING = {
  version: '--version',
  from: '--from',
  reason: '--reason',
  override: '--override',
  unhold: '--unhold',
  allowDowngrade: '--allow-downgrade',
  discardDivergence: '--discard-divergence',
  mergeDivergence: '--merge-divergence',
  planOut: '--plan-out',
} as const;
