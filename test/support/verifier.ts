// Stand-ins for what a verification asks: a verifier that answers by a script, and HTTP servers on loopback.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LiveSource } from '../../src/model/live.ts';
import type { Answer, Sighting, Verifier, VerifyTarget } from '../../src/verify/verify.ts';
import type { VerifyStep } from '../../src/model/verification.ts';

/** A verifier whose answers are chosen by a function, and what it was asked. */
export interface ScriptedVerifier extends Verifier {
  /** Names of steps, in the order in which they were asked. */
  readonly asked: string[];
  /** How many probes are open. */
  readonly open$: { count: number };
}

/** A verifier that answers as `answer` says; by default each step passes. */
export function createScriptedVerifier(
  answer: (step: VerifyStep, target: VerifyTarget) => Answer | Promise<Answer> = () => ({ said: 'yes', seen: 'fine' }),
  look: (source: LiveSource, target: VerifyTarget) => readonly Sighting[] | Promise<readonly Sighting[]> = () => [],
): ScriptedVerifier {
  const asked: string[] = [];
  const open$ = { count: 0 };
  return {
    asked,
    open$,
    open(target) {
      open$.count += 1;
      return {
        async ask(step) {
          asked.push(step.name);
          return answer(step, target);
        },
        async look(source) {
          asked.push(source.kind);
          return look(source, target);
        },
        async close() {
          open$.count -= 1;
        },
      };
    },
  };
}

/** An HTTP server on a free port of loopback. */
export interface SmallServer {
  readonly origin: string;
  /** Lines of requests, `GET /path`, with their authorization where they have one. */
  readonly requests: string[];
  stop(): Promise<void>;
}

/** Starts a server. */
export async function startSmallServer(handle: http.RequestListener): Promise<SmallServer> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    requests.push([request.method, request.url, request.headers.authorization].filter(Boolean).join(' '));
    handle(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
