// tagflow init: first the files of a checkout, then, once they are on the trunk, the environment branches.
import { choice, defineCommand, flag } from '../define.ts';

export const init = defineCommand({
  name: 'init',
  summary: 'find images and overlays, write tagflow.yaml; make missing branches',
  description: [
    'In a checkout without `tagflow.yaml` it writes one from the folders, files and branches that look like environments, and from the images that their manifests name, and a pipeline for GitLab or a workflow for GitHub if there is none. It says how sure it is. Where there is no image it writes empty overlays too. Otherwise it makes the environment branches that the remote lacks, at the head of the trunk. It asks before that; `--yes` answers. It overwrites nothing without `--force`.',
  ],
  examples: ['tagflow init', 'tagflow init --yes', 'tagflow init --layout branches --force'],
  arguments: {},
  options: {
    force: flag('--force', 'overwrite a tagflow.yaml'),
    layout: choice(
      '--layout <layout>',
      'the layout to write, instead of the one that was recognised',
      ['branches', 'folders'],
      undefined,
    ),
  },
  async run(session, options) {
    const { runInit } = await import('../init/init.ts');
    return runInit(session, options);
  },
});
