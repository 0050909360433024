// tagflow tag: the bare retag, across repositories with a copy first.
import { EXIT } from '../../model/errors.ts';
import { defineCommand, oneOrMore, required } from '../define.ts';

export const tag = defineCommand({
  name: 'tag',
  summary: 'put tags on an image by its digest; into another repository with a copy',
  description: [
    'Works on registries alone: no Git repository is needed, and nothing is recorded. A target is a tag in the repository of the source, or a whole reference in any repository: then the image is copied there first, with all its platforms, signatures and attestations. No tag is put before every copy is whole.',
  ],
  examples: [
    'tagflow tag registry.example.com/acme/django:V4.2 candidate',
    'tagflow tag registry.example.com/acme/django:V4.2 registry.example.com/production/django:V4.2',
  ],
  arguments: {
    source: required('source', 'REPOSITORY:TAG or REPOSITORY@DIGEST'),
    tags: oneOrMore('tag', 'tags to put'),
  },
  options: {},
  async run(session, { source, tags }) {
    const [{ retag }, { tagView }] = await Promise.all([import('../../engine/retag.ts'), import('../../views/tag.ts')]);
    session.print(tagView(await retag(await session.registries(), source, tags)));
    return EXIT.ok;
  },
});
