// What init recognises: layouts, environments, applications and images, by the shapes that repositories have.
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { draftConfig } from '../../src/config/draft-config.ts';
import { recogniseLayout } from '../../src/config/recognise/layout.ts';
import type { SeenImage, Survey } from '../../src/config/recognise/survey.ts';
import type { Pipeline } from '../../src/model/pipeline.ts';

const WEB = 'registry.example.com/acme/web';
const API = 'registry.example.com/acme/api';

type Seen = Partial<SeenImage> & { readonly path: string };

function surveyOf(images: readonly Seen[], more: Partial<Survey> = {}): Survey {
  const seen = images.map((image) => ({ field: 'image', form: 'object', name: WEB, tag: '1.0.0', ...image }));
  return {
    branches: [],
    builds: new Map(),
    ...more,
    images: seen,
    paths: [...new Set([...seen.map(({ path }) => path), ...(more.paths ?? [])])],
  };
}

function drafted(survey: Survey): Pipeline {
  return parseConfig(draftConfig(recogniseLayout(survey)), 'tagflow.yaml', { files: survey.paths });
}

function scopesOf({ lines }: Pipeline): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries([...lines].map(([name, { scope }]) => [name, [...scope.folders, ...scope.files]]));
}

const both = (path: string, more: Partial<SeenImage> = {}): readonly Seen[] =>
  ['dev', 'prod'].map((environment) => ({ path: path.replace('ENV', environment), ...more }));

describe('a layout', () => {
  it.each<[string, Survey, Readonly<Record<string, readonly string[]>>]>([
    ['folders of environments', surveyOf(both('env/ENV/app.yaml')), { dev: ['env/dev'], prod: ['env/prod'] }],
    [
      'applications × environments',
      surveyOf([...both('web/overlays/ENV/k.yaml'), ...both('api/overlays/ENV/k.yaml', { name: API })]),
      {
        'dev/api': ['api/overlays/dev'],
        'dev/web': ['web/overlays/dev'],
        'prod/api': ['api/overlays/prod'],
        'prod/web': ['web/overlays/prod'],
      },
    ],
    [
      'environments × applications',
      surveyOf([...both('env/ENV/web/k.yaml'), ...both('env/ENV/api/k.yaml', { name: API })]),
      {
        'dev/api': ['env/dev/api'],
        'dev/web': ['env/dev/web'],
        'prod/api': ['env/prod/api'],
        'prod/web': ['env/prod/web'],
      },
    ],
    [
      'values files of one chart',
      surveyOf(both('chart/values-ENV.yaml', { form: 'values' })),
      { dev: ['chart/values-dev.yaml'], prod: ['chart/values-prod.yaml'] },
    ],
    [
      'values files of several charts, with the environment in front',
      surveyOf([...both('web/ENV.values.yaml', { form: 'values' }), ...both('api/ENV.values.yaml', { name: API })]),
      {
        'dev/api': ['api/dev.values.yaml'],
        'dev/web': ['web/dev.values.yaml'],
        'prod/api': ['api/prod.values.yaml'],
        'prod/web': ['web/prod.values.yaml'],
      },
    ],
    [
      'a release of Flux in a file of its own for each application',
      surveyOf([
        ...both('apps/ENV/web.yaml', { form: 'helm-release' }),
        ...both('apps/ENV/api.yaml', { form: 'helm-release', name: API }),
      ]),
      {
        'dev/api': ['apps/dev/api.yaml'],
        'dev/web': ['apps/dev/web.yaml'],
        'prod/api': ['apps/prod/api.yaml'],
        'prod/web': ['apps/prod/web.yaml'],
      },
    ],
    [
      'objects of one application in the folder of an environment',
      surveyOf([...both('apps/ENV/web.yaml'), ...both('apps/ENV/worker.yaml', { name: API })]),
      { dev: ['apps/dev'], prod: ['apps/prod'] },
    ],
    [
      'applications in the folder of a team',
      surveyOf([...both('eu/ENV/team-a/web/k.yaml'), ...both('eu/ENV/team-a/api/k.yaml', { name: API })]),
      {
        'dev/api': ['eu/dev/team-a/api'],
        'dev/web': ['eu/dev/team-a/web'],
        'prod/api': ['eu/prod/team-a/api'],
        'prod/web': ['eu/prod/team-a/web'],
      },
    ],
    [
      'folders that are called as hosts',
      surveyOf([{ path: 'qa.example.org/versions.json' }, { path: 'prod.example.org/versions.json' }]),
      { qa: ['qa.example.org'], prod: ['prod.example.org'] },
    ],
    [
      'environments whose names mean other things where they stand alone',
      surveyOf([{ path: 'helm/values_sandbox.yaml' }, { path: 'helm/values_live.yaml' }]),
      { sandbox: ['helm/values_sandbox.yaml'], live: ['helm/values_live.yaml'] },
    ],
    [
      'folders with numbers in front',
      surveyOf([{ path: 'app/01-dev/v.yaml' }, { path: 'app/02-stage/v.yaml' }, { path: 'app/03-prod/v.yaml' }]),
      { '01-dev': ['app/01-dev'], '02-stage': ['app/02-stage'], '03-prod': ['app/03-prod'] },
    ],
    [
      'a repository without environments',
      surveyOf([{ path: 'deploy/app.yaml' }, { path: 'compose.yaml', name: API, form: 'compose' }]),
      { production: ['deploy', 'compose.yaml'] },
    ],
  ])('of %s is found', (_, survey, scopes) => {
    const pipeline = drafted(survey);
    expect(pipeline.layout).toBe('folders');
    expect(scopesOf(pipeline)).toEqual(scopes);
  });

  it('names an application after the folder around its environments where nothing else tells', () => {
    const survey = surveyOf([...both('stages/ENV/app.yaml'), ...both('database/stages/ENV/app.yaml', { name: API })]);
    expect(recogniseLayout(survey).applications.map(({ name }) => name)).toEqual(['stages', 'database']);
  });

  it('of branches is found by the branches of the remote', () => {
    const found = surveyOf([{ path: 'k8s/app.yaml' }], { branches: ['main', 'staging', 'env/prod'], trunk: 'main' });
    const pipeline = drafted(found);
    expect([pipeline.layout, scopesOf(pipeline)]).toEqual(['branches', { staging: ['k8s'], prod: ['k8s'] }]);
    expect([...pipeline.lines.values()].map(({ branch }) => branch)).toEqual(['staging', 'env/prod']);
  });

  it('has an environment in one folder under two names once', () => {
    const web = [{ path: 'web/dev/a.yaml' }, { path: 'web/prod/a.yaml' }];
    const api = [
      { path: 'api/dev/a.yaml', name: API },
      { path: 'api/production/a.yaml', name: API },
    ];
    const pipeline = drafted(surveyOf([...web, ...api]));
    expect([...pipeline.environments.keys()]).toEqual(['dev', 'prod']);
    expect(scopesOf(pipeline)).toMatchObject({ 'prod/api': ['api/production'], 'prod/web': ['web/prod'] });
  });

  it('has no application where nothing names an image, and says so', () => {
    const paths = ['docs/dev/a.yaml', 'infra/dev/a.yaml', 'infra/prod/a.yaml'];
    const found = recogniseLayout(surveyOf(both('web/ENV/a.yaml'), { paths }));
    expect([found.applications.map(({ name }) => name), found.without]).toEqual([[''], ['infra/{environment}']]);
  });

  it('leaves an application out of the environments that it has no folder in', () => {
    const paths = [...both('web/ENV/a.yaml'), { path: 'api/dev/a.yaml', name: API }];
    expect(Object.keys(scopesOf(drafted(surveyOf(paths)))).toSorted()).toEqual(['dev/api', 'dev/web', 'prod/web']);
  });

  it('is sure where every name says where it stands, and a guess where none does', () => {
    const certainty = (...names: readonly string[]): string =>
      recogniseLayout(surveyOf(names.map((name) => ({ path: `env/${name}/a.yaml` })))).certainty;
    expect([certainty('dev', 'prod'), certainty('dev', 'canary', 'prod'), certainty('prod')]).toEqual([
      'sure',
      'likely',
      'a guess',
    ]);
  });

  it('puts a cluster on somebody’s own machine beside the first environment, and upstream of none', () => {
    const names = ['dev', 'staging', 'local', 'prod'];
    const survey = surveyOf(names.map((name) => ({ path: `env/${name}/app.yaml` })));
    expect([...drafted(survey).environments.values()].map(({ name, from }) => [name, from])).toEqual([
      ['dev', undefined],
      ['local', undefined],
      ['staging', 'dev'],
      ['prod', 'staging'],
    ]);
  });

  it('gives each region the environment before it of the same region', () => {
    const names = ['qa', 'staging-eu', 'staging-us', 'prod-eu', 'prod-us'];
    const { environments } = drafted(surveyOf(names.map((name) => ({ path: `envs/${name}/a.yaml` }))));
    expect([...environments.values()].map(({ name, from }) => [name, from])).toEqual([
      ['qa', undefined],
      ['staging-eu', 'qa'],
      ['staging-us', 'qa'],
      ['prod-eu', 'staging-eu'],
      ['prod-us', 'staging-us'],
    ]);
  });
});

describe('images', () => {
  it('are those that a base names, where the overlay names none', () => {
    const overlays = ['dev', 'prod'].map((name) => `web/${name}/kustomization.yaml`);
    const base = { path: 'web/base/deploy.yaml' };
    const survey = surveyOf([base], { paths: overlays, builds: new Map(overlays.map((path) => [path, [base.path]])) });
    const pipeline = drafted(survey);
    expect([scopesOf(pipeline), [...pipeline.images.keys()]]).toEqual([
      { dev: ['web/dev'], prod: ['web/prod'] },
      ['web'],
    ]);
  });

  it('are not the names that an entry of kustomize replaces', () => {
    const base = { path: 'web/base/deploy.yaml', name: 'web' };
    const entries = both('web/ENV/kustomization.yaml', { form: 'kustomize', replaces: 'web' });
    const builds = new Map(entries.map(({ path }) => [path, [base.path]]));
    expect(
      [...drafted(surveyOf([base, ...entries], { builds })).images.values()].map(({ repository }) => repository.name),
    ).toEqual([WEB]);
  });

  it('are left out where their name is not a registry’s, or a tool fills it in', () => {
    const images = ['nginx', '{{ .image }}', '${REGISTRY}/web', WEB].flatMap((name) =>
      both('env/ENV/a.yaml', { name }),
    );
    const found = recogniseLayout(surveyOf(images));
    expect([...drafted(surveyOf(images)).images.keys()]).toEqual(['web']);
    expect(draftConfig(found)).toContain('# left out, as it has no registry host or no version: nginx');
  });

  it('are left out where nothing pins them to a version and others are', () => {
    const images = [...both('env/ENV/a.yaml'), ...both('env/ENV/b.yaml', { name: API, tag: undefined })];
    expect([...drafted(surveyOf(images)).images.keys()]).toEqual(['web']);
  });

  it('of Docker’s library are pinned and never tagged, where there are no others', () => {
    const { images } = drafted(surveyOf(both('env/ENV/a.yaml', { name: 'redis' })));
    expect([...images.values()].map(({ repository, tags }) => [repository.name, tags])).toEqual([
      ['docker.io/library/redis', false],
    ]);
  });

  it('that two applications share have tags with the application in them', () => {
    const { lines } = drafted(surveyOf([...both('web/ENV/a.yaml'), ...both('api/ENV/a.yaml')]));
    expect(lines.get('prod/web')?.tag).toBe('web-prod');
  });

  it('of three applications of one shape are one pattern', () => {
    const names = ['api', 'shop', 'web'];
    const images = names.flatMap((name) =>
      both(`svc/${name}/ENV/a.yaml`, { name: `registry.example.com/acme/${name}` }),
    );
    const text = draftConfig(recogniseLayout(surveyOf(images)));
    expect(text).toContain('  \'*\':\n    path: "svc/{application}/{environment}"');
    expect(drafted(surveyOf(images)).applications).toEqual(names);
  });

  it.each([
    [['1.0', 'v2.1.0'], 'semver'],
    [['latest', 'main'], 'semver'],
    [['0e4c9bd', 'f23a11c9d2'], 'unordered'],
    [['v1796', '0e4c9bd'], 'list'],
    [['main-20240101120000-0e4c9bd'], 'pattern'],
  ])('with tags %j have versions that are %s', (tags, kind) => {
    const images = tags.flatMap((tag) => both('env/ENV/a.yaml', { tag }));
    const [image] = drafted(surveyOf(images)).images.values();
    expect(image?.versions.kind).toBe(kind);
  });
});

describe('fields that tagflow.yaml has to name', () => {
  it('are those that only the shared values hold', () => {
    const shared = { path: 'chart/values.yaml', form: 'values', field: 'image.tag' };
    const paths = ['chart/values-dev.yaml', 'chart/values-prod.yaml'];
    const builds = new Map(paths.map((path) => [path, [shared.path]]));
    const { lines } = drafted(surveyOf([shared], { paths, builds }));
    expect(lines.get('prod')?.pins).toEqual([{ image: 'web', file: 'chart/values-prod.yaml', path: ['image', 'tag'] }]);
  });

  it('are those of a base’s Helm release that the environment’s own patch of it lacks', () => {
    const release = { path: 'apps/base/release.yaml', form: 'helm-release', field: 'spec.values.web.tag' };
    const own = ['dev', 'prod'].map((name) => `apps/${name}/values.yaml`);
    const kustomizations = ['dev', 'prod'].map((name) => `apps/${name}/kustomization.yaml`);
    const builds = new Map(kustomizations.map((path) => [path, [release.path]]));
    const releases = new Map([release.path, ...own].map((path) => [path, ['web']]));
    const { lines } = drafted(surveyOf([release], { paths: [...own, ...kustomizations], builds, releases }));
    expect(lines.get('prod')?.pins).toEqual([
      { image: 'web', file: 'apps/prod/values.yaml', path: ['spec', 'values', 'web', 'tag'] },
    ]);
  });

  it('are tags of an image that nothing names: its repository is for somebody to write', () => {
    const tags = ['ADMIN_TAG', 'WEB_TAG'].flatMap((field) =>
      both('o/ENV.env', { name: undefined, form: 'values', field }),
    );
    const survey = surveyOf(tags);
    expect([...drafted(survey).images.keys()]).toEqual(['admin', 'web']);
    expect(draftConfig(recogniseLayout(survey))).toContain('no image was found: write yours here');
  });
});
