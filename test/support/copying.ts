// What tests of copies start; all of it ends with the test.
import { onTestFinished } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import type { Progress } from '../../src/model/effects.ts';
import type { Repository } from '../../src/model/reference.ts';
import { createCopier } from '../../src/registry/copy/copy.ts';
import { createLayoutRegistry } from '../../src/registry/layout/layout.ts';
import type { OciOptions } from '../../src/registry/oci/oci.ts';
import type { ContentStore, CopySummary } from '../../src/registry/registry.ts';
import { type HttpRegistry, type HttpRegistryOptions, startHttpRegistry } from './http-registry.ts';
import { machineClock } from './layouts.ts';
import { createOciUnderTest } from './oci.ts';

/** A registry. */
export async function startServer(options: HttpRegistryOptions = {}): Promise<HttpRegistry> {
  const started = await startHttpRegistry(options);
  onTestFinished(() => started.stop());
  return started;
}

/** A run: adapters of its own, and what it said. */
export function newRun(options: Partial<OciOptions> = {}, signal = new AbortController().signal) {
  const { registry } = createOciUnderTest({ ...options, signal });
  onTestFinished(() => registry.close());
  const layout = createLayoutRegistry({ baseDirectory: '/', clock: machineClock, signal });
  const notices: Progress[] = [];
  const contentOf = (repository: Repository): ContentStore => (repository.kind === 'layout' ? layout : registry);
  const copier = createCopier({ contentOf, signal, notify: (notice) => notices.push(notice) });
  const copy = async (from: Repository, to: Repository, digest: Digest): Promise<CopySummary> =>
    copier({ from, to, digest, label: 'app V1.0' });
  return { copy, contentOf, notices };
}
