// tagflow init: first the files of a checkout, then, once they are on the trunk, the environment branches.
import { defineCommand } from '../grammar/define.ts';
import { choice, flag, several, text } from '../arguments/options.ts';

/** The systems that `--ci` names. */
const CI = ['gitlab', 'github', 'jenkins', 'tekton', 'kubernetes'] as const;

export const init = defineCommand({
  name: 'init',
  summary: 'write tagflow.yaml for this repository, or make missing branches',
  description: [
    'In a checkout without `tagflow.yaml`, this command writes that file. It takes the environments from folders, files and branches that look like them, and the images from their manifests. It also writes a pipeline for GitLab or a workflow for GitHub if the repository lacks one, and empty overlays if it finds no image. `--ci` names another system: `jenkins`, `tekton` and `kubernetes` write into the folder `ci`. With `--ci` in a checkout that has a `tagflow.yaml`, it writes only that file. It says how sure it is. In a checkout with `tagflow.yaml`, it makes the environment branches that the remote lacks, at the head of the trunk. It asks first; `--yes` answers. It overwrites files only with `--force`.',
    '`--import` writes the first record of every release line that has no record yet. The record holds the versions that the manifests pin today and the digests of these versions. No manifest changes. All lines of a branch share one commit and one push. If you run it again, it writes only what is missing.',
  ],
  examples: [
    'tagflow init',
    'tagflow init --yes',
    'tagflow init --layout branches --force',
    'tagflow init --ci jenkins',
    'tagflow init --import --yes',
    'tagflow init --import prd shop',
  ],
  arguments: {
    lines: several('line', 'with --import: environments, each followed by its applications', {
      completion: 'line',
    }),
  },
  options: {
    import: flag('--import', 'write the first record of every line that has none, from what its manifests pin'),
    skipRefused: flag('--skip-refused', 'with --import: leave out lines that are refused, instead of writing nothing'),
    dryRun: flag('--dry-run', 'with --import: show the records, and write nothing'),
    reason: text('--reason <text>', 'with --import: why, for the records'),
    force: flag('--force', 'overwrite a tagflow.yaml'),
    layout: choice(
      '--layout <layout>',
      'the layout to write, instead of the one that was recognised',
      ['branches', 'folders'],
      { preset: undefined },
    ),
    ci: choice('--ci <system>', 'the CI system to write a file for, instead of the one that was recognised', CI, {
      preset: undefined,
    }),
  },
  async run(session, { lines, import: imports, reason, ...options }) {
    const [{ runInit }, { recordReason }] = await Promise.all([
      import('../init/init.ts'),
      import('../arguments/reason.ts'),
    ]);
    return runInit(session, { ...options, lines, imports, reason: recordReason(reason) });
  },
});
