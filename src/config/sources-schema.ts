// The part of tagflow.yaml that names the repositories images are built from.
import * as z from 'zod/mini';
import { documentation } from './documentation.ts';

/** The pattern of issues where `issues` does not say. */
export const ISSUES = String.raw`#\d+|[A-Z]{2,10}-\d+`;

/** The key `sources`. */
export const sourcesSchema = z
  .strictObject({
    repositories: z.array(z.string()).register(documentation, {
      title: 'Repositories',
      description:
        'URLs of Git repositories from which tagflow may read commits. A URL that ends in `/*` stands for every repository below it. An image names its own source repository; tagflow never contacts a repository that is not listed here.',
      examples: [['https://gitlab.example.com/acme/*', 'https://github.com/acme/web']],
    }),
    issues: z.optional(z.string()).register(documentation, {
      title: 'Issues',
      description:
        'A regular expression (JavaScript, flag `u`) that finds issue numbers in commit messages. It is matched against each word. Patterns that could take very long on some words are refused.',
      default: ISSUES,
      examples: ['SHOP-[0-9]+'],
      maxLength: 256,
    }),
    hosts: z
      .optional(z.record(z.string(), z.enum(['github', 'gitlab', 'gitea', 'bitbucket', 'bitbucket-server'])))
      .register(documentation, {
        title: 'Hosts',
        description:
          'The software that hosts repositories, by host name, if the name does not show it. Links that compare two commits depend on it. Use `gitea` for Forgejo as well, and `bitbucket-server` for Bitbucket Data Center.',
        examples: [{ 'git.example.com': 'gitea' }],
      }),
  })
  .register(documentation, {
    title: 'Sources',
    description:
      'The source repositories of images. Plans, pull requests, `diff`, `show` and the page then list the commits between two versions of an image: [how](../how-to/see-source-commits.md).',
  });
