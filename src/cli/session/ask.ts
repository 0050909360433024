// Questions to a person at a terminal.
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Session } from './session.ts';

/** Whether there is a person to ask who has not answered already. */
export function asks({ io, options }: Session): boolean {
  return options.yes !== true && options.input && io.stdin.isTTY === true;
}

/** Asks, and resolves to whether the person agrees. The end of the input is no. */
export async function isAgreed({ io, signal }: Session, question: string): Promise<boolean> {
  // Not as a terminal of its own: Ctrl+C and Ctrl+D stay a signal and an end of input, as everywhere else.
  const prompt = createInterface({ input: io.stdin, output: io.stderr, terminal: false });
  try {
    // Otherwise the question would wait for ever if the input is closed.
    const closed = once(prompt, 'close').then(() => '');
    const answer = await Promise.race([prompt.question(`${question} [y/N] `, { signal }), closed]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
