// The workflow that `tagflow init` drafts for GitHub Actions. Values reach the script as variables, never as text of it.
import type { Pipeline } from '../../model/pipeline.ts';

/** Where GitHub looks for it. */
export const WORKFLOW_FILE = '.github/workflows/tagflow.yml';

/**
 * A workflow that promotes by hand, and repairs tags and audits on a schedule. No push starts it, so a release never starts
 * another one.
 */
export function draftWorkflow(pipeline: Pipeline): string {
  const environments = [...pipeline.environments.keys()];
  const several = pipeline.applications.length > 0;
  return [...HEAD, ...inputs(environments, several), ...JOBS, ...promoteJob(several), ...SCHEDULED, ''].join('\n');
}

/** Pinned to a commit, because the tag of an action can be moved. */
const SETUP_NODE = '      - uses: actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0';

const HEAD = [
  '# Promotions by tagflow. Before the first run:',
  '#',
  '# 1. Say where tagflow comes from: it is in no package registry yet. In a checkout of tagflow run  npm ci && npm pack,  put',
  '#    tagflow-*.tgz where jobs reach it, and name that in the variable TAGFLOW_PACKAGE of the repository.',
  '# 2. Put the content of a Docker config.json that may push to the registry into the secret DOCKER_AUTH_CONFIG.',
  '# 3. Let GitHub Actions push to the branch that holds the environments.',
  'name: tagflow',
  'on:',
  '  schedule:',
  "    - cron: '*/30 * * * *'",
  '  workflow_dispatch:',
  '    inputs:',
];

const JOBS = [
  '',
  'permissions:',
  '  contents: write # pushes releases',
  '',
  'env:',
  '  TAGFLOW_REPO: ${{ github.server_url }}/${{ github.repository }}.git',
  '  DOCKER_AUTH_CONFIG: ${{ secrets.DOCKER_AUTH_CONFIG }}',
  '  GITHUB_TOKEN: ${{ github.token }}',
  '  TAGFLOW_PACKAGE: ${{ vars.TAGFLOW_PACKAGE }}',
  "  TAGFLOW_RUN: '1' # programs of the trunk may run in these jobs, and hosts beyond them may be asked",
  '',
  'jobs:',
];

const SCHEDULED = [
  '',
  '  # Makes the tags in the registry equal to the branches again, after whatever went wrong; then names what broke the trail.',
  '  repair:',
  "    if: github.event_name == 'schedule'",
  '    runs-on: ubuntu-latest',
  '    concurrency: { group: tagflow-repair }',
  '    steps:',
  SETUP_NODE,
  "        with: { node-version: '24' }",
  '      - run: npm install --global --ignore-scripts "$TAGFLOW_PACKAGE"',
  '      - run: tagflow apply --all',
  '      - run: tagflow check --since 7d',
];

function inputs(environments: readonly string[], several: boolean): readonly string[] {
  return [
    '      environment:',
    '        description: Environment to promote',
    '        required: true',
    '        type: choice',
    `        options: [${environments.map((name) => `'${name}'`).join(', ')}]`,
    ...(several
      ? ["      applications: { description: 'Applications, separated by blanks', required: true, default: '' }"]
      : []),
    `      versions: { description: '${several ? 'APPLICATION/IMAGE=VERSION' : 'IMAGE=VERSION'}, separated by blanks; empty: what the environment before has', default: '' }`,
    "      reason: { description: 'Why, for the record', default: '' }",
  ];
}

function promoteJob(several: boolean): readonly string[] {
  return [
    '  promote:',
    "    if: github.event_name == 'workflow_dispatch'",
    '    runs-on: ubuntu-latest',
    '    # One promotion of an environment at a time: a second one waits instead of losing the race.',
    "    concurrency: { group: 'tagflow-${{ inputs.environment }}' }",
    '    env:',
    '      ENVIRONMENT: ${{ inputs.environment }}',
    ...(several ? ['      APPLICATIONS: ${{ inputs.applications }}'] : []),
    '      VERSIONS: ${{ inputs.versions }}',
    '      TAGFLOW_REASON: ${{ inputs.reason }}',
    '    steps:',
    SETUP_NODE,
    "        with: { node-version: '24' }",
    '      - run: npm install --global --ignore-scripts "$TAGFLOW_PACKAGE"',
    '      # Words are split at blanks, and nothing in them is a pattern.',
    `      - run: set -f; tagflow promote "$ENVIRONMENT" ${several ? '$APPLICATIONS ' : ''}$VERSIONS`,
  ];
}
