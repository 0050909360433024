// Kustomizations: which entries mean an image, what an edit writes, and that nothing else moves.
import { describe, expect, it } from 'vitest';
import { pinImages } from '../../src/manifests/manifests.ts';
import { refusal } from '../support/failure.ts';
import {
  D,
  KUSTOMIZATION,
  OLD,
  REPOSITORY,
  deployment,
  file,
  folder,
  options,
  pinOf,
  pinned,
  textAfter,
} from './support.ts';

/** An environment that runs the image from an OCI layout: names are left alone, so tables stay short. */
const layout = pinOf({ repository: 'oci:./registry/django', names: ['django', REPOSITORY] });

describe('an entry that is there', () => {
  it.each([
    [
      'gets tag and digest',
      'images:\n- name: django\n  newTag: V4.0\n',
      `images:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n`,
    ],
    [
      'keeps the comment behind its tag',
      'images:\n- name: django\n  newTag: V4.0 # live\n',
      `images:\n- name: django\n  newTag: V4.2 # live\n  digest: ${D}\n`,
    ],
    [
      'keeps its quotes',
      `images:\n- name: 'django'\n  newTag: 'V4.0'\n  digest: "${OLD}"\n`,
      `images:\n- name: 'django'\n  newTag: 'V4.2'\n  digest: "${D}"\n`,
    ],
    [
      'keeps quoted keys',
      'images:\n- "name": django\n  "newTag": V4.0\n',
      `images:\n- "name": django\n  "newTag": V4.2\n  "digest": ${D}\n`,
    ],
    [
      'is found by newName',
      `images:\n- name: app\n  newName: ${REPOSITORY}\n  newTag: V4.0\n`,
      `images:\n- name: app\n  newName: ${REPOSITORY}\n  newTag: V4.2\n  digest: ${D}\n`,
    ],
    [
      'is found by another spelling of its repository',
      'images:\n- name: Registry.Example.com/acme/django\n  newTag: V4.0\n',
      `images:\n- name: Registry.Example.com/acme/django\n  newTag: V4.2\n  digest: ${D}\n`,
    ],
    ['may have no tag', 'images:\n- name: django\n', `images:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n`],
    [
      'may have an empty tag',
      'images:\n- name: django\n  newTag:\nresources: []\n',
      `images:\n- name: django\n  newTag: V4.2\n  digest: ${D}\nresources: []\n`,
    ],
    [
      'may have an empty tag with a comment',
      'images:\n- name: django\n  newTag:  # none yet\n',
      `images:\n- name: django\n  newTag: V4.2  # none yet\n  digest: ${D}\n`,
    ],
    [
      'may have a null tag',
      'images:\n- name: django\n  newTag: ~\n',
      `images:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n`,
    ],
    [
      'may have a block of text as its tag',
      'images:\n- name: django\n  newTag: |-\n    V4.0\n\n# end\n',
      `images:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n\n# end\n`,
    ],
    [
      'may begin with its tag',
      'images:\n- newTag: V4.0\n  name: django\n',
      `images:\n- newTag: V4.2\n  digest: ${D}\n  name: django\n`,
    ],
    [
      'may be in flow style',
      'images: [{name: django, newTag: V4.0}, {name: redis}] # all\n',
      `images: [{name: django, newTag: V4.2, digest: ${D}}, {name: redis}] # all\n`,
    ],
    [
      'may be in flow style over lines',
      'images:\n- {\n    name: django,\n    newTag: V4.0,\n  }\n',
      `images:\n- {\n    name: django,\n    newTag: V4.2,\n    digest: ${D},\n  }\n`,
    ],
    [
      'may hold keys without values',
      'images:\n- {name: django, newTag}\n',
      `images:\n- {name: django, newTag: V4.2, digest: ${D}}\n`,
    ],
    [
      'may be JSON',
      '{"images":[{"name":"django","newTag":"V4.0"}]}',
      `{"images":[{"name":"django","newTag":"V4.2", "digest": "${D}"}]}`,
    ],
    [
      'may stand without a final newline',
      'images:\n- name: django\n  newTag: V4.0',
      `images:\n- name: django\n  newTag: V4.2\n  digest: ${D}`,
    ],
    [
      'may use CRLF',
      'images:\r\n- name: django\r\n  newTag: V4.0 # x\r\n',
      `images:\r\n- name: django\r\n  newTag: V4.2 # x\r\n  digest: ${D}\r\n`,
    ],
    [
      'may follow a byte order mark',
      '\uFEFFimages:\n- name: django\n  newTag: V4.0\n',
      `\uFEFFimages:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n`,
    ],
    [
      'may stand in a marked document',
      '%YAML 1.2\n---\nimages:\n- name: django\n  newTag: V4.0\n...\n',
      `%YAML 1.2\n---\nimages:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n...\n`,
    ],
    [
      'may have tabs before comments',
      'images:\n- name: django\t# x\n  newTag: V4.0\t# y\n',
      `images:\n- name: django\t# x\n  newTag: V4.2\t# y\n  digest: ${D}\n`,
    ],
    [
      'may have its tag on the next line',
      'images:\n- name: django\n  newTag:\n    V4.0\n',
      `images:\n- name: django\n  newTag:\n    V4.2\n  digest: ${D}\n`,
    ],
    [
      'may spell a string tag',
      'images:\n- name: django\n  newTag: !!str 4.0\n',
      `images:\n- name: django\n  newTag: !!str V4.2\n  digest: ${D}\n`,
    ],
    [
      'may have an anchor that only our entries use',
      'images:\n- name: django\n  newTag: &v V4.0\n- name: registry.example.com/acme/django\n  newTag: *v\n',
      `images:\n- name: django\n  newTag: &v V4.2\n  digest: ${D}\n- name: registry.example.com/acme/django\n  newTag: *v\n  digest: ${D}\n`,
    ],
    [
      'may override what a merge key brings',
      'x: &x\n  newTag: V4.0\nimages:\n- name: django\n  <<: *x\n',
      `x: &x\n  newTag: V4.0\nimages:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n  <<: *x\n`,
    ],
  ])('%s', (_, before, after) => {
    expect(pinned(KUSTOMIZATION, before, layout)).toBe(after);
  });

  it.each([
    ['has our name as the start of another', 'images:\n- name: django-extra\n  newTag: V4.0\n'],
    ['has our name in another repository', 'images:\n- name: other.example/acme/django\n  newTag: V4.0\n'],
    ['has our key as the name of a public image', 'images:\n- name: docker.io/library/django\n  newTag: V4.0\n'],
    ['makes a public image of a name', 'images:\n- name: web\n  newName: docker.io/library/django\n'],
    ['has our name as its tag', 'images:\n- name: redis\n  newTag: django\n'],
    ['has no name', 'images:\n- newTag: django\n'],
  ])('is another image when it %s', (_, text) => {
    const result = pinImages([file(KUSTOMIZATION, text)], [layout], options);
    expect(textAfter(result, KUSTOMIZATION)).toContain(text.slice('images:\n'.length).trimEnd());
    expect(result.fields.map(({ before }) => before)).toEqual([undefined]);
  });

  it.each([
    '1.10',
    '1e3',
    '1234567',
    '0755',
    '1_000',
    '12e4567',
    '0x1f',
    '0o17',
    '2024-01-02',
    'yes',
    'on',
    'null',
    'NO',
    'y',
  ])('has the tag %s in quotes, as some parser would read no string', (version) => {
    expect(
      pinned(KUSTOMIZATION, 'images:\n- name: django\n  newTag: V4.0\n', {
        ...layout,
        ...pinOf({ version }),
        repository: layout.repository,
      }),
    ).toContain(`  newTag: "${version}"\n`);
  });

  it('gets quotes around the tag it has when that is not a string', () => {
    const pin = { ...pinOf({ version: '1.10' }), repository: layout.repository };
    const before = `images:\n- name: django\n  newTag: 1.10\n  digest: ${D}\n`;
    expect(pinned(KUSTOMIZATION, before, pin)).toBe(before.replace('1.10', '"1.10"'));
  });

  it('gets newName when the environment runs the image from elsewhere', () => {
    expect(pinned(KUSTOMIZATION, 'images:\n- name: django\n  newTag: V4.0\n')).toBe(
      `images:\n- name: django\n  newName: ${REPOSITORY}\n  newTag: V4.2\n  digest: ${D}\n`,
    );
  });

  it('gets another newName when it has one that is not the environment’s', () => {
    const pin = pinOf({
      names: ['django', REPOSITORY, 'prd.example.com/django'],
      repository: 'prd.example.com/django',
    });
    expect(
      pinned(KUSTOMIZATION, `images:\n- name: django\n  newName: ${REPOSITORY} # dev\n  newTag: V4.0\n`, pin),
    ).toBe(`images:\n- name: django\n  newName: prd.example.com/django # dev\n  newTag: V4.2\n  digest: ${D}\n`);
  });

  it('keeps a newName that spells the same repository otherwise', () => {
    const pin = pinOf({ repository: 'docker.io/library/django' });
    expect(pinned(KUSTOMIZATION, 'images:\n- name: app\n  newName: django\n', pin)).toBe(
      `images:\n- name: app\n  newName: django\n  newTag: V4.2\n  digest: ${D}\n`,
    );
  });

  it('is left alone when it says everything already', () => {
    const text = `images:\n- name: django\n  digest: '${D}' # d\n  newTag: V4.2\n`;
    const result = pinImages([file(KUSTOMIZATION, text)], [layout], options);
    expect(result.edits).toEqual([]);
    expect(result.fields).toEqual([
      {
        image: 'django',
        path: KUSTOMIZATION,
        line: 2,
        field: 'images[0]',
        before: `django:V4.2@${D}`,
        after: `django:V4.2@${D}`,
      },
    ]);
  });

  it('is reported with what it said, what it says, and its line after the edit', () => {
    const text = 'images:\n- name: redis\n  newTag: "7"\n\n- name: django\n  newTag: V4.0\n';
    expect(pinImages([file(KUSTOMIZATION, text)], [pinOf()], options).fields).toEqual([
      {
        image: 'django',
        path: KUSTOMIZATION,
        line: 5,
        field: 'images[1]',
        before: 'django:V4.0',
        after: `${REPOSITORY}:V4.2@${D}`,
      },
    ]);
  });
});

describe('an entry pinned by digest alone', () => {
  it.each([
    [
      'has its tag turned into the digest',
      'images:\n- name: django\n  newTag: V4.0 # live\n',
      `images:\n- name: django\n  digest: ${D} # live\n`,
    ],
    [
      'loses its tag',
      `images:\n- name: django\n  newTag: V4.0\n  # why\n  digest: ${OLD} # live\n`,
      `images:\n- name: django\n  # why\n  digest: ${D} # live\n`,
    ],
    [
      'loses a tag on its first line',
      `images:\n- newTag: V4.0\n  name: django\n  digest: ${OLD}\n`,
      `images:\n- name: django\n  digest: ${D}\n`,
    ],
    [
      'loses a tag on the last line',
      `images:\r\n- name: django\r\n  digest: ${OLD}\r\n  newTag: V4.0`,
      `images:\r\n- name: django\r\n  digest: ${D}`,
    ],
    [
      'loses a tag in flow style',
      `images: [{name: django, digest: '${OLD}', newTag: V4.0}]\n`,
      `images: [{name: django, digest: '${D}'}]\n`,
    ],
    [
      'loses a tag that comes first in flow style',
      `images: [{newTag: V4.0, digest: ${OLD}, name: django}]\n`,
      `images: [{digest: ${D}, name: django}]\n`,
    ],
    ['gets a digest behind its name', 'images:\n- name: django\n', `images:\n- name: django\n  digest: ${D}\n`],
  ])('%s', (_, before, after) => {
    expect(pinned(KUSTOMIZATION, before, layout, { style: 'digest' })).toBe(after);
  });

  it('is refused where a comment of its own would go with the tag', () => {
    const text = `images:\n- newTag: V4.0\n  # why\n  name: django\n  digest: ${OLD}\n`;
    expect(refusal(() => pinned(KUSTOMIZATION, text, layout, { style: 'digest' })).code).toBe('manifest-unsafe-edit');
  });

  it('is refused where its tag comes by a merge key', () => {
    const text = 'x: &x\n  newTag: V4.0\nimages:\n- name: django\n  <<: *x\n';
    expect(refusal(() => pinned(KUSTOMIZATION, text, layout, { style: 'digest' }))).toMatchObject({
      code: 'manifest-unsafe-edit',
      why: expect.stringContaining('merge key') as string,
    });
  });
});

/** The lines of an added entry, without the last line break. */
function entry(indent = '', gap = ' '): string {
  const lines = [`${indent}-${gap}name: django`, `newName: ${REPOSITORY}`, 'newTag: V4.2', `digest: ${D}`];
  return lines.join(`\n${indent} ${gap}`);
}

describe('an entry that is missing', () => {
  it.each([
    ['goes into a new list at the end', 'resources:\n- a.yaml\n', `resources:\n- a.yaml\nimages:\n${entry()}\n`],
    [
      'follows the indentation of other lists',
      'resources:\n  - a.yaml\n',
      `resources:\n  - a.yaml\nimages:\n${entry('  ')}\n`,
    ],
    [
      'follows the indentation of a whole document',
      '  kind: Kustomization\n',
      `  kind: Kustomization\n  images:\n${entry('  ')}\n`,
    ],
    [
      'stays behind the comments of the last key',
      'resources:\n- a.yaml\n# - b.yaml\n\n# end\n',
      `resources:\n- a.yaml\n# - b.yaml\nimages:\n${entry()}\n\n# end\n`,
    ],
    ['keeps a missing final newline', 'resources:\n- a.yaml', `resources:\n- a.yaml\nimages:\n${entry()}`],
    [
      'uses CRLF where the file does',
      'resources:\r\n- a.yaml\r\n',
      `resources:\n- a.yaml\nimages:\n${entry()}\n`.replaceAll('\n', '\r\n'),
    ],
    [
      'stays before a document’s end mark',
      'resources:\n- a.yaml\n...\n',
      `resources:\n- a.yaml\nimages:\n${entry()}\n...\n`,
    ],
    ['fills an empty file', '', `images:\n${entry()}\n`],
    ['fills a file of comments', '# nothing yet', `# nothing yet\nimages:\n${entry()}`],
    ['fills an empty document', '---\n', `---\nimages:\n${entry()}\n`],
    ['fills an empty key', 'images:\nresources: []\n', `images:\n${entry()}\nresources: []\n`],
    [
      'fills an empty list',
      'images: [] # none\nresources:\n  - a\n',
      `images: # none\n${entry('  ')}\nresources:\n  - a\n`,
    ],
    ['fills null', 'images: null\n', `images:\n${entry()}\n`],
    [
      'goes behind the others',
      'images:\n- name: redis\n  newTag: "7"\nresources: []\n',
      `images:\n- name: redis\n  newTag: "7"\n${entry()}\nresources: []\n`,
    ],
    [
      'keeps the others’ indentation',
      'images:\n  -   name: redis\n      newTag: "7"\n      # r\n  # s\n# t\nresources: []\n',
      `images:\n  -   name: redis\n      newTag: "7"\n      # r\n  # s\n${entry('  ', '   ')}\n# t\nresources: []\n`,
    ],
    [
      'leaves the comment of the next key there',
      'images:\n- name: redis\n# the resources\nresources: []\n',
      `images:\n- name: redis\n${entry()}\n# the resources\nresources: []\n`,
    ],
    [
      'goes behind an entry in flow style',
      'images:\n- {name: redis, newTag: "7"} # r\n',
      `images:\n- {name: redis, newTag: "7"} # r\n${entry()}\n`,
    ],
    [
      'goes into a flow list',
      'images: [{name: redis}]\n',
      `images: [{name: redis}, {name: django, newName: ${REPOSITORY}, newTag: V4.2, digest: ${D}}]\n`,
    ],
    [
      'goes into a flow mapping',
      '{resources: [a.yaml]}\n',
      `{resources: [a.yaml], images: [{name: django, newName: ${REPOSITORY}, newTag: V4.2, digest: ${D}}]}\n`,
    ],
    [
      'goes into JSON',
      '{\n  "resources": []\n}\n',
      `{\n  "resources": [],\n  "images": [{"name": "django", "newName": "${REPOSITORY}", "newTag": "V4.2", "digest": "${D}"}]\n}\n`,
    ],
    [
      'goes into an empty JSON list',
      '{"images":[]}',
      `{"images": [{"name": "django", "newName": "${REPOSITORY}", "newTag": "V4.2", "digest": "${D}"}]}`,
    ],
  ])('%s', (_, before, after) => {
    expect(pinned(KUSTOMIZATION, before)).toBe(after);
  });

  it('has no newName when the environment runs from a layout', () => {
    expect(pinned(KUSTOMIZATION, 'resources: []\n', layout)).toBe(
      `resources: []\nimages:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n`,
    );
  });

  it('has no newName when its name already means the repository', () => {
    expect(pinned(KUSTOMIZATION, 'resources: []\n', pinOf({ names: [REPOSITORY] }))).toBe(
      `resources: []\nimages:\n- name: ${REPOSITORY}\n  newTag: V4.2\n  digest: ${D}\n`,
    );
  });

  it('has a digest alone in that style', () => {
    expect(pinned(KUSTOMIZATION, 'resources: []\n', layout, { style: 'digest' })).toBe(
      `resources: []\nimages:\n- name: django\n  digest: ${D}\n`,
    );
  });

  it('is one of several in the order of the pins, and a field is reported for each', () => {
    const redis = pinOf({ image: 'redis', names: ['redis'], repository: 'oci:./redis', version: 'V7.0' });
    const result = pinImages([file(KUSTOMIZATION, 'resources: []')], [redis, layout], options);
    expect(textAfter(result, KUSTOMIZATION)).toBe(
      `resources: []\nimages:\n- name: redis\n  newTag: V7.0\n  digest: ${D}\n- name: django\n  newTag: V4.2\n  digest: ${D}`,
    );
    expect(result.fields.map(({ image, line, field, before }) => [image, line, field, before])).toEqual([
      ['redis', 3, 'images[0]', undefined],
      ['django', 6, 'images[1]', undefined],
    ]);
  });

  it('goes together with an edit of the entry before it', () => {
    const redis = pinOf({ image: 'redis', names: ['redis'], repository: 'oci:./redis', version: 'V7.0' });
    const result = pinImages([file(KUSTOMIZATION, 'images:\n- name: redis')], [redis, layout], options);
    expect(textAfter(result, KUSTOMIZATION)).toBe(
      `images:\n- name: redis\n  newTag: V7.0\n  digest: ${D}\n- name: django\n  newTag: V4.2\n  digest: ${D}`,
    );
  });

  it.each(['kustomization.yaml', 'kustomization.yml', 'Kustomization'])('goes into %s at the folder’s root', (name) => {
    const result = pinImages([file(`${folder}/${name}`, '')], [layout], options);
    expect(result.edits.map(({ path }) => path)).toEqual([`${folder}/${name}`]);
  });

  it('never goes into a kustomization below the root', () => {
    const error = refusal(() => pinImages([file(`${folder}/web/kustomization.yaml`, '')], [layout], options));
    expect(error).toMatchObject({ code: 'pin-not-found', message: 'nothing in environments/dev names django' });
    expect(error.fix).toContain('add environments/dev/kustomization.yaml');
  });

  it('is not added when a workload names the image', () => {
    const files = [file(KUSTOMIZATION, 'resources: []\n'), file(`${folder}/web.yaml`, deployment(' django:V4.0'))];
    expect(pinImages(files, [layout], options).edits.map(({ path }) => path)).toEqual([`${folder}/web.yaml`]);
  });

  it('is spelled as the files below spell it, once for each spelling without an entry', () => {
    const bases = [
      file('base/a.yaml', deployment(' Registry.Example.com/acme/django:V1')),
      file('base/b.yaml', deployment(' django')),
      file('base/c.yaml', deployment(` ${REPOSITORY}`)),
      file('base/kustomization.yaml', 'resources: [a.yaml, b.yaml, ./c.yaml]\n'),
      file('base/stranger.yaml', deployment(' registry.example.COM/acme/django')),
    ];
    const head = 'resources:\n- ../../base/\n';
    const text = `${head}images:\n- name: django\n  newTag: V4.0\n`;
    expect(pinned(KUSTOMIZATION, text, layout, { bases })).toBe(
      `${head}images:\n- name: django\n  newTag: V4.2\n  digest: ${D}\n` +
        `- name: Registry.Example.com/acme/django\n  newTag: V4.2\n  digest: ${D}\n` +
        `- name: ${REPOSITORY}\n  newTag: V4.2\n  digest: ${D}\n`,
    );
  });

  it('is spelled as a base renames it, since its own entries come first', () => {
    const bases = [
      file('base/web.yaml', deployment(' web:V1')),
      file('base/kustomization.yaml', `resources: [web.yaml]\nimages: [{name: web, newName: ${REPOSITORY}}]\n`),
    ];
    const text = 'bases: [../../base]\n';
    expect(pinned(KUSTOMIZATION, text, layout, { bases })).toBe(
      `${text}images:\n- name: ${REPOSITORY}\n  newTag: V4.2\n  digest: ${D}\n`,
    );
  });

  it('goes into the kustomization that builds on the name, below the root too', () => {
    const bases = [
      file('base/web.yaml', deployment(` ${REPOSITORY}:V1`)),
      file('base/kustomization.yml', 'resources: [web.yaml, ../base]\n'),
    ];
    const files = [
      file(KUSTOMIZATION, 'resources: [web]\n'),
      file(`${folder}/web/kustomization.yaml`, 'components: [../../../base]\n'),
    ];
    expect(pinImages(files, [layout], { ...options, bases }).edits.map(({ path }) => path)).toEqual([
      `${folder}/web/kustomization.yaml`,
    ]);
  });

  it('is refused where two kustomizations stand in the folder, as kustomize does', () => {
    const files = [file(KUSTOMIZATION, ''), file(`${folder}/Kustomization`, '')];
    expect(refusal(() => pinImages(files, [layout], options)).code).toBe('manifest-invalid');
  });

  it.each([
    ['a list', '- a\n'],
    ['a scalar', 'a\n'],
    ['a mapping under images:', 'images: {a: b}\n'],
    ['text under images:', 'images: some\n'],
  ])('is refused where the file is %s', (_, text) => {
    const error = refusal(() => pinned(KUSTOMIZATION, text));
    expect(error.code).toBe('manifest-invalid');
    expect(error.message).toContain(`${KUSTOMIZATION}:1 has no place for an images: entry`);
  });
});

describe('an edit that could change something else', () => {
  it.each([
    [
      'an anchor that another image uses',
      'images:\n- name: django\n  newTag: &v V4.0\n- name: redis\n  newTag: *v\n',
      'images[1].newTag would change as well',
    ],
    ['an alias of a value elsewhere', 'x: &v V4.0\nimages:\n- name: django\n  newTag: *v\n', 'x would change as well'],
    [
      'an entry that stands elsewhere too',
      'x: &e\n  name: django\n  newTag: V4.0\nimages:\n- *e\n',
      'would change as well',
    ],
    [
      'a field that Flux writes',
      'images:\n- name: django\n  newTag: V4.0 # {"$imagepolicy": "flux-system:django:tag"}\n',
      '$imagepolicy',
    ],
    [
      'a field that Flux writes, before its digest',
      'images:\n- name: django\n  newTag: V4.2 # {"$imagepolicy": "flux-system:django:tag"}\n',
      '$imagepolicy',
    ],
    ...['${TAG}', '$TAG', '$(TAG)', '{{ .tag }}', '<%= tag %>', '#{TAG}#', '%TAG%'].map((placeholder) => [
      `a placeholder of another tool: ${placeholder}`,
      `images:\n- name: django\n  newTag: '${placeholder}'\n`,
      'placeholder',
    ]),
    [
      'a block of text with a comment in its head',
      'images:\n- name: django\n  newTag: |- # why\n    V4.0\n',
      'where the comment is',
    ],
    ['a tag that makes it no string', 'images:\n- name: django\n  newTag: !!int 4\n', 'a tag changes'],
  ])('is refused: %s', (_, text, why) => {
    const error = refusal(() => pinned(KUSTOMIZATION, text, layout));
    expect(error).toMatchObject({ code: 'manifest-unsafe-edit', exit: 2 });
    expect(error.why).toContain(why);
    expect(error.fix).toBeTruthy();
  });

  it('is refused where one value would need two pins', () => {
    const redis = pinOf({ image: 'redis', names: ['redis'], repository: 'oci:./redis', version: 'V7.0' });
    const text = 'images:\n- name: django\n  newTag: &v V4.0\n- name: redis\n  newTag: *v\n';
    const error = refusal(() => pinImages([file(KUSTOMIZATION, text)], [layout, redis], options));
    expect(error).toMatchObject({ code: 'manifest-unsafe-edit' });
    expect(error.message).toContain(`${KUSTOMIZATION}:3`);
  });

  it('is refused where the configuration gives two images one name', () => {
    const other = pinOf({ image: 'web', names: ['web', 'django'] });
    const text = 'images:\n- name: django\n';
    expect(refusal(() => pinImages([file(KUSTOMIZATION, text)], [layout, other], options)).code).toBe('config-invalid');
  });

  it('is not one where Flux writes another image’s field', () => {
    const text =
      'images:\n- name: django\n  newTag: V4.0\n- name: redis\n  newTag: a # {"$imagepolicy": "flux-system:redis:tag"}\n';
    expect(pinned(KUSTOMIZATION, text, layout)).toContain('newTag: V4.2');
  });
});

describe('pinning for comparing alone', () => {
  it('gives the same bytes', () => {
    const files = [
      file(KUSTOMIZATION, 'images:\n- name: django\n  newTag: V4.0\n'),
      file(`${folder}/web.yaml`, deployment(' django:V4.0')),
    ];
    expect(pinImages(files, [layout], { ...options, comparing: true }).edits).toEqual(
      pinImages(files, [layout], options).edits,
    );
  });
});

describe('a patch in a kustomization', () => {
  const workflow = (image: string): string =>
    `resources: [w.yaml]\npatches:\n- target: {kind: Workflow, name: w}\n  patch: |-\n    - op: replace\n      path: /spec/templates/0/container/image\n      value: ${image}\n`;
  const deployed = `patches:\n- patch: |-\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: web, image: '${REPOSITORY}:V4.0'}]}}}\n`;

  it('is pinned where it stands when no entry changes its field', () => {
    const text = workflow(`${REPOSITORY}:V4.0`);
    const bases = [
      file(`${folder}/w.yaml`, 'kind: Workflow\nmetadata: {name: w}\nspec: {templates: [{container: {}}]}\n'),
    ];
    expect(pinned(KUSTOMIZATION, text, pinOf(), { bases })).toBe(workflow(`${REPOSITORY}:V4.2@${D}`));
  });

  it('stays as it is when an entry changes its field', () => {
    const after = pinned(KUSTOMIZATION, deployed, pinOf(), { bases: [] });
    expect(after.startsWith(deployed)).toBe(true);
    expect(after).toContain('images:');
  });
});
