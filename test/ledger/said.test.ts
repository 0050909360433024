// What programs say, kept within bounds.
import { describe, expect, it } from 'vitest';
import { failureKind, answerWords } from '../../src/ledger/failure.ts';
import { createListener } from '../../src/ledger/said.ts';

describe('what a program says', () => {
  it('is kept as it is while it is short, in whatever pieces it comes', () => {
    const listener = createListener();
    const text = 'remote: ä first\nfatal: last\n';
    for (const byte of Buffer.from(text)) listener.hear(Buffer.from([byte]));
    expect(listener.text()).toBe(text);
  });

  it.each([100, 4_000, 20_000])(
    'is kept at its beginning and its end when it continues, in pieces of %i bytes',
    (size) => {
      const listener = createListener(10_000);
      const text = `first\n${'noise\n'.repeat(200_000)}last\n`;
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += size) listener.hear(bytes.subarray(at, at + size));
      const kept = listener.text();
      expect(kept.length).toBeLessThan(21_000);
      expect(kept).toMatch(/^first\nnoise\n[^]*\n…\n[^]*noise\nlast\n$/);
    },
  );

  it('has no line so long that patterns take their time with it', () => {
    const listener = createListener();
    listener.hear(Buffer.from(`remote: ${'repository '.repeat(100_000)}\n${'a:'.repeat(100_000)}`));
    const stderr = listener.text();
    expect(Math.max(...stderr.split('\n').map((line) => line.length))).toBeLessThanOrEqual(2001);
    const answer = { exitCode: 1, stdout: '', stderr, timedOut: false, tooMuch: undefined };
    const begun = process.cpuUsage();
    failureKind(answer);
    answerWords(answer, (text) => text);
    expect(process.cpuUsage(begun).user / 1000).toBeLessThan(500);
  });
});
