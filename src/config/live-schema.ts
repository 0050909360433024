// The key `live` of an environment: its shape, and the words that explain it.
import * as z from 'zod/mini';
import { documentation } from './documentation.ts';
import { kubernetesSchema } from './verify-schema.ts';

const http = z
  .strictObject({
    url: z.string().register(documentation, {
      title: 'URL',
      description: 'A URL that tagflow requests with GET. `{environment}` and `{application}` are replaced.',
      examples: ['https://shop.example.com/version'],
    }),
    json: z.optional(z.string()).register(documentation, {
      title: 'JSON',
      description: 'The field of the JSON body that contains the version or the digest, as keys joined by dots.',
      absent: 'the whole body, without surrounding white space, is the version',
      examples: ['build.version'],
    }),
    image: z.optional(z.string()).register(documentation, {
      title: 'Image',
      description: 'The image that the response is about.',
      absent: 'the only image of the environment',
      examples: ['django'],
    }),
  })
  .register(documentation, {
    title: 'HTTP',
    description: 'The response of a URL. tagflow follows no redirects and reads at most 64 KiB.',
  });

const source = z
  .strictObject({
    http: z.optional(http),
    kubernetes: z.optional(kubernetesSchema),
    status: z.optional(z.string()).register(documentation, {
      title: 'Status',
      description:
        'A commit status on the forge, such as Flux or Argo CD set on the commit that they deployed: its full name, or the part before a slash.',
      examples: ['kustomization/shop'],
    }),
  })
  .register(documentation, { title: 'Source', description: 'One of `http`, `kubernetes` or `status`.' });

/** The shape of `live`. */
export const liveSchema = z.optional(
  z
    .union([
      source,
      z.array(source).register(documentation, {
        title: 'Sources',
        description: 'Several sources, if one source does not cover all images.',
        examples: [
          [
            { http: { url: 'https://shop.example.com/version', image: 'django' } },
            { kubernetes: { namespace: 'shop', workload: 'statefulset/db' } },
          ],
        ],
      }),
    ])
    .register(documentation, {
      title: 'Live',
      description:
        'Sources that report which versions are running, for the third column of `tagflow status --live` and for `tagflow promote --wait-live`. tagflow asks them only on request.',
      absent: 'what runs is unknown',
      examples: [{ http: { url: 'https://shop.example.com/version', json: 'version' } }],
    }),
);
