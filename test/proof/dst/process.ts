// A process of a simulation: the ports that one run of the command line is given.
import type { Context } from '../../../src/engine/context.ts';
import type { Clock, Instant } from '../../../src/model/effects.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import { createScriptedVerifier } from '../../support/verifier.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import type { Scheduler } from './scheduler.ts';
import type { OverPast, createSharedPast } from './shared-past.ts';
import { type SimLedger, createSimLedger } from './sim-ledger.ts';
import { type Surroundings, createSimCopier, createSimRegistry } from './sim-registry.ts';
import type { World } from './world.ts';

/** What a process is opened with. */
export interface ProcessOptions {
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly process: string;
  /** How far its clock is off, in milliseconds, at a moment of the simulation's time. */
  readonly skew: (now: Instant) => number;
  /** What processes know of the past together. */
  readonly past?: ReturnType<typeof createSharedPast>;
}

/** A process, before it runs anything. */
export interface OpenProcess {
  readonly context: Context;
  readonly ledger: SimLedger;
  /** SIGTERM. */
  stop(): void;
  /** Keeps what it learnt of the past, as a process does at its end. */
  save(): Promise<void>;
}

/** Versions of the image `app` that do not run. */
export const BAD: ReadonlySet<string> = new Set(['V2.0', 'V4.0']);

/** Says no to releases that have one of them. */
const VERIFIER = createScriptedVerifier((_, { images }) => {
  const bad = images.find(({ name, version }) => name === 'app' && BAD.has(version));
  return bad ? { said: 'no', seen: `app ${bad.version} does not run` } : { said: 'yes', seen: 'it runs' };
});

/** Opens a process: nothing is fetched, nothing known. */
export function openProcess({ world, scheduler, process, skew, past }: ProcessOptions): OpenProcess {
  const stopping = new AbortController();
  const { signal } = stopping;
  const surroundings: Surroundings = { world, scheduler, process, signal };
  const clock: Clock = {
    now: () => scheduler.now + skew(scheduler.now),
    elapsed: () => scheduler.now,
    async sleep(milliseconds, until) {
      until?.throwIfAborted();
      const aborted = until && new Promise<void>((resolve) => until.addEventListener('abort', () => resolve()));
      await Promise.race([scheduler.sleep(process, milliseconds), ...(aborted ? [aborted] : [])]);
      until?.throwIfAborted();
    },
  };
  const ledger = createSimLedger(surroundings, clock);
  const registry: Registry = createSimRegistry(surroundings);
  const over: OverPast = past?.(ledger) ?? { ledger, save: async () => undefined };
  return {
    ledger,
    save: over.save,
    stop: () => stopping.abort(new TagflowError('interrupted', { what: 'stopped by SIGTERM' })),
    context: {
      ledger: over.ledger,
      ...(over.keeper && { keeper: over.keeper }),
      registries: { registryOf: () => registry, copyImage: createSimCopier(surroundings) },
      outside: { verifier: VERIFIER },
      // A removed rule puts others in their place.
      registriesFor(this: Pick<Context, 'registries'>) {
        return this.registries;
      },
      clock,
      random: scheduler.random.next,
      // Ids differ where bytes do; a trace is about what happens.
      notify: ({ text }) => scheduler.note(`${process}: "${text.replaceAll(/\b[0-9a-f]{7,64}\b/g, '…')}"`),
      settings: {
        who: { actor: process, author: `${process} <${process}@example.org>` },
        raceTimeout: 60_000,
        // One by one: the order of what is asked side by side would follow from how often each waits in between.
        linesAtOnce: 1,
      },
      signal,
    },
  };
}
