// tagflow apply: the CI step after a merge, and the scheduled repair.
import { EXIT, TagflowError } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { flag, several } from '../arguments/options.ts';

export const apply = defineCommand({
  name: 'apply',
  summary: 'make the tags of environments match their branches; safe to repeat',
  description: [
    'Writes the per-release tag and then the target tag of each image in the release at the branch head, and reads back what it wrote. It changes nothing else, with one exception. If manifests follow only the target tag (`pin: target`) and the tags were written more than a minute after the commit, it releases the same images once more so that Pods restart. The exit code is 8 if a tag could not be written or verified.',
  ],
  examples: ['tagflow apply prd', 'tagflow apply --all'],
  arguments: {
    environments: several('env', 'environments, each followed by its applications', { completion: 'line' }),
  },
  options: { all: flag('--all', 'every environment') },
  async run(session, { environments, all }) {
    if ((environments.length === 0) !== all) {
      throw new TagflowError('usage', {
        what: environments.length === 0 ? 'no environment was named' : 'environments cannot be combined with --all',
        fix: 'tagflow apply prd, or every environment: tagflow apply --all',
      });
    }
    const [engine, views, { incomplete }, failures] = await Promise.all([
      import('../../engine/release/apply.ts'),
      import('../../views/apply.ts'),
      import('../release/finish.ts'),
      import('../../views/failure.ts'),
    ]);
    const applied = await engine.apply(await session.context(), environments);
    session.print(views.applyView(applied));
    const failed = applied.flatMap(({ environment, head, tags, problem }) =>
      problem ? [failures.failureOf(problem)] : incomplete(environment, head, tags),
    );
    const [first] = failed;
    if (!first) return EXIT.ok;
    if (session.options.output !== 'json') session.fail(failed);
    return first.exit;
  },
});
