// What every adapter does when a run is asked to stop: nothing new begins, a read ends at once, and a write may finish.
import { expect, it } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import type { Repository, Tag } from '../../src/model/reference.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { failureOf } from '../support/failure.ts';

/** A registry over a server, and the run that asks it. */
interface StoppedRegistry {
  readonly registry: Registry;
  readonly controller: AbortController;
  /** Stops the run when the server receives the next call of that name, which gets its answer or none. */
  readonly stopDuring: (call: string, then: 'answer' | 'silence') => void;
  /** The calls that reached the server. */
  readonly calls: () => readonly string[];
}

/** A registry, and the calls by which it reads and writes tags. */
export interface StoppingWorld {
  /** Opens the registry. `graceMs`: how long a write may take after the stop. */
  readonly open: (graceMs?: number) => Promise<StoppedRegistry>;
  readonly repository: Repository;
  readonly read: { readonly call: string; readonly tag: Tag };
  readonly write: {
    readonly call: string;
    /** How errors call it. */
    readonly name: string;
    readonly tag: Tag;
    readonly digest: Digest;
    readonly previous: Digest | undefined;
  };
}

/** The suite. */
export function stoppingContract({ open, repository, read, write }: StoppingWorld): void {
  it('starts nothing', async () => {
    const { calls, controller, registry } = await open();
    controller.abort();
    expect(await failureOf(registry.peek(repository, read.tag))).toMatchObject({ code: 'interrupted' });
    expect(calls()).toEqual([]);
  });

  it('ends a read in flight at once', async () => {
    const { stopDuring, registry } = await open();
    stopDuring(read.call, 'silence');
    expect(await failureOf(registry.peek(repository, read.tag))).toMatchObject({ code: 'interrupted' });
  });

  it('lets a write in flight finish', async () => {
    const { stopDuring, registry } = await open();
    stopDuring(write.call, 'answer');
    const { previous } = write;
    expect(await registry.tag(repository, write.digest, write.tag)).toEqual({ changed: true, previous });
  });

  it('waits for a write no longer than the grace, and says that its outcome is open', async () => {
    const { stopDuring, registry } = await open(30);
    stopDuring(write.call, 'silence');
    const error = await failureOf(registry.tag(repository, write.digest, write.tag));
    expect(error).toMatchObject({ code: 'interrupted', why: expect.stringContaining(write.name) });
  });
}
