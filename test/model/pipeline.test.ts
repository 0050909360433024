import { beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import {
  type Pipeline,
  downstreamOf,
  environmentOf,
  flowsInto,
  imageOf,
  recordPaths,
  signaturePath,
  repositoryIn,
} from '../../src/model/pipeline.ts';
import { WHOLE } from '../config/examples.ts';

describe('a pipeline', () => {
  let pipeline: Pipeline;
  beforeEach(() => {
    pipeline = parseConfig(WHOLE);
  });

  it('knows its environments and images by name', () => {
    expect(environmentOf(pipeline, 'stg').from).toBe('dev');
    expect(imageOf(pipeline, 'mariadb').names).toEqual([]);
  });

  it.each(['qa', 'constructor', ''])('names what it has when asked for the environment %j', (name) => {
    expect(() => environmentOf(pipeline, name)).toThrow(
      expect.objectContaining({ code: 'environment-not-found', why: 'tagflow.yaml defines: dev, stg, prd' }),
    );
  });

  it('names what it has when asked for an image it lacks', () => {
    expect(() => imageOf(pipeline, 'nginx')).toThrow(
      expect.objectContaining({ code: 'image-not-found', why: 'tagflow.yaml defines: django, mariadb, reports' }),
    );
  });

  it('runs an image from the repository of the environment, else from where it is published', () => {
    const prd = environmentOf(pipeline, 'prd');
    expect(repositoryIn(prd, imageOf(pipeline, 'django')).name).toBe('registry.example.com/production/django');
    expect(repositoryIn(prd, imageOf(pipeline, 'mariadb')).name).toBe('registry.example.com/acme/mariadb');
  });

  it('knows which environments take from one', () => {
    expect(downstreamOf(pipeline, environmentOf(pipeline, 'stg'))).toEqual(['prd']);
    expect(downstreamOf(pipeline, environmentOf(pipeline, 'prd'))).toEqual([]);
  });

  it.each([
    ['dev', 'dev', true],
    ['dev', 'stg', true],
    ['dev', 'prd', true],
    ['prd', 'dev', false],
    ['stg', 'dev', false],
    ['dev', 'qa', false],
  ])('what %s has flows into %s: %s', (upstream, name, expected) => {
    expect(flowsInto(pipeline, upstream, name)).toBe(expected);
  });

  it('keeps records in a folder that no cluster reads, and knows where they stood before', () => {
    const dev = environmentOf(pipeline, 'dev');
    expect(recordPaths(dev)).toEqual(['.tagflow/releases/dev.yaml', 'environments/dev/release.yaml']);
    expect(signaturePath(dev)).toBe('.tagflow/releases/dev.yaml.sig');
  });
});
