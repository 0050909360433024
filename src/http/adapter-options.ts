// What every adapter over a network is made with, and what it takes when nothing else is said.
import type { Clock, ReportProgress, Random } from '../model/effects.ts';
import type { AgentOptions } from './agents.ts';

/** What an adapter is made with. Times in milliseconds. */
export interface AdapterOptions extends AgentOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Told to stop: nothing new is started, a write in flight may finish within `stopGraceMs`. */
  readonly signal?: AbortSignal | undefined;
  readonly notify?: ReportProgress | undefined;
  /** Requests at a time to one host, one region or one location. Default: 16, and up to 32 as its answers allow. */
  readonly concurrency?: number | undefined;
  /** One exchange, first byte out to last byte in. Default: 30 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** One operation with all its tries and pauses. Default: 5 min. */
  readonly operationTimeoutMs?: number | undefined;
  /** Default: 4 s. */
  readonly stopGraceMs?: number | undefined;
}

/** The limits of an adapter, from `AdapterOptions`. */
export type Limits = Readonly<
  Record<'concurrency' | 'mostConcurrency' | 'requestTimeoutMs' | 'operationTimeoutMs' | 'stopGraceMs', number>
>;

/** What calls to a cloud's API are made with: an adapter's options, its limits known. */
export type CallOptions = Pick<AdapterOptions, 'clock' | 'random' | 'signal' | 'env' | 'ca'> & Limits;

/** The limits of an adapter, each with its default where nothing is said. */
export function limitsOf(options: AdapterOptions): Limits {
  return {
    concurrency: options.concurrency ?? 16,
    mostConcurrency: options.concurrency ?? 32,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    operationTimeoutMs: options.operationTimeoutMs ?? 300_000,
    stopGraceMs: options.stopGraceMs ?? 4000,
  };
}
