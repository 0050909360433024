// The files that `tagflow init` drafts for CI systems: for GitLab and GitHub from the configuration alone; for Jenkins, Tekton and
// Kubernetes from the files of docs/ci, so that what people copy and what is drafted is one text.
import { parseRemoteUrl } from '../../ledger/url.ts';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import type { Pipeline } from '../../model/pipeline.ts';
import { readResources } from '../process/resources.ts';
import { draftCi } from './gitlab-ci.ts';
import { WORKFLOW_FILE, draftWorkflow } from './github-workflow.ts';

/** A system that runs jobs, as `--ci` names it. */
export type CiSystem = 'gitlab' | 'github' | 'jenkins' | 'tekton' | 'kubernetes';

/** What a checkout says about the system that its jobs run on. */
interface Hints {
  readonly originUrl: string | undefined;
  readonly paths: readonly string[];
}

/** The system that a checkout uses, by its remote, then by the files that it has; without either of them GitLab. */
export function recogniseCiSystem({ originUrl = '', paths }: Hints): CiSystem {
  const has = (pattern: RegExp): boolean => paths.some((path) => pattern.test(path));
  if (/github/i.test(originUrl)) return 'github';
  if (/gitlab/i.test(originUrl) || has(/^\.gitlab-ci\.yml$/)) return 'gitlab';
  if (has(/^\.github\/workflows\//)) return 'github';
  if (has(/^Jenkinsfile$/)) return 'jenkins';
  return has(/^\.tekton\//) ? 'tekton' : 'gitlab';
}

/** The file for a system: its path in the checkout, and its text. */
export async function draftForCi(
  system: CiSystem,
  pipeline: Pipeline,
  originUrl: string | undefined,
): Promise<readonly [path: string, text: string]> {
  if (system === 'gitlab') return ['.gitlab-ci.yml', draftCi(pipeline)];
  if (system === 'github') return [WORKFLOW_FILE, draftWorkflow(pipeline)];
  const file = COPIED[system];
  const content = (await readResources('docs/ci')).get(file.name);
  const text = new TextDecoder().decode(content);
  return [`ci/${file.name}`, filled(text, file.places(pipeline, await jobUrl(originUrl)))];
}

/** Example texts in a file of docs/ci, each with what a repository has instead. */
type Places = readonly (readonly [example: string, own: string])[];

const EXAMPLE_URL = 'https://git.example.com/acme/shop.git';
const IMAGES = 'IMAGE=VERSION separated by blanks. Empty: what is upstream.';
const APPLICATIONS = 'Applications, and APPLICATION/IMAGE=VERSION, separated by blanks.';

const COPIED = {
  jenkins: {
    name: 'Jenkinsfile',
    places: (pipeline: Pipeline, url: string): Places => [
      ["['dev', 'stg', 'prd']", `[${names(pipeline).map(groovy).join(', ')}]`],
      [groovy(EXAMPLE_URL), groovy(url)],
      [IMAGES, wordsOf(pipeline)],
    ],
  },
  tekton: {
    name: 'tekton-task.yaml',
    places: (pipeline: Pipeline, url: string): Places => [
      [
        'description: URL of the Git repository that holds the environments. }',
        `description: URL of the Git repository that holds the environments., default: ${yamlText(url)} }`,
      ],
      [
        'description: The environment that receives the release. }',
        `description: ${yamlText(`The environment that receives the release: one of ${names(pipeline).join(', ')}.`)} }`,
      ],
      [IMAGES, wordsOf(pipeline)],
    ],
  },
  kubernetes: {
    name: 'kubernetes-cronjob.yaml',
    places: (_: Pipeline, url: string): Places => [[yamlText(EXAMPLE_URL), yamlText(url)]],
  },
} as const;

function names({ environments }: Pipeline): readonly string[] {
  return [...environments.keys()];
}

function wordsOf({ applications }: Pipeline): string {
  return applications.length > 0 ? APPLICATIONS : IMAGES;
}

/** The URL that a job takes, without credentials: that of the remote where it is https, as jobs have a token; else the example. */
async function jobUrl(originUrl: string | undefined): Promise<string> {
  const { value } = await attempt(async () => parseRemoteUrl(originUrl ?? ''));
  return value?.protocol === 'https' ? value.url : EXAMPLE_URL;
}

/** A text with each example replaced. Throws `internal` for one that it does not have. */
function filled(text: string, places: Places): string {
  return places.reduce((before, [example, own]) => {
    if (!before.includes(example))
      throw new TagflowError('internal', { what: `the file for this CI system has no ${example}` });
    return before.replaceAll(example, () => own);
  }, text);
}

/** A text between single quotes, as Groovy reads it. */
function groovy(text: string): string {
  return `'${text.replace(/['\\]/g, String.raw`\$&`)}'`;
}

/** A text between single quotes, as YAML reads it. */
function yamlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
