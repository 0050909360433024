// tagflow help: the help of a command.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { optional } from '../arguments/options.ts';

export const help = defineCommand({
  name: 'help',
  summary: 'show the help of a command',
  description: ['Shows what `tagflow COMMAND --help` shows; without a command, the list of commands.'],
  examples: ['tagflow help', 'tagflow help rollback'],
  arguments: { command: optional('command', 'the command', { completion: 'command' }) },
  options: {},
  async run(_, { command }, line) {
    line.showHelp(command);
    return EXIT.ok;
  },
});
