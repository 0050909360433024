// A release says where its project is; the pipeline of another project refuses to publish it.
import { describe, expect, it } from 'vitest';
import { foreignUrls } from '../../.ci/project-url.ts';
import manifest from '../../package.json' with { type: 'json' };

describe('the URLs in package.json', () => {
  it('belong to one project', () => {
    const project = manifest.repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
    expect(foreignUrls(manifest, project)).toEqual([]);
  });

  it('are each named when the project is another', () => {
    expect(foreignUrls(manifest, 'https://forge.example.com/acme/tagflow')).toEqual([
      expect.stringMatching(
        /^package\.json: repository\.url is .*, the project has git\+https:\/\/forge\.example\.com\/acme\/tagflow\.git$/,
      ),
      expect.stringMatching(/^package\.json: homepage is/),
      expect.stringMatching(/^package\.json: bugs\.url is/),
    ]);
  });
});
