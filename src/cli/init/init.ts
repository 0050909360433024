// The work of `tagflow init`: first the files of a checkout, then, once they are on the trunk, the environment branches.
import { CONFIG_FILE, parseConfig } from '../../config/config.ts';
import { draftConfig } from '../../config/draft-config.ts';
import { recogniseLayout } from '../../config/recognise/layout.ts';
import type { FoundLayout } from '../../config/recognise/survey.ts';
import { createBranches, missingBranches } from '../../engine/branches.ts';
import { EXIT, TagflowError } from '../../model/errors.ts';
import type { Pipeline } from '../../model/pipeline.ts';
import { branchesView, draftView } from '../../views/init.ts';
import { asks, isAgreed } from '../ask.ts';
import { hasCheckoutFile, writeCheckoutText } from '../checkout-files.ts';
import { readGitSettings } from '../git-settings.ts';
import type { Session } from '../session.ts';
import { draftCi } from './ci.ts';
import { scanCheckout } from './scan.ts';
import { WORKFLOW_FILE, draftWorkflow } from './workflow.ts';

const CI_FILE = '.gitlab-ci.yml';

/** How `init` was called. */
export interface InitOptions {
  readonly force: boolean;
  /** Undefined: as the checkout is laid out. */
  readonly layout: FoundLayout['layout'] | undefined;
}

/** Drafts the files of a checkout, or makes the branches of a remote. Resolves to the exit code. */
export async function runInit(session: Session, options: InitOptions): Promise<number> {
  const { directory, repo } = session.options;
  const drafts = repo === undefined && (options.force || !(await hasCheckoutFile(directory, CONFIG_FILE)));
  return drafts ? draftFiles(session, options) : makeBranches(session);
}

/** Writes what a repository lacks; overwrites nothing but tagflow.yaml, and that only with --force. */
async function draftFiles(session: Session, { layout }: InitOptions): Promise<number> {
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
  files.push(await ciFile(session, scan.paths, pipeline));
  const there = await Promise.all(files.map(async ([path]) => hasCheckoutFile(directory, path)));
  const missing = files.filter(([path], index) => path === CONFIG_FILE || !there[index]);
  for (const [path, text] of missing) await writeCheckoutText(directory, path, text);
  const left = files.flatMap(([path], index) => (path !== CONFIG_FILE && there[index] ? [path] : []));
  session.print(draftView({ written: missing.map(([path]) => path), left, found, pipeline, unread: scan.unread }));
  const [first] = pipeline.environments.keys();
  const next = found.layout === 'branches' ? 'init' : `promote ${first}`;
  session.say(`next: look them over, commit and push them to the trunk, then: tagflow ${next}`);
  return EXIT.ok;
}

/** The CI file that the remote's forge runs; without a word on that GitLab's, unless the checkout has workflows of GitHub. */
async function ciFile(session: Session, paths: readonly string[], pipeline: Pipeline): Promise<[string, string]> {
  const { originUrl = '' } = await readGitSettings(session.options.directory, session.io.env);
  const isGithub =
    /github/i.test(originUrl) ||
    (!/gitlab/i.test(originUrl) && paths.some((path) => path.startsWith('.github/workflows/')));
  return isGithub ? [WORKFLOW_FILE, draftWorkflow(pipeline)] : [CI_FILE, draftCi(pipeline)];
}

/** Makes the environment branches that the remote lacks, when the person agrees. */
async function makeBranches(session: Session): Promise<number> {
  const context = await session.context();
  const found = await missingBranches(context);
  const { missing, trunk, head } = found;
  let created = missing;
  if (missing.length > 0) {
    const question = `make ${missing.join(', ')} at ${trunk} (${head.slice(0, 7)})?`;
    if (await agreed(session, question)) await createBranches(context, found);
    else created = [];
  }
  session.print(branchesView(missing, created, `${trunk} (${head.slice(0, 7)})`));
  return EXIT.ok;
}

async function agreed(session: Session, question: string): Promise<boolean> {
  if (session.options.yes) return true;
  if (asks(session)) return isAgreed(session, question);
  throw new TagflowError('usage', {
    what: `init would ask: ${question}`,
    why: 'there is nobody to ask',
    fix: 'tagflow init --yes',
  });
}

const KUSTOMIZATION = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# Name what this environment is made of, for instance ../base. tagflow adds the images.
resources: []
`;
