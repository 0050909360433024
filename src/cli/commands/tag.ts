// tagflow tag: the bare retag, across repositories with a copy first.
import { attempt } from '../../model/attempt.ts';
import { EXIT } from '../../model/errors.ts';
import type { Pipeline } from '../../model/pipeline.ts';
import { defineCommand } from '../grammar/define.ts';
import { oneOrMore, required } from '../arguments/options.ts';
import type { Session } from '../session/session.ts';

export const tag = defineCommand({
  name: 'tag',
  summary: 'put tags on an image by digest, in its repository or in another one',
  description: [
    'Works with registries only. It needs no Git repository and records nothing. A target is a tag in the repository of the source, or a full reference in any repository. In the second case the image is copied there first, with all its platforms, signatures and attestations. No tag is written until every copy is complete. A per-release tag, such as `prd-7`, is not moved from one image to another. With `--repo` or in a checkout, `tagflow.yaml` says which tags those are; elsewhere a warning is printed.',
  ],
  examples: [
    'tagflow tag registry.example.com/acme/django:V4.2 candidate',
    'tagflow tag registry.example.com/acme/django:V4.2 registry.example.com/production/django:V4.2',
  ],
  arguments: {
    source: required('source', 'REPOSITORY:TAG or REPOSITORY@DIGEST'),
    tags: oneOrMore('tag', 'tags to write'),
  },
  options: {},
  async run(session, { source, tags }) {
    const [{ retag }, { tagView }] = await Promise.all([import('../../engine/retag.ts'), import('../../views/tag.ts')]);
    const done = await retag(await session.registries(), source, tags, async () => releaseTags(session));
    session.print(tagView(done));
    return EXIT.ok;
  },
});

/** The per-release tags of the remote that was named, or of the checkout; undefined without either. */
async function releaseTags(session: Session): Promise<ReadonlySet<string> | undefined> {
  const { repo, directory } = session.options;
  const { CONFIG_FILE, LONGEST_CONFIG, parseConfig } = await import('../../config/config.ts');
  const tagsOf = ({ lines }: Pipeline): ReadonlySet<string> =>
    new Set([...lines.values()].map(({ releaseTag }) => releaseTag));
  if (repo !== undefined) {
    const { readSnapshot } = await import('../../engine/read/snapshot.ts');
    return tagsOf((await readSnapshot(await session.context())).pipeline);
  }
  const { readCheckoutFile } = await import('../process/checkout-files.ts');
  // A file that cannot be used says nothing about tags.
  const { value } = await attempt(async () => {
    const content = await readCheckoutFile(directory, CONFIG_FILE, LONGEST_CONFIG);
    return content && tagsOf(parseConfig(new TextDecoder().decode(content)));
  });
  return value;
}
