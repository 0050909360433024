import { describe, expect, it } from 'vitest';
import { askMeant, nameMeant, nearest, sameVersion } from '../../src/model/nearest.ts';

describe('the word that was meant', () => {
  it.each([
    ['enviroments', ['images', 'environments', 'trunk'], 'environments'],
    ['PIN', ['pins', 'pin'], 'pin'],
    ['sg', ['dev', 'stg', 'prd'], 'stg'],
    ['stgg', ['dev', 'stg', 'prd'], 'stg'],
    ['pdr', ['dev', 'stg', 'prd'], 'prd'],
    ['abxxef', ['abcdef'], 'abcdef'],
    ['dvel', ['devel', 'dev'], 'devel'],
  ])('of %s is the nearest of %j', (wrong, known, meant) => {
    expect(nearest(wrong, known)).toBe(meant);
  });

  it.each([
    ['development', ['dev', 'stg', 'prd'], 'dev'],
    ['staging', ['dev', 'stg', 'prd'], 'stg'],
    ['production', ['preprod', 'stg', 'prd'], 'prd'],
    ['prd', ['development', 'production'], 'production'],
    ['maria', ['django', 'mariadb-galera'], 'mariadb-galera'],
    // A beginning before a short form, wherever they stand in the list.
    ['preproduction', ['prd', 'preprod'], 'preprod'],
    // A slip of the keys before either.
    ['prod', ['production', 'prd'], 'prd'],
  ])('of %s is the longer or the shorter form among %j', (wrong, known, meant) => {
    expect(nameMeant(wrong, known)).toBe(meant);
  });

  it.each([
    ['zebra', ['images', 'trunk']],
    ['qa', ['dev', 'prd']],
    ['axxxef', ['abcdef']],
    ['abx', ['bcx']],
    ['abx', ['cax']],
    ['', ['dev']],
    ['dev', []],
    ['d', ['development']],
    ['roduction', ['prd']],
  ])('of %j is not one of %j', (wrong, known) => {
    expect(nameMeant(wrong, known)).toBeUndefined();
  });

  it('as a key is not the short form of another', () => {
    expect(nearest('pin', ['plainHttp'])).toBeUndefined();
  });

  it('is asked for, where one is near', () => {
    expect([askMeant('prod', ['prd'], 'none'), askMeant('zebra', ['prd'], 'none')]).toEqual([
      'did you mean prd?',
      'none',
    ]);
  });
});

describe('the version that was meant', () => {
  it.each([
    ['4.0', 'V4.0'],
    ['v4.0', 'V4.0'],
    ['v1.2.3', '1.2.3'],
    ['RELEASE-7', 'release-7'],
  ])('by %s is %s: the same in another spelling', (wrong, known) => {
    expect(sameVersion(wrong, ['V4.2', known])).toBe(known);
  });

  it.each(['4', '4.00', 'V4.3', 'V4.0', 'vV4.0', ''])('by %j is no other number', (wrong) => {
    expect(sameVersion(wrong, ['V4.2', 'V4.0'])).toBeUndefined();
  });
});
