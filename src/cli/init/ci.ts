// The CI file that `tagflow init` drafts: jobs for GitLab CI. Values reach the script through the environment only.
import type { Pipeline } from '../../model/pipeline.ts';
import { VERSION } from '../version.ts';

/** A `.gitlab-ci.yml` that promotes along a pipeline, and repairs tags on a schedule. */
export function draftCi(pipeline: Pipeline): string {
  const environments = [...pipeline.environments.values()];
  const jobs = environments.map(({ name, from }) =>
    from === undefined
      ? [
          `promote-${name}:`,
          '  extends: .tagflow',
          '  rules:',
          '    # A tag such as V4.2 on the trunk: the image of that version has been published by now.',
          '    - if: $CI_COMMIT_TAG && $CI_PIPELINE_SOURCE != "schedule"',
          `  script:`,
          `    - tagflow promote ${name} --version "$CI_COMMIT_TAG" --reason "tag $CI_COMMIT_TAG"`,
        ]
      : [
          `promote-${name}:`,
          '  extends: .tagflow',
          `  needs: [promote-${from}]`,
          '  rules:',
          '    - if: $CI_COMMIT_TAG && $CI_PIPELINE_SOURCE != "schedule"',
          '      when: manual',
          '  script:',
          `    - tagflow promote ${name}`,
        ],
  );
  return [
    '# Promotions by tagflow. The pushes need a token that may write the environment branches: a project access token with',
    '# write_repository, in the masked and protected variable TAGFLOW_GIT_TOKEN. The job token cannot be used for all of it.',
    'stages: [promote]',
    '',
    '.tagflow:',
    '  stage: promote',
    '  image: node:24   # pin it by digest: your registry tells which',
    '  before_script:',
    `    - npm install --global --ignore-scripts tagflow@${VERSION}`,
    '  variables:',
    '    TAGFLOW_DOTENV: tagflow.env',
    '  # One promotion at a time: a second one waits instead of losing the race.',
    '  resource_group: tagflow',
    '  artifacts:',
    '    reports:',
    '      dotenv: tagflow.env',
    '',
    ...jobs.flatMap((job) => [...job, '']),
    '# Makes the registry equal to the branches again after any fault: schedule it, every 15 minutes say.',
    'tagflow-apply:',
    '  extends: .tagflow',
    '  rules:',
    '    - if: $CI_PIPELINE_SOURCE == "schedule"',
    '  artifacts: {}',
    '  script:',
    '    - tagflow apply --all',
    '',
  ].join('\n');
}
