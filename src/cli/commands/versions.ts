// tagflow versions: what is published of an image, and where it runs.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { count, required, valueOr } from '../arguments/options.ts';

export const versions = defineCommand({
  name: 'versions',
  summary: 'list the published versions of an image, newest first, and where each runs',
  description: [
    'Lists the tags of the image’s repository that are versions, newest first, and the environments that run each one. `promote dev IMAGE=newest` promotes the first.',
  ],
  examples: ['tagflow versions django', 'tagflow versions django --limit 5 -o json'],
  arguments: { image: required('image', 'the image', { completion: 'image' }) },
  options: { limit: valueOr('--limit <n>', 'maximum number of versions', count, { preset: 20 }) },
  async run(session, { image, limit }) {
    const [engine, { versionsView }] = await Promise.all([
      import('../../engine/read/versions.ts'),
      import('../../views/versions.ts'),
    ]);
    session.print(versionsView(await engine.versions(await session.context(), image), limit));
    return EXIT.ok;
  },
});
