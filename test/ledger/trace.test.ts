// What a server says while Git lists its branches is counted as it comes.
import { expect, test } from 'vitest';
import { createListener } from '../../src/ledger/said.ts';
import { createTrace, traceVariables } from '../../src/ledger/trace.ts';

const OVER_HTTP = `08:09:49.128438 http.c:725              == Info: Connected to 127.0.0.1 (127.0.0.1) port 1 (#0)
08:09:49.128567 http.c:672              => Send header, 0000000233 bytes (0x000000e9)
08:09:49.128585 http.c:684              => Send header: Authorization: Basic <redacted>
08:09:49.141698 http.c:672              <= Recv header, 0000000017 bytes (0x00000011)
08:09:49.141735 http.c:698              <= Recv data, 0000016194 bytes (0x00003f42)
08:09:49.141736 http.c:713              <= Recv data: 70..001e# service=git-upload-pack.0000004e
`;
const BY_PACKETS = `08:09:49.153324 pkt-line.c:80           packet:    ls-remote> command=ls-refs
08:09:49.153390 pkt-line.c:80           packet:  upload-pack< symrefs
08:09:49.153402 pkt-line.c:80           packet:  upload-pack> 0123 refs/heads/main
08:09:49.153410 pkt-line.c:80           packet:    ls-remote< 0123 refs/heads/main
`;

test.each([
  ['http', OVER_HTTP, 17 + 16_194],
  ['packets', BY_PACKETS, 'packet:    ls-remote< 0123 refs/heads/main\n'.length],
])('over %s, in pieces of any size, and nothing of it is shown', (_, text, length) => {
  for (const size of [1, 7, 64, 10_000]) {
    const said = createListener();
    const trace = createTrace(said);
    const bytes = Buffer.from(`warning: ä\n${text}fatal: the end`);
    for (let at = 0; at < bytes.length; at += size) trace.hear(bytes.subarray(at, at + size));
    trace.end();
    expect(trace.received()).toBe(length);
    expect(said.text()).toBe('warning: ä\nfatal: the end');
  }
});

test('a line that does not end is not kept', () => {
  const said = createListener(1000);
  const trace = createTrace(said);
  for (let index = 0; index < 1000; index += 1) trace.hear(Buffer.alloc(10_000, 'x'));
  trace.end();
  expect(said.text().length).toBeLessThan(3000);
});

test('secrets of requests are left out by Git itself', () => {
  expect(traceVariables('https')).toEqual({ GIT_TRACE_CURL: '1', GIT_TRACE_REDACT: '1' });
  expect(traceVariables('ssh')).toEqual({ GIT_TRACE_PACKET: '1' });
});
