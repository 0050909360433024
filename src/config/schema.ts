// The shape of tagflow.yaml, and the words that explain it: the one source of the structural check, of
// tagflow.schema.json and of docs/reference/configuration.md. What needs more than shape is checked by normalise and rules.
import * as z from 'zod/mini';
import { documentation } from './documentation.ts';
import { gatesSchema, journalBySchema, overridesSchema } from './gates-schema.ts';
import { liveSchema } from './live-schema.ts';
import { sourcesSchema } from './sources-schema.ts';
import { verifySchema } from './verify-schema.ts';
import { FILE_SIZE } from '../model/file-size.ts';
import { HOTFIX_ORDERS, PIN_STYLES } from '../model/pipeline.ts';

/** Smallest, default and largest `retain`. */
export const RETAIN = { least: 1, usual: 10, most: 1000 } as const;

/** Default and largest `maxApplications`. */
export const MAX_APPLICATIONS = { usual: 1000, most: 10_000 } as const;

/** Where the signers are listed on the trunk, when `signers` does not say. */
export const SIGNERS_FILE = { ssh: '.tagflow/allowed_signers', gpg: '.tagflow/signers.asc' } as const;

/** A principal as allowed-signers files and `ssh-keygen -I` have it: no blank, comma, quote or wildcard. */
export const PRINCIPAL = '^[^\\s,"!*?-][^\\s,"!*?]*$';

/** Names of images and environments: lower-case letters and digits, parts joined by `.`, `_` or `-`. */
export const NAME = '^[a-z0-9]+(?:(?:[._]|-+)[a-z0-9]+)*$';
/** Longest name of an image or environment. */
export const MAX_NAME = 63;
/** Longest target tag: a tag has 128 characters, and `-<sequence>` must fit behind it. */
export const MAX_TARGET_TAG = 117;

const TAG = '^(?:[A-Za-z0-9_]|\\{[a-z]+\\})(?:[A-Za-z0-9._-]|\\{[a-z]+\\})*$';
const RELATIVE = String.raw`^(?!/)(?!(?:\./)?[A-Za-z]:)(?!(?:.*/)?\.\.(?:/|$))[^\\]+$`;
const REPOSITORY = String.raw`^(?:oci:.+|[^/\s]+/(?:[a-z0-9]|\{[a-z]+\})+(?:[._/-]+(?:[a-z0-9]|\{[a-z]+\})+)*)$`;

const imageName = z
  .string()
  .register(documentation, { title: 'Image', description: "An image's key.", pattern: NAME, maxLength: MAX_NAME });
const environmentName = z.string().register(documentation, {
  title: 'Environment',
  description: "An environment's key.",
  pattern: NAME,
  maxLength: MAX_NAME,
});

const repository = z.string().register(documentation, {
  title: 'Repository',
  description:
    'Where versions of the image are published: `host[:port]/path`, including the registry host, or `oci:DIR` for an OCI image layout on disk. Without a tag or digest.',
  examples: ['registry.example.com/acme/django', 'oci:./registry/django'],
  pattern: REPOSITORY,
});

const versionPattern = z
  .strictObject({
    pattern: z.string().register(documentation, {
      title: 'Pattern',
      description:
        'A regular expression (JavaScript, flag `u`) that must match the whole version tag, from `^` to `$`. Its group `order` determines which version is newer. Patterns that could take very long on some tags are refused.',
      examples: [String.raw`^main-(?<order>\d{14})-[0-9a-f]{7}$`],
      pattern: String.raw`^\^.*\(\?<order>.*\$$`,
      maxLength: 256,
    }),
    order: z.optional(z.enum(['numeric', 'alphabetical'])).register(documentation, {
      title: 'Order',
      description:
        'How the group `order` is compared: `numeric` as a whole number of any length, `alphabetical` character by character.',
      default: 'numeric',
    }),
  })
  .register(documentation, { title: 'Version pattern', description: 'Versions that a pattern recognises and orders.' });

const versionScheme = z.union([z.enum(['semver', 'unordered']), versionPattern]);

const versions = z
  .union([
    z.enum(['semver', 'unordered']),
    versionPattern,
    z.array(versionScheme).register(documentation, {
      title: 'Version schemes',
      description: 'Schemes, tried in this order. Versions that match different schemes are not comparable.',
    }),
  ])
  .register(documentation, {
    title: 'Versions',
    description:
      '`semver`: tags like `4`, `v1.2`, `V1.2`, `1.2.3`, `1.2.3-rc.1`, ordered number by number, so that V10.11 is newer than V10.6. `unordered`: every tag is a version, and no version is newer than another; for commit ids and the like. The downgrade gate then has nothing to check. You can also give a pattern, or a list of schemes.',
    default: 'semver',
    examples: [
      'semver',
      { pattern: String.raw`^main-(?<order>\d{14})-[0-9a-f]{7}$`, order: 'numeric' },
      ['semver', 'unordered'],
    ],
  });

const pinStyle = (description: string, rest: { default?: string; absent?: string }) =>
  z.optional(z.enum(PIN_STYLES)).register(documentation, { title: 'Pin style', description, ...rest });

const environmentNames = z.optional(z.array(z.string())).register(documentation, {
  title: 'Environments',
  description:
    'The environments that run the image. Every release of these environments then contains the image, and no other release does, regardless of the manifests.',
  absent: 'the environments whose manifests name it',
  examples: [['dev', 'stg']],
});

const image = z
  .strictObject({
    repository,
    versions: z.optional(versions),
    names: z.optional(z.array(z.string())).register(documentation, {
      title: 'Names',
      description:
        'Other names that manifests use for the image, such as the `name` of a kustomize entry. You need not list its key and its repositories.',
      examples: [['django-image', 'acme/django']],
      default: [],
    }),
    environments: environmentNames,
    tags: z.optional(z.boolean()).register(documentation, {
      title: 'Tags',
      description:
        '`false`: tagflow writes nothing to the repository of the image, for example because its tags are immutable or another tool moves them. A release then consists of the commit and its pins.',
      default: true,
      examples: [false],
    }),
    pin: pinStyle('How fields name the image. Overrides the `pin` of the environment.', {
      absent: 'the `pin` of the environment',
    }),
  })
  .register(documentation, { title: 'Image', description: 'An image that releases are made of.' });

const also = z
  .strictObject({
    path: z.string().register(documentation, {
      title: 'Path',
      description: 'Keys from the root to the field. tagflow adds missing keys and mappings.',
      examples: ['podAnnotations["tagflow.dev/digest.django"]'],
    }),
    value: z.string().register(documentation, {
      title: 'Value',
      description:
        'The value of the field after a release: text with `{version}`, `{digest}`, `{release}` (the number of the release) and `{time}`.',
      examples: ['{digest}', 'release-{release}'],
    }),
    file: z.optional(z.string()).register(documentation, {
      title: 'File',
      description: 'The file, if it differs from the file of the pin.',
      absent: 'the `file` of the pin',
      examples: ['charts/web/Chart.yaml'],
      pattern: RELATIVE,
    }),
  })
  .register(documentation, { title: 'Also', description: 'A field that changes along with the pin.' });

const pin = z
  .strictObject({
    image: z.string().register(documentation, {
      title: 'Image',
      description:
        'The key of the image that the field pins; `*` stands for every image of the application. Under an environment of a repository with applications: `APPLICATION/IMAGE`.',
      examples: ['django'],
    }),
    file: z.string().register(documentation, {
      title: 'File',
      description:
        "The file, relative to the repository's root. It may contain `{environment}`, `{application}` and `{image}`. `tagflow.yaml` and release records are refused.",
      examples: ['image-tags/production/app'],
      pattern: RELATIVE,
    }),
    path: z.optional(z.string()).register(documentation, {
      title: 'Path',
      description:
        'For a YAML or JSON file: keys from the root to the field, joined by dots. Brackets contain an index, a key with dots, or a condition such as `name=VALUE` that selects a list element by a field, even if other elements are added before it. The path may contain `{environment}`, `{application}` and `{image}`.',
      examples: ['image_tag', 'parameters[name=image.tag].value', 'app.containers[0].image', 'data["app.image"]'],
    }),
    text: z.optional(z.string()).register(documentation, {
      title: 'Text',
      description:
        'For a file that is not YAML or JSON (jsonnet, Go templates, HCL, properties), instead of `path`: a regular expression that matches exactly one whole line of the file, from `^` to `$`. A release replaces only what its groups `version` and `digest` match.',
      absent: 'the file is read as YAML or JSON, and `path` names the field',
      examples: [String.raw`^  image_tag = "(?<version>[^"]*)"$`],
      pattern: String.raw`^\^.*\(\?<(?:version|digest)>.*\$$`,
    }),
    pin: pinStyle(
      'How this field names the image. For example, `version` is for a field that contains only the version.',
      {
        absent: 'the `pin` of the image, or of the environment',
      },
    ),
    also: z.optional(z.array(also)).register(documentation, {
      title: 'Also',
      description: 'Fields that change in the same commit: an annotation, a label, a switch.',
      default: [],
      examples: [[{ path: 'podAnnotations["tagflow.dev/digest.django"]', value: '{digest}' }]],
    }),
  })
  .register(documentation, {
    title: 'Pin',
    description: 'A field that contains a pin, outside the manifest forms that tagflow knows.',
  });

const PLACES =
  'One folder, or a list. It may contain `{environment}` and, in a repository with applications, `{application}`.';

const folders = z.union([
  z.string().register(documentation, { title: 'Folder', description: 'A folder.', pattern: RELATIVE }),
  z.array(z.string()).register(documentation, { title: 'Folders', description: 'Several folders.' }),
]);

const files = z.array(z.string());

const keep = z.array(z.string());

const environment = z
  .nullable(
    z.strictObject({
      from: z.optional(z.string()).register(documentation, {
        title: 'From',
        description:
          'The upstream environment, from which `tagflow promote` takes releases by default. Leave it out for an environment that takes its configuration from the trunk.',
        examples: ['dev'],
      }),
      branch: z.optional(z.string()).register(documentation, {
        title: 'Branch',
        description:
          'With `layout: branches`: the branch of the environment. It cannot be the trunk or the branch of another environment.',
        absent: "the environment's name",
        examples: ['dev'],
        maxLength: 244,
      }),
      tag: z.optional(z.string()).register(documentation, {
        title: 'Tag',
        description:
          'The target tag, which moves to the image of each release. It may contain `{environment}` and `{application}`, to tell apart applications or Git repositories that publish to the same image repository.',
        absent: "the environment's name",
        examples: ['dev', '{application}-{environment}'],
        pattern: TAG,
        maxLength: MAX_TARGET_TAG,
      }),
      releaseTag: z.optional(z.string()).register(documentation, {
        title: 'Release tag',
        description:
          'The prefix of per-release tags: `<releaseTag>-<sequence>` is the tag of one release, and never moves. It may contain `{environment}` and `{application}`.',
        absent: 'the `tag`',
        examples: ['team-a-{environment}'],
        pattern: TAG,
        maxLength: MAX_TARGET_TAG,
      }),
      tags: z.optional(z.boolean()).register(documentation, {
        title: 'Tags',
        description:
          '`false`: a release consists of its commit and its pins, and tagflow writes nothing to a registry. `doctor` explains what you lose.',
        default: true,
        examples: [false],
      }),
      path: z.optional(folders).register(documentation, {
        title: 'Path',
        description: `The environment's folder, relative to the repository's root. ${PLACES} With \`applications\`, each application sets its own.`,
        absent: '`environments/` and the name, unless `files` is given',
        examples: ['environments/dev', ['clusters/dev', 'apps/dev']],
      }),
      files: z.optional(files).register(documentation, {
        title: 'Files',
        description:
          'Files of the environment, for repositories in which environments are files rather than folders. They may contain `{environment}`. You can combine `files` with `path`.',
        default: [],
        examples: [['charts/app/values-{environment}.yaml']],
      }),
      carry: z.optional(z.array(z.string())).register(documentation, {
        title: 'Carry',
        description:
          "With `layout: folders`: globs, relative to the environment's folder, of files that a release copies from the upstream folder.",
        default: [],
        examples: [['features.yaml', 'config/**']],
      }),
      repositories: z.optional(z.record(imageName, repository)).register(documentation, {
        title: 'Repositories',
        description:
          'Separate repositories for this environment, by image. A promotion copies the image there, then tags it. Images that are not listed stay in the repository where they are published.',
        default: {},
        examples: [{ django: 'registry.example.com/production/django' }],
      }),
      keep: z.optional(keep).register(documentation, {
        title: 'Keep',
        description:
          'Globs (`*`, `**`, `?`, `[a-z]`, `{a,b}`) of paths that belong to the environment. A promotion or rollback does not change them.',
        default: [],
        examples: [['environments/prd/secrets/**']],
      }),
      pin: pinStyle(
        "How manifests name an image: `version+digest` is `V4.2@sha256:…`, `digest` the digest alone, `version` the version alone, `target` the environment's target tag, which moves, and `target+digest` that tag with the digest.",
        { default: 'version+digest' },
      ),
      pins: z.optional(z.array(pin)).register(documentation, {
        title: 'Pins',
        description:
          'Fields that contain a pin, in files that tagflow does not recognise by itself, such as Helm values, Compose files and Argo applications. Kustomizations and Kubernetes workloads need no entry.',
        default: [],
        examples: [[{ image: 'django', file: 'image-tags/production/app', path: 'image_tag' }]],
      }),
      retain: z.optional(z.int()).register(documentation, {
        title: 'Retain',
        description: 'The same as the top-level `retain`, for this environment.',
        absent: 'the top-level `retain`',
        examples: [25],
        minimum: RETAIN.least,
        maximum: RETAIN.most,
      }),
      confirm: z.optional(z.boolean()).register(documentation, {
        title: 'Confirm',
        description:
          'In a terminal, tagflow shows the plan and asks for confirmation before a release. It never asks in a CI job. `--yes` confirms in advance.',
        default: false,
        examples: [true],
      }),
      pullRequest: z.optional(z.boolean()).register(documentation, {
        title: 'Pull request',
        description:
          'Promotions and rollbacks do not push to the branch of the environment. Each pushes a separate branch (`tagflow/…`) and opens a pull request (GitLab: merge request) from it. After the merge, `tagflow apply` writes the tags.',
        default: false,
        examples: [true],
      }),
      hotfix: z.optional(z.enum(HOTFIX_ORDERS)).register(documentation, {
        title: 'Hotfix',
        description:
          'Where a fix goes first. `upstream-first`: to the trunk; tagflow refuses a promotion that would lose a commit made by hand. `environment-first`: directly to the environment; promotions keep the fix with a three-way merge, and `status` reports that it is not upstream yet, until it is.',
        default: 'upstream-first',
        examples: ['environment-first'],
      }),
      gates: gatesSchema,
      overrides: overridesSchema,
      journalBy: journalBySchema,
      verify: verifySchema,
      live: liveSchema,
      signedBy: z.optional(z.array(z.string())).register(documentation, {
        title: 'Signed by',
        description:
          'With `signing`: who may release to this environment. With `ssh`, list principals of the signers file; with `gpg`, fingerprints of primary keys.',
        absent: 'everybody in the signers file',
        examples: [['release-bot@example.com', 'ana@example.com']],
      }),
      signedAfter: z.optional(z.string()).register(documentation, {
        title: 'Signed after',
        description:
          'The head of the branch when `signing` was turned on, as a full commit id. Releases up to that commit need no signature; every later release does.',
        absent: 'every release needs a signature',
        examples: ['49469f1ed6c0cdd1159dec22b013d3c1e42f617c'],
        pattern: '^(?:[0-9a-f]{40}|[0-9a-f]{64})$',
      }),
    }),
  )
  .register(documentation, {
    title: 'Environment',
    description: 'An environment: its branch, its target tag and its folder. `{}` or an empty value uses the defaults.',
  });

const application = z
  .strictObject({
    path: z.optional(folders).register(documentation, {
      title: 'Path',
      description: `The application's folder, relative to the repository's root: its scope. ${PLACES}`,
      examples: ['apps/shop/{environment}', 'services/{application}/overlays/{environment}'],
    }),
    files: z.optional(files).register(documentation, {
      title: 'Files',
      description:
        'Files of the application, for repositories in which environments are files rather than folders. They may contain `{environment}` and `{application}`. You can combine `files` with `path`.',
      default: [],
      examples: [['charts/{application}/values-{environment}.yaml']],
    }),
    images: z.record(z.string(), image).register(documentation, {
      title: 'Images',
      description:
        'The images of the application, in the same form as the top-level `images`. Names are unique within the application. If the application is a pattern, names and repositories may contain `{application}`.',
      minProperties: 1,
      examples: [{ '{application}': { repository: 'registry.example.com/acme/{application}' } }],
    }),
    pins: z.optional(z.array(pin)).register(documentation, {
      title: 'Pins',
      description:
        'Fields that contain a pin, in files that tagflow does not recognise by itself, in every environment.',
      default: [],
      examples: [[{ image: 'web', file: 'charts/{application}/values-{environment}.yaml', path: 'web.tag' }]],
    }),
    environments: z
      .optional(
        z.record(
          environmentName,
          z
            .strictObject({
              path: z.optional(folders).register(documentation, {
                title: 'Path',
                description: 'Overrides the `path` of the application.',
                examples: ['apps/shop/production'],
              }),
              files: z.optional(files).register(documentation, {
                title: 'Files',
                description: 'Overrides the `files` of the application.',
                examples: [['apps/shop/values-production.yaml']],
              }),
              keep: z.optional(keep).register(documentation, {
                title: 'Keep',
                description: 'Overrides the `keep` of the environment.',
                examples: [['apps/shop/prd/secrets/**']],
              }),
            })
            .register(documentation, {
              title: 'Environment',
              description: 'Settings of the application that differ in one environment.',
            }),
        ),
      )
      .register(documentation, {
        title: 'Environments',
        description: 'Settings of the application that differ by environment.',
        default: {},
        examples: [{ prd: { keep: ['apps/shop/prd/secrets/**'] } }],
      }),
  })
  .register(documentation, {
    title: 'Application',
    description: 'Images and configuration that are released together.',
  });

const names = (title: string, description: string, example: Readonly<Record<string, string>>) =>
  z.optional(z.record(z.string(), z.string())).register(documentation, {
    title,
    description,
    default: {},
    examples: [example],
  });

const renamed = z.strictObject({
  applications: names('Applications', 'Old names of applications, each with its new name.', { storefront: 'shop' }),
  images: names(
    'Images',
    'Old names of images, each with its new name. In a repository with applications, an old name is `APPLICATION/IMAGE`.',
    {
      'shop/site': 'web',
    },
  ),
  environments: names('Environments', 'Old names of environments, each with its new name.', { production: 'prd' }),
});

const maxFileSize = z
  .union([
    z.int().register(documentation, {
      title: 'Bytes',
      description: 'A number of bytes.',
      minimum: FILE_SIZE.least,
      maximum: FILE_SIZE.most,
    }),
    z.string().register(documentation, {
      title: 'Size',
      description: 'A number of KiB or MiB.',
      pattern: '^[0-9]+(?:\\.[0-9]+)? ?(?:KiB|MiB)$',
    }),
  ])
  .register(documentation, {
    title: 'Largest file',
    description: 'The largest manifest that tagflow reads: from 1 KiB to 16 MiB.',
    default: '1MiB',
    examples: ['512KiB', 1_048_576],
  });

/** The shape of a whole tagflow.yaml. */
export const configSchema = z
  .strictObject({
    version: z.literal(1).register(documentation, {
      title: 'Version',
      description: 'The version of this file format: 1.',
      examples: [1],
    }),
    trunk: z.optional(z.string()).register(documentation, {
      title: 'Trunk',
      description: 'The branch that changes are merged into. tagflow reads `tagflow.yaml` from its head.',
      absent: "the remote's default branch",
      examples: ['main'],
      maxLength: 244,
    }),
    layout: z.optional(z.enum(['branches', 'folders'])).register(documentation, {
      title: 'Layout',
      description:
        '`branches`: each environment has its own branch. `folders`: all environments are on one branch, each in its own folders or files, and a release changes nothing outside of them.',
      default: 'branches',
      examples: ['folders'],
    }),
    branch: z.optional(z.string()).register(documentation, {
      title: 'Branch',
      description: 'With `layout: folders`: the branch of the environments.',
      absent: 'the trunk',
      examples: ['deploy'],
      maxLength: 244,
    }),
    images: z.optional(z.record(imageName, image)).register(documentation, {
      title: 'Images',
      description:
        'The images that releases are made of, by name: lower-case letters, digits, `.`, `_` and `-`. Either this or `applications`.',
      minProperties: 1,
      examples: [{ django: { repository: 'registry.example.com/acme/django' } }],
    }),
    applications: z.optional(z.record(z.string(), application)).register(documentation, {
      title: 'Applications',
      description:
        'Applications that are promoted and rolled back separately, by name. A key with a `*` is a pattern: it stands for every application that no other key names and whose folder or file exists in the trunk commit that this file is read from. An application cannot have the name of an environment.',
      minProperties: 1,
      examples: [
        {
          '*': {
            path: 'services/{application}/overlays/{environment}',
            images: { '{application}': { repository: 'registry.example.com/acme/{application}' } },
          },
        },
      ],
    }),
    maxApplications: z.optional(z.int()).register(documentation, {
      title: 'Most applications',
      description:
        'How many applications a pattern may match. tagflow reports a pattern that matches more as a mistake.',
      default: MAX_APPLICATIONS.usual,
      examples: [2000],
      minimum: 1,
      maximum: MAX_APPLICATIONS.most,
    }),
    renamed: z.optional(renamed).register(documentation, {
      title: 'Renamed',
      description:
        'Old names, each with its new name, so that both share one history: release numbers continue, the record moves with the next release, and locks and holds stay in force. Keep an entry as long as you need that history.',
      default: {},
      examples: [{ applications: { storefront: 'shop' } }],
    }),
    environments: z.record(environmentName, environment).register(documentation, {
      title: 'Environments',
      description:
        'The environments, by name: lower-case letters, digits, `.`, `_` and `-`. The flow between them cannot have cycles.',
      minProperties: 1,
      examples: [{ dev: {}, prd: { from: 'dev' } }],
    }),
    plainHttp: z.optional(z.array(z.string())).register(documentation, {
      title: 'Plain HTTP',
      description:
        'Registry hosts (`host` or `host:port`) that tagflow reaches without TLS. Loopback hosts need no entry. Traffic to these hosts is not encrypted, so tagflow sends credentials there only with `TAGFLOW_PLAIN_HTTP_CREDENTIALS`.',
      default: [],
      examples: [['registry.internal:5000']],
    }),
    retain: z.optional(z.int()).register(documentation, {
      title: 'Retain',
      description:
        'How many of the newest releases of an environment keep their per-release tags (`<tag>-<sequence>`), which keep their images in the registry. Releases with the same images and configuration count once, so that as many distinct releases keep their tags. tagflow removes the tags of older releases where the registry can remove a tag; the images stay. The running release and the release that a rollback would restore always keep their tags.',
      default: RETAIN.usual,
      examples: [25],
      minimum: RETAIN.least,
      maximum: RETAIN.most,
    }),
    maxFileSize: z.optional(maxFileSize),
    journal: z.optional(z.string()).register(documentation, {
      title: 'Journal',
      description:
        'The branch for locks, holds and approvals, and for nothing else. Its name cannot start with `tagflow/`. tagflow creates the branch when it is first needed.',
      absent: '`tagflow-journal`',
      examples: ['tagflow-journal'],
      maxLength: 244,
    }),
    sources: z.optional(sourcesSchema),
    forge: z.optional(z.enum(['github', 'gitlab'])).register(documentation, {
      title: 'Forge',
      description:
        'The forge that hosts the repository and its pull requests. Set it if the host name does not show which forge it is.',
      absent: 'derived from the host of the remote: github.com, gitlab.com, gitlab.example.com',
    }),
    signing: z.optional(z.enum(['ssh', 'gpg'])).register(documentation, {
      title: 'Signing',
      description:
        'Releases are signed commits. tagflow signs with an OpenSSH (`ssh`) or OpenPGP (`gpg`) key, and a release counts only with a valid signature of somebody who may release to that environment.',
      absent: 'nothing is signed, and no signature is required',
    }),
    signers: z.optional(z.string()).register(documentation, {
      title: 'Signers',
      description:
        'The file on the trunk that lists the people whose signatures count. With `ssh`, it is an allowed-signers file (ssh-keygen(1)); with `gpg`, it contains exported public keys.',
      absent: '`.tagflow/allowed_signers` with `ssh`, `.tagflow/signers.asc` with `gpg`',
      examples: ['.tagflow/allowed_signers'],
      pattern: RELATIVE,
    }),
    revoked: z.optional(z.string()).register(documentation, {
      title: 'Revoked',
      description:
        'The file on the trunk that lists keys whose signatures no longer count, including old signatures: public keys or a KRL (ssh-keygen(1)). For `ssh` only; with `gpg`, the exported keys contain their revocations.',
      absent: 'no key is revoked',
      examples: ['.tagflow/revoked_keys'],
      pattern: RELATIVE,
    }),
  })
  .register(documentation, {
    title: 'tagflow.yaml',
    description: 'Configuration of tagflow: the images, the environments, and how releases flow between them.',
  });

// `absent` is not a keyword of JSON Schema: editors read it as part of the description.
function override({ jsonSchema }: { readonly jsonSchema: { description?: string; absent?: string } }): void {
  if (jsonSchema.absent === undefined) return;
  jsonSchema.description = `${jsonSchema.description ?? ''} Default: ${jsonSchema.absent}.`;
  delete jsonSchema.absent;
}

/** The JSON Schema (draft 2020-12) of tagflow.yaml, for editors; plain data, the same at each call. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(configSchema, { target: 'draft-2020-12', metadata: documentation, io: 'input', override });
}
