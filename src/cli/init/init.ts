// The work of `tagflow init`: first the files of a checkout, then, once they are on the trunk, the environment branches.
import { CONFIG_FILE, LONGEST_CONFIG, parseConfig } from '../../config/config.ts';
import { draftConfig } from '../../config/draft-config.ts';
import { recogniseLayout } from '../../config/recognise/layout.ts';
import type { FoundLayout } from '../../config/recognise/survey.ts';
import { createBranches, missingBranches } from '../../engine/branches.ts';
import { takenReleaseTags } from '../../engine/doctor/taken-tags.ts';
import { fixText } from '../../model/advice.ts';
import { EXIT, TagflowError } from '../../model/errors.ts';
import { lineName } from '../../model/pipeline.ts';
import { branchesView, ciDraftView, draftView, importedView } from '../../views/init.ts';
import { asks, isAgreed } from '../session/ask.ts';
import { hasCheckoutFile, readCheckoutFile, writeCheckoutText } from '../process/checkout-files.ts';
import { readGitSettings } from '../settings/git-settings.ts';
import type { Session } from '../session/session.ts';
import { type CiSystem, draftForCi, recogniseCiSystem } from './ci-systems.ts';
import { scanCheckout } from './scan.ts';

/** How `init` was called. */
export interface InitOptions {
  readonly force: boolean;
  /** Write first records, of these lines where some are named. */
  readonly imports: boolean;
  readonly lines: readonly string[];
  readonly skipRefused: boolean;
  readonly dryRun: boolean;
  readonly reason: string | undefined;
  /** Undefined: as the checkout is laid out. */
  readonly layout: FoundLayout['layout'] | undefined;
  /** Undefined: as the checkout says. */
  readonly ci: CiSystem | undefined;
}

/** Drafts the files of a checkout, or makes the branches of a remote. Resolves to the exit code. */
export async function runInit(session: Session, options: InitOptions): Promise<number> {
  const { directory, repo } = session.options;
  if (options.imports) return importFirst(session, options);
  requireNoLines(options);
  const drafts = repo === undefined && (options.force || !(await hasCheckoutFile(directory, CONFIG_FILE)));
  if (drafts) return draftFiles(session, options);
  return options.ci === undefined ? makeBranches(session) : draftCiAlone(session, options.ci);
}

/** Writes what a repository lacks; overwrites nothing but tagflow.yaml, and that only with --force. */
async function draftFiles(session: Session, { layout, ci }: InitOptions): Promise<number> {
  const { directory } = session.options;
  const scan = await scanCheckout(directory, session.io.env);
  const recognised = recogniseLayout(scan);
  const found = layout === undefined ? recognised : { ...recognised, layout };
  const config = draftConfig(found, found.layout === 'branches' ? scan.trunk : undefined);
  const pipeline = parseConfig(config, CONFIG_FILE, { files: scan.paths });
  const files: [string, string][] = [[CONFIG_FILE, config]];
  if (found.environments.length === 0) {
    const folders = [...pipeline.lines.values()].flatMap(({ scope }) => scope.folders);
    for (const folder of folders) files.push([`${folder}/kustomization.yaml`, KUSTOMIZATION]);
  }
  const { originUrl } = await readGitSettings(directory, session.io.env);
  const system = ci ?? recogniseCiSystem({ originUrl, paths: scan.paths });
  const [ciPath, ciText] = await draftForCi(system, pipeline, originUrl);
  files.push([ciPath, ciText]);
  const there = await Promise.all(files.map(async ([path]) => hasCheckoutFile(directory, path)));
  const missing = files.filter(([path], index) => path === CONFIG_FILE || !there[index]);
  for (const [path, text] of missing) await writeCheckoutText(directory, path, text);
  const left = files.flatMap(([path], index) => (path !== CONFIG_FILE && there[index] ? [path] : []));
  session.print(draftView({ written: missing.map(([path]) => path), left, found, pipeline, unread: scan.unread }));
  const next = found.layout === 'branches' ? 'init' : 'init --import';
  session.say(`next: look them over, commit and push them to the trunk, then: tagflow ${next}`);
  return EXIT.ok;
}

/** Writes the file for a CI system beside a tagflow.yaml that is there; one that is there as well stays as it is. */
async function draftCiAlone(session: Session, ci: CiSystem): Promise<number> {
  const { directory, repo } = session.options;
  const content = repo === undefined ? await readCheckoutFile(directory, CONFIG_FILE, LONGEST_CONFIG) : undefined;
  if (!content) {
    throw new TagflowError('usage', {
      what: '--ci writes into a checkout that has a tagflow.yaml',
      why: 'this run does not work in one',
      fix: 'run it in a checkout of the trunk, without --repo',
    });
  }
  const pipeline = parseConfig(new TextDecoder().decode(content), CONFIG_FILE);
  const { originUrl } = await readGitSettings(directory, session.io.env);
  const [path, text] = await draftForCi(ci, pipeline, originUrl);
  const isThere = await hasCheckoutFile(directory, path);
  if (!isThere) await writeCheckoutText(directory, path, text);
  session.print(ciDraftView(path, isThere));
  return EXIT.ok;
}

/** Writes the first record of every line that has none, when the person agrees. */
async function importFirst(session: Session, { lines, skipRefused, dryRun, reason }: InitOptions): Promise<number> {
  const [{ importReleases }, { finish, incomplete }] = await Promise.all([
    import('../../engine/release/import.ts'),
    import('../release/finish.ts'),
  ]);
  const context = await session.context();
  if (!dryRun && !(await agreed(session, 'write first records of what is pinned today?', ' --import'))) return EXIT.ok;
  const request = { words: lines, skipRefused, ...(reason !== undefined && { reason }) };
  const outcome = await importReleases(context, request, { dryRun });
  if (outcome.kind === 'refused') return finish(session, outcome);
  session.print(importedView(outcome));
  const released = outcome.releases.filter((one) => one.kind === 'released');
  const failures = released.flatMap(({ plan, commit, tags }) =>
    incomplete(lineName(plan.environment, plan.application), commit, tags),
  );
  if (session.options.output !== 'json') session.fail(failures);
  return failures[0]?.exit ?? EXIT.ok;
}

/** Throws `usage` for options that mean something with --import alone. */
function requireNoLines({ lines, skipRefused, dryRun, reason }: InitOptions): void {
  if (lines.length === 0 && !skipRefused && !dryRun && reason === undefined) return;
  throw new TagflowError('usage', {
    what: 'environments, --skip-refused, --dry-run and --reason need --import',
    fix: `tagflow init --import${lines.map((word) => ` ${word}`).join('')}`,
  });
}

/** Makes the environment branches that the remote lacks, when the person agrees. */
async function makeBranches(session: Session): Promise<number> {
  const context = await session.context();
  const found = await missingBranches(context);
  const { missing, trunk, head } = found;
  let created = missing;
  if (missing.length > 0) {
    for (const { subject, what, fix } of await takenReleaseTags(context, missing)) {
      context.notify({ level: 'warning', text: `${subject}: ${what}; ${fixText(fix) ?? ''}` });
    }
    const question = `make ${missing.join(', ')} at ${trunk} (${head.slice(0, 7)})?`;
    if (await agreed(session, question)) await createBranches(context, found);
    else created = [];
  }
  session.print(branchesView(missing, created, `${trunk} (${head.slice(0, 7)})`));
  return EXIT.ok;
}

async function agreed(session: Session, question: string, how = ''): Promise<boolean> {
  if (session.options.yes) return true;
  if (asks(session)) return isAgreed(session, question);
  throw new TagflowError('usage', {
    what: `init would ask: ${question}`,
    why: 'this run is not interactive',
    fix: `tagflow init${how} --yes`,
  });
}

const KUSTOMIZATION = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# Name what this environment is made of, for instance ../base. tagflow adds the images.
resources: []
`;
