// What Git receives from a server while it reads the list of branches. Git prints a list when it is complete, and until then
// keeps it in memory, in two processes over HTTP: a caller that waits for the output notices an endless list only when memory is full.
// So Git is made to tell what comes as it comes, by GIT_TRACE_CURL over HTTP and GIT_TRACE_PACKET elsewhere (git(1)).
import type { Listener } from './said.ts';

/** Reports what a server of this protocol sends. Git leaves out secrets in headers. */
export function traceVariables(protocol: string): Readonly<Record<string, string>> {
  return /^https?$/.test(protocol) ? { GIT_TRACE_CURL: '1', GIT_TRACE_REDACT: '1' } : { GIT_TRACE_PACKET: '1' };
}

/** Takes in what Git says with such variables set. */
export interface Trace {
  hear(chunk: Buffer): void;
  /** Takes in what stands after the last line. */
  end(): void;
  /** How many bytes came from the server. */
  received(): number;
}

const TRACED = /^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6} [\w./\\-]+:[0-9]+ +(.*)/s;
const FROM_HTTP = /^<= Recv (?:data|header), 0*([0-9]+) bytes/;
/** The server of a repository on disk is a child process of ours, and traces what it sends, too. */
const PACKET = /^packet: +(?!upload-pack)[^\s<>]+< /;
/** A packet has up to 64 KiB; what is longer is not a line of Git's. */
const LONGEST = 128 * 1024;

/** Returns a trace that passes on everything that is not part of it. */
export function createTrace(said: Listener): Trace {
  let rest = '';
  let received = 0;
  const take = (line: string): void => {
    const told = TRACED.exec(line)?.[1];
    if (told === undefined) said.hear(Buffer.from(line, 'latin1'));
    else received += FROM_HTTP.test(told) ? Number(FROM_HTTP.exec(told)?.[1]) : PACKET.test(told) ? told.length : 0;
  };
  return {
    hear(chunk) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(`${line}\n`);
      if (rest.length < LONGEST) return;
      take(rest);
      rest = '';
    },
    end() {
      take(rest);
      rest = '';
    },
    received: () => received,
  };
}
