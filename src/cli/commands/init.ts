// tagflow init: first the files of a checkout, then, once they are on the trunk, the environment branches.
import { defineCommand, flag } from '../define.ts';

export const init = defineCommand({
  name: 'init',
  summary: 'find images and overlays, write tagflow.yaml; make missing branches',
  description: [
    'In a checkout without `tagflow.yaml` it writes one from the images and folders it finds, a `.gitlab-ci.yml` if there is none, and empty overlays if there is no environment folder. Otherwise it makes the environment branches that the remote lacks, at the head of the trunk. It asks before that; `--yes` answers. It overwrites nothing without `--force`.',
  ],
  examples: ['tagflow init', 'tagflow init --yes'],
  arguments: {},
  options: { force: flag('--force', 'overwrite a tagflow.yaml') },
  async run(session, { force }) {
    const { runInit } = await import('../init/init.ts');
    return runInit(session, force);
  },
});
