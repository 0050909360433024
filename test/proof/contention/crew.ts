// Who acts: processes of the program as it is published, or actors that share a few processes. Either way each actor is the
// whole command line with a work folder of its own.
import { type ChildProcess, fork } from 'node:child_process';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { type Actor, type Ended, now, startActor } from '../real/program.ts';
import type { Order, Report } from './engine-worker.ts';

/** A run that has begun. */
export interface Running {
  readonly done: Promise<Ended>;
  /** Kills it; undefined for an actor that shares its process with others. */
  readonly kill: (() => Promise<void>) | undefined;
}

/** Runs actors. */
export interface Crew {
  /** `alone`: in a process that can be killed. */
  run(order: Order, alone: boolean): Running;
  close(): Promise<void>;
}

/** Actors as processes. */
export function processCrew(program: string): Crew {
  return { run: (order) => runProcess(program, order), close: async () => undefined };
}

/** Actors that share `count` processes; those that must be alone are processes of the program. */
export function sharedCrew(program: string, count: number): Crew {
  const waiting = new Map<string, { resolve: (report: Report) => void; reject: (error: Error) => void }>();
  const workers = Array.from({ length: count }, (): ChildProcess => {
    const worker = fork(join(import.meta.dirname, 'engine-worker.ts'), {
      // What starting Git costs grows with the memory of the process that does it.
      execArgv: ['--max-semi-space-size=4'],
      env: {
        PATH: process.env['PATH'] ?? '/usr/bin:/bin',
        HOME: '/nonexistent',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: devNull,
        NODE_NO_WARNINGS: '1',
      },
    });
    worker.on('message', (report: Report) => {
      waiting.get(report.name)?.resolve(report);
      waiting.delete(report.name);
    });
    // Anybody who stops the whole group of processes (Ctrl-C) would otherwise wait for actors that are gone.
    worker.on('exit', (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`a worker ended: ${signal ?? code}`));
      waiting.clear();
    });
    return worker;
  });
  let next = 0;
  return {
    run(order, alone) {
      if (alone) return runProcess(program, order);
      const worker = workers[next++ % workers.length]!;
      const started = now();
      const done = new Promise<Ended>((resolve, reject) => {
        waiting.set(order.name, { resolve: (report) => resolve({ ...report, started, ended: now() }), reject });
        worker.send(order, (error) => error && reject(error));
      });
      return { done, kill: undefined };
    },
    async close() {
      await Promise.all(
        workers.map(async (worker) => {
          const ended = new Promise((resolve) => worker.once('exit', resolve));
          worker.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}

function runProcess(program: string, order: Order): Running {
  const actor: Actor = startActor({ program, ...order });
  return {
    done: actor.done,
    kill: async () => {
      actor.signalGroup('SIGKILL');
      await actor.done;
    },
  };
}
