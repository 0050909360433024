// Values that have not the shape of a tagflow.yaml, told in the words of the reader's file.
import { describe, expect, it } from 'vitest';
import { ConfigDocument } from '../../src/config/document.ts';
import { checkShape } from '../../src/config/structural-check.ts';

const IMAGES = 'images: { django: { repository: r.example.com/a } }';
const dev = (settings: string): string => `version: 1\n${IMAGES}\nenvironments: { dev: ${settings} }\n`;
const top = (line: string): string => `${dev('~')}${line}\n`;
const versions = (value: string): string => dev('~').replace('r.example.com/a', `r.example.com/a, versions: ${value}`);
const repository = (value: string): string => dev('~').replace('r.example.com/a', value);

/** What is said of a text, as `path: what; fix`. */
function said(text: string): readonly string[] {
  const document = new ConfigDocument(text);
  checkShape(document);
  return document.problems.map(({ path, what, fix }) => `${path}: ${what}; ${fix}`);
}

const SEE = 'see docs/reference/configuration.md';
const REPOSITORY = 'for instance: repository: registry.example.com/acme/django';

describe('a shape that is right', () => {
  it.each([
    dev('~'),
    dev('{}'),
    versions('semver'),
    versions('{ pattern: x }'),
    versions('{ pattern: x, order: numeric }'),
    top('maxFileSize: 4096'),
    top('maxFileSize: 4KiB'),
  ])('is passed over: %s', (text) => {
    expect(said(text)).toEqual([]);
  });
});

describe('a key that is not known here', () => {
  it.each([
    [dev('{ trunk: main }'), 'environments.dev.trunk: there is no key "trunk"; trunk belongs at the top level'],
    [top('names: []'), 'names: there is no key "names"; names belongs in an image'],
    [top('keep: []'), 'keep: there is no key "keep"; keep belongs in an environment'],
    [top('file: x'), 'file: there is no key "file"; file belongs in an entry of pins'],
    [top('order: numeric'), 'order: there is no key "order"; order belongs in versions'],
    [
      dev('{ plainHttp: [] }'),
      'environments.dev.plainHttp: there is no key "plainHttp"; list the host under plainHttp at the top level',
    ],
    [
      versions('{ pattern: x, zebra: 1 }'),
      'images.django.versions.zebra: there is no key "zebra"; keys here: pattern, order',
    ],
    [
      versions('{ pattern: x, ordr: numeric }'),
      'images.django.versions.ordr: there is no key "ordr"; did you mean order?',
    ],
  ])('is sent to where it belongs: %s', (text, expected) => {
    expect(said(text)).toEqual([expected]);
  });
});

describe('a value that is not one of the words', () => {
  it.each([
    [
      dev('{ pin: floating }'),
      'environments.dev.pin: "floating" is not a value of pin; write version+digest or digest or version or target or target+digest',
    ],
    [dev('{ pin: digst }'), 'environments.dev.pin: "digst" is not a value of pin; did you mean digest?'],
    [
      dev('{ pin: 5 }'),
      'environments.dev.pin: 5 is not a value of pin; write version+digest or digest or version or target or target+digest',
    ],
    [top('signing: pgp'), 'signing: "pgp" is not a value of signing; write ssh or gpg'],
    [
      versions('calver'),
      'images.django.versions: "calver" is not a value of versions; write semver or unordered or a pattern with an order',
    ],
    [versions('semvr'), 'images.django.versions: "semvr" is not a value of versions; did you mean semver?'],
    [
      versions('{ pattern: x, order: up }'),
      'images.django.versions.order: "up" is not a value of order; write numeric or alphabetical',
    ],
  ])('is reported those there are: %s', (text, expected) => {
    expect(said(text)).toEqual([expected]);
  });

  it.each(['2', '[1]', '~'])('is a newer format when it is the version: %s', (version) => {
    const shown = version === '~' ? 'null' : version;
    expect(said(top('').replace('version: 1', `version: ${version}`))).toEqual([
      `version: version ${shown} of the format is unknown; write version: 1, or use a newer tagflow`,
    ]);
  });
});

describe('a value of another kind', () => {
  it.each([
    ['5', `: it is a number, and should be a map of keys; ${SEE}`],
    ['[]', `: it is a list, and should be a map of keys; ${SEE}`],
    [dev('text'), `environments.dev: it is text, and should be a map of keys; ${SEE}`],
    [dev('true'), `environments.dev: it is true or false, and should be a map of keys; ${SEE}`],
    [dev('{ keep: [~] }'), `environments.dev.keep[0]: it has no value, and should be text; ${SEE}`],
    [dev('{ keep: [[]] }'), `environments.dev.keep[0]: it is a list, and should be text; ${SEE}`],
    [repository('{}'), `images.django.repository: it is a map of keys, and should be text; ${REPOSITORY}`],
    [repository('~'), `images.django.repository: it has no value, and should be text; ${REPOSITORY}`],
    [
      dev('{ keep: x }'),
      'environments.dev.keep: it is text, and should be a list; for instance: keep: ["environments/prd/secrets/**"]',
    ],
    [
      dev('{ retain: 1.5 }'),
      'environments.dev.retain: it is a number, and should be a whole number; for instance: retain: 25',
    ],
    [dev('{ retain: x }'), 'environments.dev.retain: it is text, and should be a number; for instance: retain: 25'],
    [top('maxFileSize: []'), 'maxFileSize: it is a list, and should be a number; for instance: maxFileSize: 512KiB'],
  ])('is reported with what it should be: %s', (text, expected) => {
    expect(said(text)).toEqual([expected]);
  });

  it.each([
    [repository('1.10'), "images.django.repository: 1.10 is read as a number, not as text; write it in quotes: '1.10'"],
    [
      repository('true'),
      "images.django.repository: true is read as true or false, not as text; write it in quotes: 'true'",
    ],
    [
      dev('{ repositories: { django: 5 } }'),
      "environments.dev.repositories.django: 5 is read as a number, not as text; write it in quotes: '5'",
    ],
  ])('is to be quoted when only quotes are missing: %s', (text, expected) => {
    expect(said(text)).toEqual([expected]);
  });
});

describe('a value that is missing', () => {
  it.each([
    [
      dev('~').replace('repository: r.example.com/a', ''),
      [`images.django.repository: repository is missing; ${REPOSITORY}`],
    ],
    [
      versions('{}'),
      [
        String.raw`images.django.versions.pattern: pattern is missing; for instance: pattern: ^main-(?<order>\d{14})-[0-9a-f]{7}$`,
      ],
    ],
    [
      dev('{ pins: [{ image: django }] }'),
      ['environments.dev.pins[0].file: file is missing; for instance: file: image-tags/production/app'],
    ],
  ])('is shown by an example: %s', (text, expected) => {
    expect(said(text)).toEqual(expected);
  });
});
