// parseConfig, each text parsed once: thousands of simulated processes read the same few configurations.
import { parseConfig as parse } from '../../../../src/config/config.ts';
import type { Pipeline } from '../../../../src/model/pipeline.ts';

export * from '../../../../src/config/config.ts';

const known = new Map<string, Pipeline>();

export function parseConfig(text: string, file?: string): Pipeline {
  const pipeline = known.get(text) ?? parse(text, file);
  known.set(text, pipeline);
  return pipeline;
}
