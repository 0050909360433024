// Configurations for the tests of config/: one that is right, and a table of wrong ones with the words expected.

/** A configuration that uses every key. Tests change a line of it and look at what is said. */
export const WHOLE = String.raw`version: 1
trunk: main
images:
  django:
    repository: registry.example.com/acme/django
    versions: semver
    names: [django-image, acme/django]
  mariadb:
    repository: registry.example.com/acme/mariadb
  reports:
    repository: oci:./registry/reports
    versions: { pattern: '^main-(?<order>\d{14})-[0-9a-f]{7}$', order: numeric }
environments:
  dev:
    branch: dev
    tag: dev
    path: environments/dev
  stg:
    from: dev
  prd:
    from: stg
    repositories:
      django: registry.example.com/production/django
    keep: [environments/prd/secrets/**]
    pin: version+digest
    pins:
      - { image: django, file: image-tags/production/app, path: 'app.containers[0]["image.tag"]' }
    retain: 50
    pullRequest: false
    signedBy: [release-bot@example.com]
    signedAfter: 49469f1ed6c0cdd1159dec22b013d3c1e42f617c
plainHttp: [registry.internal:5000]
retain: 25
maxFileSize: 512KiB
forge: gitlab
signing: ssh
signers: .tagflow/signers
revoked: .tagflow/revoked
`;

/** The shortest configuration. Lines 1 to 5; `dev` is the only environment. */
export const SHORT = `version: 1
images:
  django: { repository: registry.example.com/acme/django }
environments:
  dev:
`;

/** A wrong configuration: what is wrong in words, the text, and the place and words of the mistake it must report. */
export interface WrongConfig {
  readonly title: string;
  readonly text: string;
  /** `line:column`. */
  readonly at: string;
  readonly path: string;
  /** What `what` and `fix` must say, each a part of it. */
  readonly what: string;
  readonly fix: string;
  /** Whether the shape alone is wrong, so that the JSON Schema refuses it as well. */
  readonly structural: boolean;
}

type Row = readonly [title: string, text: string, at: string, path: string, what: string, fix: string];

// The first environment's settings, as flow mappings on line 5; columns count from there.
const dev = (settings: string): string => SHORT.replace('  dev:\n', `  dev: ${settings}\n`);
const django = (settings: string): string => SHORT.replace(/\{ repository.*\}/, () => settings);
const top = (line: string): string => `${SHORT}${line}\n`;
const two = (first: string, second: string): string => SHORT.replace('  dev:\n', `  dev: ${first}\n  prd: ${second}\n`);
const pattern = (text: string, order = ''): string =>
  django(`{ repository: r.example.com/a, versions: { pattern: '${text}'${order} } }`);

const STRUCTURAL: readonly Row[] = [
  ['no version', SHORT.replace('version: 1\n', ''), '1:1', 'version', 'version is missing', 'version: 1'],
  [
    'another version',
    SHORT.replace('1', '2'),
    '1:10',
    'version',
    'version 2 of the format is not known',
    'newer tagflow',
  ],
  ['a version in quotes', SHORT.replace('1', "'1'"), '1:10', 'version', 'version "1" of the format', 'version: 1'],
  ['a list at the top', '- version: 1\n', '1:1', '', 'it is a list, and should be a map of keys', 'configuration.md'],
  ['bare text', 'tagflow\n', '1:1', '', 'it is text, and should be a map of keys', 'configuration.md'],
  [
    'no environments',
    SHORT.replace(/environments:\n.*\n/, ''),
    '1:1',
    'environments',
    'environments is missing',
    'for instance',
  ],
  [
    'an empty map of images',
    SHORT.replace(/images:\n.*\n/, 'images: {}\n'),
    '2:9',
    'images',
    'there is no image',
    'tagflow init',
  ],
  [
    'an empty map of environments',
    SHORT.replace('\n  dev:', ' {}'),
    '4:15',
    'environments',
    'there is no environment',
    'tagflow init',
  ],
  [
    'images without a value',
    SHORT.replace(/images:\n.*\n/, 'images:\n'),
    '2:8',
    'images',
    'it has no value, and should be a map',
    'for instance',
  ],
  [
    'environments as a list',
    SHORT.replace('  dev:', '  - dev'),
    '5:3',
    'environments',
    'it is a list, and should be a map',
    'for instance',
  ],
  [
    'an unknown key at the top',
    top('enviroments: {}'),
    '6:1',
    'enviroments',
    'there is no key "enviroments"',
    'did you mean environments?',
  ],
  [
    'an unknown key, far from any other',
    top('zebra: 1'),
    '6:1',
    'zebra',
    'there is no key "zebra"',
    'keys here: version, trunk, layout',
  ],
  [
    'a key of an environment at the top',
    top('retains: 3'),
    '6:1',
    'retains',
    'there is no key "retains"',
    'did you mean retain?',
  ],
  [
    'a key of an image in an environment',
    dev('{ versions: semver }'),
    '5:10',
    'environments.dev.versions',
    'there is no key "versions"',
    'versions belongs in an image',
  ],
  [
    'an unknown key of an image',
    django('{ repo: a.example.com/x, repository: r.example.com/a }'),
    '3:13',
    'images.django.repo',
    'there is no key "repo"',
    'keys here: repository, versions, names',
  ],
  [
    'plainHttp: true in an image',
    django('{ repository: r.example.com/a, plainHttp: true }'),
    '3:42',
    'images.django.plainHttp',
    'there is no key "plainHttp"',
    'list the host under plainHttp at the top level',
  ],
  ['a merge key', top('<<: {}'), '6:1', '["<<"]', 'there is no key "<<"', 'keys here'],
  [
    'an image without a repository',
    django('{ names: [x] }'),
    '3:3',
    'images.django.repository',
    'repository is missing',
    'repository: registry.example.com/acme/django',
  ],
  [
    'an image that is only text',
    django('registry.example.com/acme/django'),
    '3:11',
    'images.django',
    'it is text, and should be a map of keys',
    '',
  ],
  [
    'a repository that is a number',
    django('{ repository: 12 }'),
    '3:25',
    'images.django.repository',
    '12 is read as a number, not as text',
    "'12'",
  ],
  [
    'versions of an unknown kind',
    django('{ repository: r.example.com/a, versions: calver }'),
    '3:52',
    'images.django.versions',
    '"calver" is not a value of versions',
    'semver or unordered or a pattern',
  ],
  [
    'versions misspelt',
    django('{ repository: r.example.com/a, versions: semvar }'),
    '3:52',
    'images.django.versions',
    '"semvar" is not',
    'did you mean semver?',
  ],
  [
    'versions without a pattern',
    django('{ repository: r.example.com/a, versions: { order: numeric } }'),
    '3:42',
    'images.django.versions.pattern',
    'pattern is missing',
    '(?<order>',
  ],
  [
    'an order of another kind',
    pattern('^(?<order>[0-9]+)$', ', order: number'),
    '3:92',
    'images.django.versions.order',
    '"number" is not a value of order',
    'numeric',
  ],
  [
    'an unknown key of versions',
    pattern('^(?<order>[0-9]+)$', ', sort: numeric'),
    '3:85',
    'images.django.versions.sort',
    'there is no key "sort"',
    'order',
  ],
  [
    'names that are no list',
    django('{ repository: r.example.com/a, names: x }'),
    '3:49',
    'images.django.names',
    'it is text, and should be a list',
    'names: ["django-image"',
  ],
  ['an environment that is a list', dev('[]'), '5:8', 'environments.dev', 'it is a list, and should be a map', ''],
  [
    'a tag that is read as a number',
    dev('{ tag: 1.10 }'),
    '5:15',
    'environments.dev.tag',
    '1.10 is read as a number',
    "write it in quotes: '1.10'",
  ],
  [
    'a branch that is read as a truth value',
    dev('{ branch: true }'),
    '5:18',
    'environments.dev.branch',
    'true is read as true or false',
    "'true'",
  ],
  [
    'keep that is text',
    dev('{ keep: a/** }'),
    '5:16',
    'environments.dev.keep',
    'it is text, and should be a list',
    'keep: ["environments/prd/secrets/**"]',
  ],
  [
    'a keep entry without a value',
    dev('{ keep: [~] }'),
    '5:17',
    'environments.dev.keep[0]',
    'it has no value, and should be text',
    '',
  ],
  [
    'a pin style misspelt',
    dev('{ pin: digests }'),
    '5:15',
    'environments.dev.pin',
    '"digests" is not a value of pin',
    'did you mean digest?',
  ],
  [
    'a pin without its file',
    dev('{ pins: [{ image: django, path: a }] }'),
    '5:17',
    'environments.dev.pins[0].file',
    'file is missing',
    'file: ',
  ],
  [
    'an unknown key of a pin',
    dev('{ pins: [{ image: django, path: a, file: b, key: c }] }'),
    '5:52',
    'environments.dev.pins[0].key',
    'there is no key "key"',
    'keys here: image, file, path',
  ],
  [
    'plainHttp that is true',
    top('plainHttp: true'),
    '6:12',
    'plainHttp',
    'it is true or false, and should be a list',
    'registry.internal:5000',
  ],
  [
    'a name in upper case',
    SHORT.replace('dev', 'Dev'),
    '5:3',
    'environments.Dev',
    '"Dev" is not a name for an environment',
    'write dev',
  ],
  [
    'a name with a space',
    SHORT.replace('dev', 'my dev'),
    '5:3',
    'environments["my dev"]',
    '"my dev" is not a name',
    'lower-case letters',
  ],
  [
    'a name with a slash',
    SHORT.replace('django:', 'acme/django:'),
    '3:3',
    'images["acme/django"]',
    '"acme/django" is not a name',
    'joined by',
  ],
  [
    'a name that is too long',
    SHORT.replace('dev', 'd'.repeat(64)),
    '5:3',
    `environments.${'d'.repeat(64)}`,
    'has 64 characters',
    'at most 63',
  ],
  [
    'a name with an escape sequence',
    SHORT.replace('dev', '"\\e[31mdev"'),
    '5:3',
    'environments["\\u001b[31mdev"]',
    '\\u001b[31mdev',
    'lower-case',
  ],
  ['a tag with a slash', dev('{ tag: a/b }'), '5:15', 'environments.dev.tag', '"a/b" is not a tag', 'use another tag'],
  [
    'a tag that starts with a dash',
    dev('{ tag: -dev }'),
    '5:15',
    'environments.dev.tag',
    'a tag starts with a letter',
    '',
  ],
  [
    'a tag that leaves no room for the sequence',
    dev(`{ tag: ${'t'.repeat(118)} }`),
    '5:15',
    'environments.dev.tag',
    'has 118 characters, and -<sequence>',
    'at most 117',
  ],
  ['an absolute folder', dev('{ path: /srv }'), '5:16', 'environments.dev.path', 'it is absolute', "repository's root"],
  [
    'a folder outside the repository',
    dev('{ path: a/../../b }'),
    '5:16',
    'environments.dev.path',
    'it has a .. part',
    'without ..',
  ],
  [
    'a folder with backslashes',
    dev('{ path: a\\b }'),
    '5:16',
    'environments.dev.path',
    'it has a backslash',
    'write it with /: a/b',
  ],
  ['a folder on a drive', dev('{ path: "C:/a" }'), '5:16', 'environments.dev.path', 'it is absolute', ''],
  [
    'a repository without a host',
    django('{ repository: django }'),
    '3:25',
    'images.django.repository',
    'it names no registry host',
    'registry.example.com/django',
  ],
  [
    'a repository in upper case',
    django('{ repository: r.example.com/Acme }'),
    '3:25',
    'images.django.repository',
    'repository names are lower case',
    'write r.example.com/acme',
  ],
  [
    'a repository with a tag',
    django('{ repository: r.example.com/a:v1 }'),
    '3:25',
    'images.django.repository',
    'is an image, not a repository',
    'write r.example.com/a:',
  ],
  [
    'a pattern that is not anchored',
    pattern('main-(?<order>[0-9]+)'),
    '3:63',
    'images.django.versions.pattern',
    'it is not anchored',
    'write ^main-(?<order>[0-9]+)$',
  ],
  [
    'a pattern without the group',
    pattern('^main-([0-9]+)$'),
    '3:63',
    'images.django.versions.pattern',
    'it has no group named order',
    '(?<order>',
  ],
  ['too few releases to keep', top('retain: 0'), '6:9', 'retain', '0 is out of range', 'from 1 to 1000'],
  [
    'too many to keep in one environment',
    dev('{ retain: 1001 }'),
    '5:18',
    'environments.dev.retain',
    '1001 is out of range',
    'from 1 to 1000',
  ],
  [
    'another way of signing',
    top('signing: x509'),
    '6:10',
    'signing',
    '"x509" is not a value of signing',
    'write ssh or gpg',
  ],
  ['signers elsewhere', top('signing: ssh\nsigners: ../keys'), '7:10', 'signers', 'is not a path', ''],
  [
    'a short commit id',
    `${dev('{ signedAfter: 49469f1 }')}signing: ssh\n`,
    '5:23',
    'environments.dev.signedAfter',
    '"49469f1" is not a commit id',
    'write all 40',
  ],
  [
    'a pull request that is no yes or no',
    dev('{ pullRequest: github }'),
    '5:23',
    'environments.dev.pullRequest',
    'it is text',
    'pullRequest: true',
  ],
  ['a forge that is not known', top('forge: gitea'), '6:8', 'forge', '"gitea"', 'github'],
  ['half a release to keep', top('retain: 1.5'), '6:9', 'retain', 'it is a number', 'retain: 25'],
  ['a size too small', top('maxFileSize: 1'), '6:14', 'maxFileSize', '1 is out of range', 'from 1KiB to 16MiB'],
  ['a size in another unit', top('maxFileSize: 1 MB'), '6:14', 'maxFileSize', '"1 MB" is not a size', '512KiB'],
];

const BEYOND_SHAPE: readonly Row[] = [
  ['no images', SHORT.replace(/images:\n.*\n/, ''), '1:1', 'images', 'images is missing', 'images: {"django"'],
  [
    'signers without signing',
    top('signers: a'),
    '6:1',
    'signers',
    'signers has no effect without signing',
    'signing: ssh',
  ],
  [
    'revoked keys without signing',
    top('revoked: a'),
    '6:1',
    'revoked',
    'revoked has no effect without signing',
    'signing: ssh',
  ],
  [
    'roles without signing',
    dev('{ signedBy: [ana@example.com] }'),
    '5:10',
    'environments.dev.signedBy',
    'signedBy has no effect without signing',
    'signing: ssh',
  ],
  [
    'a beginning without signing',
    dev('{ signedAfter: 49469f1ed6c0cdd1159dec22b013d3c1e42f617c }'),
    '5:10',
    'environments.dev.signedAfter',
    'signedAfter has no effect without signing',
    'signing: ssh',
  ],
  [
    'a list of revoked keys for gpg',
    top('signing: gpg\nrevoked: a'),
    '7:1',
    'revoked',
    'no list of revoked keys',
    'export the keys',
  ],
  [
    'a principal that stands for many',
    `${dev("{ signedBy: ['*@example.com'] }")}signing: ssh\n`,
    '5:21',
    'environments.dev.signedBy[0]',
    '"*@example.com" is not a principal',
    'signers file',
  ],
  [
    'a principal that is an option',
    `${dev('{ signedBy: [-Overify-time=0] }')}signing: ssh\n`,
    '5:21',
    'environments.dev.signedBy[0]',
    '"-Overify-time=0" is not a principal',
    'signers file',
  ],
  [
    'a short fingerprint',
    `${dev('{ signedBy: [0123ABCD0123ABCD] }')}signing: gpg\n`,
    '5:21',
    'environments.dev.signedBy[0]',
    'is not a fingerprint',
    'all 40',
  ],
  ['nothing', '', '1:1', '', 'it is empty', 'tagflow init'],
  ['only comments', '# later\n', '1:1', '', 'it is empty', 'tagflow init'],
  ['a tab as indentation', 'version: 1\nimages:\n\tdjango: {}\n', '3:1', '', 'not YAML', 'indent with spaces'],
  ['a quote left open', top("trunk: 'main"), '7:1', '', 'not YAML', 'check the indentation'],
  ['a list left open', top('plainHttp: [a'), '7:1', '', 'not YAML', 'check the indentation'],
  ['a tag of YAML', top('trunk: !!binary bWFpbg=='), '6:17', 'trunk', 'it has the YAML tag', 'drop what starts with !'],
  ['two documents', `${SHORT}---\nversion: 1\n`, '6:1', '', 'it holds a second document', 'one document'],
  [
    'a key twice',
    SHORT.replace('  dev:\n', '  dev:\n  dev:\n'),
    '6:3',
    'environments.dev',
    'the key "dev" is there twice',
    'keep one',
  ],
  [
    'a prototype key',
    SHORT.replace('dev', '__proto__'),
    '5:3',
    'environments',
    'the key "__proto__" is not allowed',
    'another name',
  ],
  ['a key that is a list', top('[a]: 1'), '6:1', '', 'a key here is not plain text', 'a name as the key'],
  ['an alias without an anchor', top('trunk: *main'), '6:8', 'trunk', 'there is no anchor &main', 'the value itself'],
  [
    'an anchor that holds itself',
    top('plainHttp: &a [*a]'),
    '6:16',
    'plainHttp[0]',
    'nested deeper than 16',
    'fewer levels',
  ],
  [
    'more than 16 levels',
    top(`plainHttp: ${'['.repeat(20)}${']'.repeat(20)}`),
    '6:13',
    'plainHttp[0]',
    'nested deeper than 16',
    '',
  ],
  [
    'a branch with a space',
    dev('{ branch: a b }'),
    '5:18',
    'environments.dev.branch',
    '"a b" is not a branch name',
    'git check-ref-format',
  ],
  [
    'a branch in full',
    dev('{ branch: refs/heads/dev }'),
    '5:18',
    'environments.dev.branch',
    '"refs/heads/dev" is not a branch name',
    'write dev',
  ],
  ['a trunk that is no branch', top('trunk: a..b'), '6:8', 'trunk', '"a..b" is not a branch name', ''],
  [
    'a name that makes no branch',
    SHORT.replace('dev', 'dev.lock'),
    '5:3',
    'environments["dev.lock"].branch',
    '"dev.lock" is not a branch name',
    '',
  ],
  [
    'a branch that is the trunk',
    `${dev('{ branch: main }')}trunk: main\n`,
    '5:18',
    'environments.dev.branch',
    '"main" is also that of the trunk',
    'a branch of its own',
  ],
  [
    'a branch below the trunk',
    `${dev('{ branch: main/dev }')}trunk: main\n`,
    '5:18',
    'environments.dev.branch',
    'Git cannot hold the branches "main/dev" and "main" (the trunk) together',
    '',
  ],
  [
    'a trunk below the branch of an environment',
    `${dev('{ branch: main }')}trunk: main/line\n`,
    '5:18',
    'environments.dev.branch',
    'Git cannot hold the branches "main" and "main/line" (the trunk) together',
    '',
  ],
  [
    'a branch of another environment',
    two('{}', '{ branch: dev }'),
    '6:18',
    'environments.prd.branch',
    'also that of dev (line 5)',
    'of its own',
  ],
  [
    'a branch that is a folder of another',
    two('{ branch: env }', '{ branch: env/prd }'),
    '6:18',
    'environments.prd.branch',
    'Git cannot hold the branches "env/prd" and "env"',
    'rename one',
  ],
  [
    'branches that differ only by case',
    two('{ branch: Live }', '{ branch: live }'),
    '6:18',
    'environments.prd.branch',
    'differs from that of dev (line 5) only by case',
    '',
  ],
  [
    'an unknown environment upstream',
    two('{}', '{ from: dve }'),
    '6:16',
    'environments.prd.from',
    'there is no environment "dve"',
    'did you mean dev?',
  ],
  [
    'an environment from itself',
    dev('{ from: dev }'),
    '5:16',
    'environments.dev.from',
    'in a circle: dev takes from dev',
    'drop one',
  ],
  [
    'a circle of two',
    two('{ from: prd }', '{ from: dev }'),
    '5:16',
    'environments.dev.from',
    'dev takes from prd takes from dev',
    '',
  ],
  [
    'the same tag of the same repository',
    two('{}', '{ tag: dev }'),
    '6:15',
    'environments.prd.tag',
    '"dev" of registry.example.com/acme/django is also that of dev (line 5)',
    'a tag of its own',
  ],
  [
    'the same tag, the repository written another way',
    two('{}', '{ tag: dev, repositories: { django: "registry.example.com:443/acme/django" } }'),
    '6:15',
    'environments.prd.tag',
    'is also that of dev',
    '',
  ],
  [
    "a tag that another environment's releases take",
    two('{}', '{ tag: dev-7 }'),
    '6:15',
    'environments.prd.tag',
    '"dev-7" may be a release of dev (line 5)',
    'does not end in - and a number',
  ],
  [
    'a tag that is a version',
    dev('{ tag: "1.0" }'),
    '5:15',
    'environments.dev.tag',
    '"1.0" of this environment could be read as a version of django',
    'no version looks like',
  ],
  [
    "a release's tag that is a version",
    pattern('^[a-z]+-(?<order>[0-9]+)$'),
    '5:3',
    'environments.dev.tag',
    '"dev-1" of this environment could be read',
    '',
  ],
  [
    'a folder of another environment',
    `${two('{ path: e }', '{ path: e/ }')}layout: folders\n`,
    '6:16',
    'environments.prd.path',
    '"e" is also that of dev (line 5)',
    'its own',
  ],
  [
    'a folder within another',
    `${two('{ path: e }', '{ path: ./e/prd }')}layout: folders\n`,
    '6:16',
    'environments.prd.path',
    '"e/prd" and that of dev (line 5) lie within one another',
    'side by side',
  ],
  [
    'folders that differ only by case',
    `${two('{ path: E }', '{ path: e }')}layout: folders\n`,
    '6:16',
    'environments.prd.path',
    'is also that of dev',
    '',
  ],
  [
    'a folder in .git',
    dev('{ path: a/.GIT./b }'),
    '5:16',
    'environments.dev.path',
    'it leads into .git',
    'outside .git',
  ],
  [
    'the root as a folder',
    dev('{ path: . }'),
    '5:16',
    'environments.dev.path',
    'it is the repository itself',
    'inside it',
  ],
  [
    'a folder with an empty part',
    dev('{ path: a//b }'),
    '5:16',
    'environments.dev.path',
    'an empty or . part',
    'write a/b',
  ],
  [
    'a repository for an unknown image',
    dev('{ repositories: { djago: r.example.com/a } }'),
    '5:26',
    'environments.dev.repositories.djago',
    'there is no image "djago"',
    'did you mean django?',
  ],
  [
    'a repository that is an address',
    django('{ repository: "https://r.example.com/a" }'),
    '3:25',
    'images.django.repository',
    'a repository has no scheme',
    'write host/path',
  ],
  [
    'two images in one repository',
    SHORT.replace('environments', '  web: { repository: registry.example.com/acme/django }\nenvironments'),
    '4:22',
    'images.web.repository',
    'already stands for the image django (line 3)',
    'a field must name one image',
  ],
  [
    'a name that is another image',
    django('{ repository: r.example.com/a }\n  web: { repository: r.example.com/w, names: [django] }'),
    '4:47',
    'images.web.names[0]',
    '"django" already stands for the image django',
    '',
  ],
  [
    'a name with a tag',
    django('{ repository: r.example.com/a, names: ["x:1"] }'),
    '3:50',
    'images.django.names[0]',
    '"x:1" has a tag',
    'write x',
  ],
  [
    'a name listed twice',
    django('{ repository: r.example.com/a, names: [x, x] }'),
    '3:53',
    'images.django.names[1]',
    '"x" is listed twice',
    'once',
  ],
  [
    'a pin of an unknown image',
    dev('{ pins: [{ image: web, file: f, path: p }] }'),
    '5:26',
    'environments.dev.pins[0].image',
    'there is no image "web"',
    'images here: django',
  ],
  [
    'a pin outside the repository',
    dev('{ pins: [{ image: django, file: ../f, path: p }] }'),
    '5:40',
    'environments.dev.pins[0].file',
    'it has a .. part',
    '',
  ],
  [
    'a pin in the release record',
    dev('{ pins: [{ image: django, file: environments/dev/release.yaml, path: p }] }'),
    '5:40',
    'environments.dev.pins[0].file',
    'is written by tagflow itself',
    'name a manifest',
  ],
  [
    'a pin in the configuration',
    dev('{ pins: [{ image: django, file: tagflow.yaml, path: p }] }'),
    '5:40',
    'environments.dev.pins[0].file',
    'is written by tagflow itself',
    '',
  ],
  [
    'a pin listed twice',
    dev('{ pins: [{ image: django, file: f, path: p }, { image: django, file: f, path: p }] }'),
    '5:54',
    'environments.dev.pins[1]',
    'this field of "f" is listed twice',
    '',
  ],
  [
    'a field path with two dots',
    dev('{ pins: [{ image: django, file: f, path: a..b }] }'),
    '5:49',
    'environments.dev.pins[0].path',
    '"a..b" is not a field path',
    'app.images[0].tag',
  ],
  ['a glob that is absolute', dev('{ keep: [/a] }'), '5:17', 'environments.dev.keep[0]', 'it is absolute', ''],
  [
    'a glob with an exception',
    dev('{ keep: ["!a"] }'),
    '5:17',
    'environments.dev.keep[0]',
    'has no exceptions',
    'without !',
  ],
  [
    'a glob that ends with a slash',
    dev('{ keep: [a/] }'),
    '5:17',
    'environments.dev.keep[0]',
    'matches no file',
    'write a/**',
  ],
  [
    'a glob with a bracket left open',
    dev('{ keep: ["a[b"] }'),
    '5:17',
    'environments.dev.keep[0]',
    'a bracket is left open',
    'close each',
  ],
  [
    'a glob with ** in a name',
    dev('{ keep: ["a**/b"] }'),
    '5:17',
    'environments.dev.keep[0]',
    '** stands alone',
    '**/*.yaml',
  ],
  [
    'a pattern that is no expression',
    pattern('^(?<order>[0-9]+$'),
    '3:63',
    'images.django.versions.pattern',
    'it is not a regular expression: unterminated group',
    '',
  ],
  [
    'a pattern anchored in one alternative',
    pattern('^a(?<order>[0-9])|b$'),
    '3:63',
    'images.django.versions.pattern',
    'it is not anchored',
    'write ^(?:a(?<order>[0-9])|b)$',
  ],
  [
    'a pattern that takes exponential time',
    pattern('^(?<order>(?:[0-9]+)+)$'),
    '3:63',
    'images.django.versions.pattern',
    'it may take very long',
    'bound the repetitions',
  ],
  [
    'a branch where those of pull requests are',
    dev('{ pullRequest: true, branch: tagflow/dev }'),
    '5:37',
    'environments.dev.branch',
    '"tagflow/dev" is where the branches of pull requests are',
    'use another name',
  ],
  [
    'a plain HTTP host with a path',
    top('plainHttp: [a.b/c]'),
    '6:13',
    'plainHttp[0]',
    '"a.b/c" is not a registry host',
    'host:port',
  ],
  [
    'a plain HTTP host with a scheme',
    top('plainHttp: ["http://a.b"]'),
    '6:13',
    'plainHttp[0]',
    'is an address, not a host',
    'without http://',
  ],
];

const wrong = (rows: readonly Row[], structural: boolean): readonly WrongConfig[] =>
  rows.map(([title, text, at, path, what, fix]) => ({ title, text, at, path, what, fix, structural }));

/** Every wrong configuration of the table. */
export const WRONG: readonly WrongConfig[] = [...wrong(STRUCTURAL, true), ...wrong(BEYOND_SHAPE, false)];
