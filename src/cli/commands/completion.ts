// tagflow completion: a script for the shell.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { oneOf } from '../arguments/options.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completion = defineCommand({
  name: 'completion',
  summary: 'print a completion script',
  description: ['Prints a script that completes commands and options in a shell.'],
  examples: [
    'source <(tagflow completion bash)',
    'tagflow completion zsh > "${fpath[1]}/_tagflow"',
    'tagflow completion fish > ~/.config/fish/completions/tagflow.fish',
  ],
  arguments: { shell: oneOf('shell', 'the shell', SHELLS) },
  options: {},
  async run(session, { shell }, { commands }) {
    const { completionScript } = await import('../grammar/completion.ts');
    session.io.stdout.write(completionScript(shell, commands));
    return EXIT.ok;
  },
});
