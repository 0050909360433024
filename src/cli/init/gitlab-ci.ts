// The CI file that `tagflow init` drafts: jobs for GitLab CI. Values reach the script through the environment only, and stand
// between quotes there: nobody's version or tag becomes a command.
import type { Pipeline } from '../../model/pipeline.ts';

const BY_HAND = '$CI_PIPELINE_SOURCE =~ /^(web|api|trigger|pipeline)$/';
const BY_TAG = '$CI_COMMIT_TAG && $CI_PIPELINE_SOURCE == "push"';

/** A `.gitlab-ci.yml` that promotes along a pipeline, one job for each environment, repairs tags on a schedule, and audits daily. */
export function draftCi(pipeline: Pipeline): string {
  const several = pipeline.applications.length > 0;
  const variables = several ? [] : versionVariables([...pipeline.images.keys()]);
  const jobs = [...pipeline.environments.values()].flatMap(({ name, from }) => [
    ...(several ? applicationsJob(name) : from === undefined ? firstJob(name, variables) : laterJob(name, from)),
    '',
  ]);
  const form = several ? APPLICATION_INPUTS : inputs(variables);
  return [...HEAD, ...form, '', ...SHARED, '', ...jobs, ...REPAIR, '', ...AUDIT, ''].join('\n');
}

/** Which applications, in which versions: as the form "Run pipeline" asks. */
const APPLICATION_INPUTS = [
  '  APPLICATIONS:',
  "    value: ''",
  "    description: 'Applications to promote, separated by blanks'",
  '  VERSIONS:',
  "    value: ''",
  "    description: 'APPLICATION/IMAGE=VERSION, separated by blanks; empty: what the environment before has'",
  '  TAGFLOW_REASON:',
  "    value: ''",
  "    description: 'Why, for the record; may stay empty'",
];

/** Promotes the applications that somebody names. No push starts it, so a release starts no other one. */
function applicationsJob(name: string): readonly string[] {
  return [
    `promote-${name}:`,
    ...common(name),
    '  rules:',
    `    - if: ${BY_HAND}`,
    '      when: manual',
    '  script:',
    '    # Words are split at blanks, and nothing in them is a pattern.',
    `    - set -f; tagflow promote ${name} $APPLICATIONS $VERSIONS`,
  ];
}

const HEAD = [
  '# Promotions by tagflow. Before the first pipeline:',
  '#',
  '# 1. Say where tagflow comes from. It is in no package registry yet: in a checkout of tagflow run',
  '#      npm ci && npm pack',
  '#    and put tagflow-*.tgz where jobs reach it: into this repository, or at a URL; name that as TAGFLOW_PACKAGE. Or make',
  '#    an image with Node 24, Git 2.36 and tagflow, and name it under image: below. (A git dependency does not work: the',
  '#    command has to be built first.)',
  '# 2. Put a project access token that has write_repository, and may push to the environment branches, into the CI/CD',
  '#    variable TAGFLOW_GIT_TOKEN: masked, and protected where tags and branches are. By default a job token may not push.',
  '# 3. Add two pipeline schedules: every 15 minutes, for tagflow-apply; and daily, with the variable TAGFLOW_SCHEDULE set to',
  '#    daily, for tagflow-check and tagflow-doctor.',
  'stages: [promote]',
  '',
  'variables:',
  "  TAGFLOW_PACKAGE: ''   # ./ci/tagflow-0.1.0.tgz, or https://…/tagflow-0.1.0.tgz",
];

const SHARED = [
  '.tagflow:',
  '  stage: promote',
  '  # Node 24.13.0 on Debian 12, which has Git.',
  '  image: node:24.13.0-bookworm@sha256:b2b2184ba9b78c022e1d6a7924ec6fba577adf28f15c9d9c457730cc4ad3807a',
  '  variables:',
  '    GIT_DEPTH: 1',
  '    TAGFLOW_REPO: ${CI_PROJECT_URL}.git',
  '    TAGFLOW_DOTENV: tagflow.env',
  '    TAGFLOW_CODE_QUALITY: gl-code-quality-report.json',
  '  before_script:',
  '    - command -v tagflow || npm install --global --ignore-scripts "${TAGFLOW_PACKAGE:?see the top of .gitlab-ci.yml}"',
  '  artifacts:',
  '    when: always',
  '    reports:',
  '      dotenv: tagflow.env   # TAGFLOW_ENV, TAGFLOW_VERSION, TAGFLOW_DIGEST, TAGFLOW_COMMIT, … for later jobs',
  '      codequality: gl-code-quality-report.json   # what refused, and what was found',
];

const REPAIR = [
  '# Makes the tags in the registry equal to the branches again, after whatever went wrong: for a pipeline schedule.',
  'tagflow-apply:',
  '  extends: .tagflow',
  '  rules:',
  '    - if: $CI_PIPELINE_SOURCE == "schedule" && $TAGFLOW_SCHEDULE != "daily"',
  '  resource_group: tagflow-apply',
  '  artifacts: null   # nothing is promoted here',
  '  script:',
  '    - tagflow apply --all',
];

const AUDIT = [
  ...daily(
    'check',
    'Names every commit on an environment’s branch that breaks the audit trail: exit code 3.',
    'check --since 7d',
  ),
  '',
  ...daily(
    'doctor',
    'Says what will go wrong while there is time, such as a clean-up rule on an image that runs: exit code 11.',
    'doctor',
  ),
];

/** A job of the daily schedule. */
function daily(name: string, what: string, command: string): readonly string[] {
  return [
    `# ${what}`,
    `tagflow-${name}:`,
    '  extends: .tagflow',
    '  rules:',
    '    - if: $CI_PIPELINE_SOURCE == "schedule" && $TAGFLOW_SCHEDULE == "daily"',
    '  script:',
    `    - tagflow ${command}`,
  ];
}

interface VersionVariable {
  readonly image: string;
  readonly variable: string;
}

/** A variable for each image's version: `VERSION_DJANGO`. Names that come out alike are numbered. */
function versionVariables(images: readonly string[]): readonly VersionVariable[] {
  const seen = new Map<string, number>();
  return images.map((image) => {
    const base = `VERSION_${image.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return { image, variable: count === 1 ? base : `${base}__${count}` };
  });
}

/** The variables as the form "Run pipeline" asks for them. */
function inputs(variables: readonly VersionVariable[]): readonly string[] {
  const asked = [
    ...variables.map(({ image, variable }) => [variable, `Version of ${image} to promote, such as V4.2`]),
    ['TAGFLOW_REASON', 'Why, for the record'],
  ];
  return asked.flatMap(([name, description]) => [
    `  ${name}:`,
    `    value: ''`,
    `    description: '${description}; may stay empty'`,
  ]);
}

/** The environment that takes from the trunk: by hand with versions; of a single image, at each Git tag as well. */
function firstJob(name: string, variables: readonly VersionVariable[]): readonly string[] {
  const [only] = variables.length === 1 ? variables : [];
  const words = variables.map(({ image, variable }) => `\${${variable}:+"${image}=$${variable}"}`);
  return [
    ...(only
      ? [
          '# At a Git tag such as V4.2, once the image of that version is published: let the job that does so come before.',
        ]
      : [
          '# From the form "Run pipeline", or from the pipeline that publishes an image: it triggers this one with its version.',
        ]),
    `promote-${name}:`,
    ...common(name),
    '  rules:',
    ...(only ? [`    - if: ${BY_TAG}`] : []),
    `    - if: ${BY_HAND}`,
    '      when: manual',
    '  script:',
    ...(only ? [`    - ${only.variable}="\${${only.variable}:-$CI_COMMIT_TAG}"`] : []),
    `    - tagflow promote ${name} ${words.join(' ')}`,
  ];
}

/** An environment that takes what another one has, when somebody says so. */
function laterJob(name: string, from: string): readonly string[] {
  return [
    `# Takes what ${from} has by then.`,
    `promote-${name}:`,
    ...common(name),
    '  rules:',
    `    - if: ${BY_TAG}`,
    '      when: manual',
    `    - if: ${BY_HAND}`,
    '      when: manual',
    '  script:',
    `    - tagflow promote ${name}`,
  ];
}

function common(name: string): readonly string[] {
  return [
    '  extends: .tagflow',
    `  environment: { name: '${name}' }`,
    '  # One promotion of an environment at a time: a second one waits instead of losing the race.',
    `  resource_group: tagflow-${name}`,
  ];
}
