// tagflow __complete: what may stand where the cursor is; the completion scripts of shells call it.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { several } from '../arguments/options.ts';

export const complete = defineCommand({
  name: '__complete',
  summary: 'print completions for the end of a command line',
  description: [
    'Prints one candidate on each line for the last word, which may be empty. Completion scripts call this command. It never fails, and waits at most two seconds for servers.',
  ],
  examples: ['tagflow __complete -- promote d'],
  hidden: true,
  arguments: { words: several('word', 'the words of the line, without tagflow', { mayBeEmpty: true }) },
  options: {},
  async run(session, { words }, { commands, runProgram }) {
    const [{ candidatesFor }, { splitPlace }] = await Promise.all([
      import('../grammar/candidates.ts'),
      import('../grammar/position.ts'),
    ]);
    const { place, rest } = splitPlace(words);
    if (place.length > 0) return runProgram({ ...session.io, argv: [...place, '__complete', '--', ...rest] });
    const found = await candidatesFor(session, commands, words);
    session.io.stdout.write(found.map((word) => `${word}\n`).join(''));
    return EXIT.ok;
  },
});
