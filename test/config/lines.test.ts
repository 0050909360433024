import { describe, expect, it } from 'vitest';
import { applicationFolders, parseConfig } from '../../src/config/config.ts';
import type { Problem } from '../../src/config/problems.ts';
import { chooseLines, lineOf, taggedIn } from '../../src/model/pipeline.ts';
import { refusal } from '../support/failure.ts';

const SHOP = `version: 1
layout: folders
applications:
  shop:
    path: apps/shop/{environment}
    images:
      web: { repository: registry.example.com/shop/web }
      worker: { repository: registry.example.com/shop/worker, environments: [dev, stg] }
    environments: { prd: { keep: ['secrets/**'] } }
  '*':
    path: services/{application}/overlays/{environment}
    images:
      '{application}': { repository: 'registry.example.com/acme/{application}' }
environments:
  dev: {}
  stg: { from: dev }
  prd: { from: stg }
`;

const FILES = [
  'services/cart/base/kustomization.yaml',
  'services/cart/overlays/dev/kustomization.yaml',
  'services/cart/overlays/stg/kustomization.yaml',
  'services/cart/overlays/prd/kustomization.yaml',
  'services/mail/overlays/dev/kustomization.yaml',
  'services/mail/overlays/prd/kustomization.yaml',
  'services/README.md',
];

const ONE = `version: 1
images: { web: { repository: r.example.com/web } }
environments:
`;

const problems = (text: string, files: readonly string[] = FILES): readonly string[] => {
  const error = refusal(() => parseConfig(text, 'tagflow.yaml', { files }));
  return (error.details['problems'] as readonly Problem[]).map(
    ({ line, path, what, fix }) => `${line} ${path}: ${what}; ${fix}`,
  );
};

describe('release lines', () => {
  it('are the environments of a repository without applications', () => {
    const { lines, environments, applications } = parseConfig(`${ONE}  dev:\n  prd: { from: dev }\n`);
    expect([...lines]).toEqual([...environments]);
    expect(applications).toEqual([]);
    expect(lines.get('prd')).toMatchObject({ name: 'prd', environment: 'prd', application: undefined, from: 'dev' });
  });

  it('are the applications, named and found, in each environment that has them', () => {
    const { lines, applications } = parseConfig(SHOP, 'tagflow.yaml', { files: FILES });
    expect(applications).toEqual(['cart', 'mail', 'shop']);
    expect([...lines.keys()]).toEqual([
      'dev/cart',
      'dev/mail',
      'dev/shop',
      'stg/cart',
      'stg/shop',
      'prd/cart',
      'prd/mail',
      'prd/shop',
    ]);
  });

  it('have scopes, images and what an environment says otherwise', () => {
    const { lines } = parseConfig(SHOP, 'tagflow.yaml', { files: FILES });
    expect(lines.get('prd/shop')).toMatchObject({
      environment: 'prd',
      application: 'shop',
      scope: { folders: ['apps/shop/prd'], files: [] },
      keep: ['secrets/**'],
      carries: 'files',
      tag: 'prd',
      branch: 'main',
    });
    expect([...(lines.get('prd/shop')?.images.keys() ?? [])]).toEqual(['web']);
    expect([...(lines.get('stg/shop')?.images.keys() ?? [])]).toEqual(['web', 'worker']);
    expect(lines.get('prd/cart')?.images.get('cart')?.repository.name).toBe('registry.example.com/acme/cart');
  });

  it('take from the nearest environment upstream that has the application', () => {
    const { lines } = parseConfig(SHOP, 'tagflow.yaml', { files: FILES });
    expect([lines.get('prd/cart')?.from, lines.get('prd/mail')?.from]).toEqual(['stg/cart', 'dev/mail']);
  });

  it('are values files where environments are files', () => {
    const text = SHOP.replace(
      'path: services/{application}/overlays/{environment}',
      "files: ['charts/{application}/values-{environment}.yaml']",
    );
    const { lines } = parseConfig(text, 'tagflow.yaml', {
      files: ['charts/a/values-dev.yaml', 'charts/a-b/values-dev.yaml', 'charts/a/values.yaml'],
    });
    expect(lines.get('dev/a-b')?.scope).toEqual({ folders: [], files: ['charts/a-b/values-dev.yaml'] });
    expect(lines.has('stg/a')).toBe(false);
  });

  it('are on the branch that says so, or on the trunk', () => {
    const folders = `layout: folders\n${ONE}  dev:\n  prd: { from: dev }\n`;
    const branch = (text: string, defaultBranch?: string): string | undefined =>
      parseConfig(text, 'tagflow.yaml', { defaultBranch: defaultBranch as never }).lines.get('prd')?.branch;
    expect(branch(`${folders}branch: deploy\n`)).toBe('deploy');
    expect(branch(`${folders}trunk: develop\n`)).toBe('develop');
    expect(branch(folders, 'master')).toBe('master');
  });

  it('may have one path on two branches', () => {
    const { lines } = parseConfig(`${ONE}  dev: { path: app }\n  prd: { path: app, from: dev }\n`);
    expect([...lines.values()].map(({ scope }) => scope.folders)).toEqual([['app'], ['app']]);
  });

  it('have tags that tell them apart', () => {
    const { lines } = parseConfig(
      `${ONE}  dev: { tag: 'shop-{environment}', releaseTag: 'team-a-{environment}' }\n  prd: { tags: false }\n`,
    );
    const dev = lineOf(parseConfig(`${ONE}  dev:\n`), 'dev');
    expect(lines.get('dev')).toMatchObject({ tag: 'shop-dev', releaseTag: 'team-a-dev', tags: true });
    expect(taggedIn(lines.get('prd') ?? dev, [{ name: 'web' }])).toEqual([]);
    expect(taggedIn(dev, [{ name: 'web' }])).toEqual([{ name: 'web' }]);
  });

  it('have pins with their placeholders filled, one for each image', () => {
    const pins = `    pins: [{ image: '*', file: 'apps/{application}/{environment}.yaml', path: 'images.{image}.tag', pin: version }]\n`;
    const { lines } = parseConfig(
      SHOP.replace('    environments: { prd', () => `${pins}    environments: { prd`),
      'x',
      {
        files: FILES,
      },
    );
    expect(lines.get('dev/shop')?.pins).toEqual([
      { image: 'web', file: 'apps/shop/dev.yaml', path: ['images', 'web', 'tag'], pin: 'version' },
      { image: 'worker', file: 'apps/shop/dev.yaml', path: ['images', 'worker', 'tag'], pin: 'version' },
    ]);
  });

  it('are a thousand in a moment', () => {
    const files = Array.from({ length: 400 }, (_, index) =>
      ['dev', 'stg', 'prd'].map((name) => `services/s${index}/overlays/${name}/kustomization.yaml`),
    ).flat();
    const started = performance.now();
    expect(parseConfig(SHOP, 'tagflow.yaml', { files }).lines.size).toBe(1203);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('a pattern', () => {
  it('asks for the files below what is literal in it, and nothing where there is none', () => {
    expect(applicationFolders(SHOP)).toEqual(['services']);
    const everywhere = "'{application}/overlays/{environment}'";
    expect(applicationFolders(SHOP.replace('services/{application}/overlays/{environment}', everywhere))).toEqual(['']);
    expect(applicationFolders(ONE)).toEqual([]);
  });

  it('invents no application from a name that none can have', () => {
    const { applications } = parseConfig(SHOP, 'x', {
      files: [...FILES, 'services/Bad Name/overlays/dev/a.yaml', 'services/shop/overlays/dev/a.yaml'],
    });
    expect(applications).toEqual(['cart', 'mail', 'shop']);
  });

  it('matches something, and not more than maxApplications', () => {
    expect(problems(SHOP, [])).toEqual([
      '10 applications["*"]: it matches no folder and no file at the head of the trunk; correct its path or files, or remove it',
    ]);
    expect(problems(`${SHOP}maxApplications: 1\n`)).toEqual([
      '10 applications["*"]: it matches 2 applications: cart, mail and others; narrow the pattern, or raise maxApplications (1 now)',
    ]);
  });
});

describe('applications that are wrong', () => {
  const folders = `layout: folders\n${ONE}`;
  it.each([
    ['images beside applications', `${SHOP}images: { a: { repository: r.example.com/a } }\n`, 'exclude each other'],
    ['neither', 'version: 1\nenvironments: { dev: }\n', 'images is missing'],
    [
      'the name of an environment',
      SHOP.replace('  shop:', '  dev:'),
      '"dev" is both an application and an environment',
    ],
    ['no path', SHOP.replace('    path: apps/shop/{environment}\n', ''), 'it has neither path nor files in dev'],
    [
      'a path of an environment',
      SHOP.replace('dev: {}', 'dev: { path: e }'),
      'with applications, each application has its own paths',
    ],
    [
      'one path for all',
      SHOP.replace('apps/shop/{environment}', 'apps/shop'),
      'use {environment} and {application} to tell',
    ],
    ['an unknown placeholder', SHOP.replace('shop/{environment}', 'shop/{enviroment}'), 'did you mean {environment}?'],
    [
      'a placeholder of another place',
      `${folders}  dev: { path: 'a/{application}' }\n`,
      'placeholders here: {environment}',
    ],
    [
      'no {application} in a pattern',
      SHOP.replace('services/{application}', 'services/x'),
      'do not contain {application}',
    ],
    ['scopes in one another', `${folders}  dev: { path: e }\n  prd: { path: e/prd }\n`, 'are nested'],
    ['a file in the scope of another', `${folders}  dev: { path: e }\n  prd: { files: [e/prd.yaml] }\n`, 'are nested'],
    ['the folder of records', `${folders}  dev: { path: .tagflow/releases }\n`, 'is reserved: tagflow writes it'],
    ['a branch for one', `${folders}  dev: { branch: dev }\n`, 'all environments are on one branch'],
    ['a branch for all without folders', `branch: x\n${ONE}  dev:\n`, 'each environment has its own branch'],
    ['carry without folders', `${ONE}  dev:\n  prd: { from: dev, carry: [a] }\n`, 'carry has no effect'],
    ['carry from nowhere', `${folders}  dev: { carry: [a] }\n`, 'has no upstream environment'],
    [
      'an unknown environment of an image',
      ONE.replace('web }', 'web, environments: [dve] }') + '  dev:\n',
      'did you mean dev?',
    ],
    ['an unknown environment of an application', SHOP.replace('{ prd: {', '{ pdr: {'), 'there is no environment "pdr"'],
    [
      'repositories without tags',
      `${ONE}  dev: { tags: false, repositories: { web: r.example.com/x } }\n`,
      'tags: false',
    ],
    [
      'the target without tags',
      `${ONE}  dev: { tags: false, pin: target }\n`,
      'with tags: false tagflow writes no tags',
    ],
    ['no more tags than versions', `maxApplications: 0\n${ONE}  dev:\n`, 'write a number from 1'],
    ['an old name that is a path', `${SHOP}renamed: { environments: { '..': prd } }\n`, 'not a valid former name'],
    ['a new name that is not there', `${SHOP}renamed: { applications: { store: shp } }\n`, 'did you mean shop?'],
    [
      'an old name that is there',
      `${SHOP}renamed: { applications: { shop: cart } }\n`,
      'the application "shop" still exists',
    ],
  ])('have %s', (_, text, words) => {
    const found = problems(text);
    expect(found.join('\n')).toContain(words);
  });

  it('own a tag of one repository together: the way out is named', () => {
    const shared = SHOP.replace("'registry.example.com/acme/{application}'", 'registry.example.com/acme/all');
    expect(problems(shared).join('\n')).toContain("tag: '{application}-{environment}'");
    expect(problems(shared)).toHaveLength(2);
    const tag = "tag: '{application}-{environment}'";
    const apart = shared
      .replace('dev: {}', `dev: { ${tag} }`)
      .replace('stg: {', `stg: { ${tag},`)
      .replace('prd: { from', `prd: { ${tag}, from`);
    expect(parseConfig(apart, 'x', { files: FILES }).lines.get('prd/mail')?.tag).toBe('mail-prd');
  });

  it('are reported once for each place, however many lines have the mistake', () => {
    const text = SHOP.replace("'registry.example.com/acme/{application}'", "'https://x/{application}'");
    expect(problems(text)).toHaveLength(1);
  });
});

describe('words on a command line', () => {
  const pipeline = parseConfig(SHOP, 'tagflow.yaml', { files: FILES });
  const names = (environment: string, words: readonly string[], all = false): readonly string[] =>
    chooseLines(pipeline, environment, words, all).map(({ name }) => name);

  it('name applications, or patterns of them, in the order of the configuration', () => {
    expect(names('prd', ['shop', 'cart'])).toEqual(['prd/cart', 'prd/shop']);
    expect(names('prd', ['*a*'])).toEqual(['prd/cart', 'prd/mail']);
    expect(names('stg', [], true)).toEqual(['stg/cart', 'stg/shop']);
  });

  it('are missed where an environment has several', () => {
    expect(() => names('prd', [])).toThrow('prd has 3 applications, and the command names none');
  });

  it.each(['mail', 'x*'])('name nothing that the environment has not: %s', (word) => {
    expect(() => names('stg', [word])).toThrow(expect.objectContaining({ code: 'application-not-found' }));
  });

  it('say the new name of what was renamed', () => {
    const renamed = parseConfig(`${SHOP}renamed: { applications: { storefront: shop } }\n`, 'x', { files: FILES });
    expect(() => chooseLines(renamed, 'prd', ['storefront'])).toThrow(
      expect.objectContaining({ fix: 'it was renamed: write shop' }),
    );
  });

  it('need not name the only line', () => {
    const one = parseConfig(`${ONE}  dev:\n`);
    expect(chooseLines(one, 'dev', []).map(({ name }) => name)).toEqual(['dev']);
    expect(() => chooseLines(one, 'dev', ['shop'])).toThrow('dev has no application "shop"');
  });
});
