// tagflow demo: a complete sandbox, and a story played in it with the real commands.
import { TagflowError } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { choice, optional } from '../arguments/options.ts';

const FOLDER = 'tagflow-demo';

export const demo = defineCommand({
  name: 'demo',
  summary: 'build a complete sandbox that needs only this package and git',
  description: [
    'Builds a registry, a Git repository and a checkout in a folder, and simulates months of releases in them with the real commands. A second sandbox, in the folder `gates`, shows what stops a release. The folder must be empty or missing; only an earlier demo is removed. Everything stays there afterwards, so you can try the commands.',
  ],
  examples: ['tagflow demo', 'tagflow demo /tmp/shop', 'tagflow demo --layout folders', 'tagflow demo --story gates'],
  arguments: { folder: optional('dir', 'where to build it', { preset: FOLDER, completion: 'folder' }) },
  options: {
    layout: choice(
      '--layout <layout>',
      'environments as branches, or as folders of one branch with two applications',
      ['branches', 'folders'],
      { preset: 'branches' },
    ),
    story: choice(
      '--story <story>',
      'months of releases, or what stops one: a failed verification, a lock, a freeze, approvals',
      ['all', 'releases', 'gates'],
      { preset: 'all' },
    ),
  },
  async run(session, { folder = FOLDER, layout, story }, line) {
    const { playDemo } = await import('../demo/play.ts');
    if (story === 'gates' && layout === 'folders') {
      throw new TagflowError('usage', {
        what: '--story gates cannot be combined with --layout folders',
        why: 'that story needs the layout with branches',
        fix: 'leave one of them out',
      });
    }
    return playDemo(session, { folder, layout, story }, line);
  },
});
