// The work of `tagflow init`: first the files of a checkout, then, once they are on the trunk, the environment branches.
import { CONFIG_FILE, parseConfig } from '../../config/config.ts';
import { draftConfig } from '../../config/draft-config.ts';
import { createBranches, missingBranches } from '../../engine/branches.ts';
import { EXIT, TagflowError } from '../../model/errors.ts';
import { branchesView, draftView } from '../../views/init.ts';
import { asks, isAgreed } from '../ask.ts';
import { hasCheckoutFile, writeCheckoutText } from '../checkout-files.ts';
import type { Session } from '../session.ts';
import { draftCi } from './ci.ts';
import { scanCheckout } from './scan.ts';

const CI_FILE = '.gitlab-ci.yml';

/** Drafts the files of a checkout, or makes the branches of a remote. Resolves to the exit code. */
export async function runInit(session: Session, force: boolean): Promise<number> {
  const { directory, repo } = session.options;
  const drafts = repo === undefined && (force || !(await hasCheckoutFile(directory, CONFIG_FILE)));
  return drafts ? draftFiles(session) : makeBranches(session);
}

/** Writes what a repository lacks; overwrites nothing but tagflow.yaml, and that only with --force. */
async function draftFiles(session: Session): Promise<number> {
  const { directory } = session.options;
  const findings = await scanCheckout(directory, session.io.env);
  const config = draftConfig(findings);
  const pipeline = parseConfig(config);
  const files: [string, string][] = [[CONFIG_FILE, config]];
  if (findings.folders.length === 0) {
    const folders = [...pipeline.lines.values()].flatMap(({ scope }) => scope.folders);
    for (const folder of folders) files.push([`${folder}/kustomization.yaml`, KUSTOMIZATION]);
  }
  files.push([CI_FILE, draftCi(pipeline)]);
  const there = await Promise.all(files.map(async ([path]) => hasCheckoutFile(directory, path)));
  const missing = files.filter(([path], index) => path === CONFIG_FILE || !there[index]);
  for (const [path, text] of missing) await writeCheckoutText(directory, path, text);
  const written = missing.map(([path]) => path);
  const names = { images: [...pipeline.images.keys()], environments: [...pipeline.environments.keys()] };
  session.print(draftView(written, names));
  session.say('next: look them over, commit and push them to the trunk, then: tagflow init');
  return EXIT.ok;
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
