// docs/reference/cli.md, as text: every command, argument and option of the grammar in src/cli/program.ts, with examples.
import { PassThrough } from 'node:stream';
import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../src/cli/program.ts';

/** What the grammar cannot say of a command: how it behaves, its errors of note, and examples. */
interface Notes {
  readonly text: readonly string[];
  readonly examples: readonly string[];
}

const NOTES: Readonly<Record<string, Notes>> = {
  promote: {
    text: [
      'Without versions it takes what the upstream environment (`from`) has now; an environment without `from` takes the',
      'configuration of the trunk and keeps the images it runs. Naming some images promotes those alone. The configuration of',
      'upstream is carried in every case.',
      '',
      'Images that the environment runs from a repository of its own (`repositories:`) are copied there before the commit.',
      '',
      'When the environment has exactly this release, nothing is committed; its tags are checked and repaired all the same,',
      'and the exit code is 0.',
      '',
      '`--plan` takes everything from the file: versions and options that ask for something are refused beside it.',
      '',
      'A promotion that loses a race plans again from the new head, gates included, for up to five minutes.',
    ],
    examples: [
      'tagflow promote dev django=V4.2 --reason "SHOP-7 new checkout"',
      'tagflow promote dev --version V4.2',
      'tagflow promote prd',
      'tagflow promote prd --dry-run',
      'tagflow promote prd --plan-out plan.json',
      'tagflow promote prd --plan plan.json',
    ],
  },
  rollback: {
    text: [
      'A new release that restores an earlier one: its images, and the configuration they ran with. Paths under `keep:` stay as',
      'they are. The release that was left is held. A rollback that loses a race ends with exit code 5 and does not try again.',
    ],
    examples: [
      'tagflow rollback prd --reason "INC-412 checkout 500s"',
      'tagflow rollback prd --to V4.0',
      "tagflow rollback prd --to '#7' --images-only",
    ],
  },
  apply: {
    text: [
      'Puts the per-release tag, then the target tag, of each image of the release at the branch head, and reads back what it',
      'wrote. Nothing else is changed. Exit code 8 when a tag could not be put or verified.',
    ],
    examples: ['tagflow apply prd', 'tagflow apply --all'],
  },
  tag: {
    text: [
      'Works on registries alone: no Git repository is needed, and nothing is recorded. A target is a tag in the repository of',
      'the source, or a whole reference in any repository: then the image is copied there first, with all its platforms,',
      'signatures and attestations. No tag is put before every copy is whole.',
    ],
    examples: [
      'tagflow tag registry.example.com/acme/django:V4.2 candidate',
      'tagflow tag registry.example.com/acme/django:V4.2 registry.example.com/production/django:V4.2',
    ],
  },
  status: {
    text: [
      '`BRANCH`: whether the manifests on the branch pin what the record says. `REGISTRY`: whether the target tag names it.',
      '`✓` right, `✗` drift or absent, `✗ unapplied` when the release is committed and not all of its tags were put, `? unknown`',
      'when it could not be read. Below the table: each of these with the command that mends it, what waits upstream, and holds.',
    ],
    examples: ['tagflow status', 'tagflow status prd --exit-code'],
  },
  diff: {
    text: ['Versions, commits, and lines of configuration that `B` would get with the release of `A`.'],
    examples: ['tagflow diff stg prd'],
  },
  history: {
    text: ['Newest first. Commits that touch a record and are no release are listed as unverified.'],
    examples: ['tagflow history prd', 'tagflow history --image django --since 7d -o json'],
  },
  show: {
    text: [
      'Without options the release that runs now. Times are ISO 8601 with an offset, a local time with the name of its zone, a',
      'date, or an age (`45min`, `12h`, `7d`). A time without a zone is UTC.',
    ],
    examples: [
      'tagflow show prd',
      'tagflow show prd --release 7',
      'tagflow show prd --at "2026-03-14 18:00 Europe/Paris"',
    ],
  },
  where: {
    text: ['Takes a whole digest, at least seven of its hexadecimal digits, or IMAGE@VERSION.'],
    examples: ['tagflow where django@V4.2', 'tagflow where f72080aa1346'],
  },
  check: {
    text: [
      'Walks the releases of each branch by first parent. A commit is named with the rule that it breaks: `record` (it changes',
      'the record and is no release), `signature`, `sequence`, `content` (its tree has what neither upstream nor a pin explains), `pins`',
      '(manifests name other images than the record), `source` (what it says it carried is not upstream), `rules` (not planned by',
      'a `tagflow.yaml` of the trunk), `foreign` (made by hand, and upstream lacks it), `direction` (it carries commits upstream),',
      '`rewound` (the registry knows a newer release), `text` (control or bidirectional characters). Nothing is changed. See',
      '[Audit](../how-to/audit.md).',
    ],
    examples: [
      'tagflow check',
      'tagflow check prd --since 30d -o json',
      'tagflow check prd --branch hotfix/checkout --no-registry',
    ],
  },
  init: {
    text: [
      'In a checkout without `tagflow.yaml` it writes one from the images and folders it finds, a `.gitlab-ci.yml` if there is',
      'none, and empty overlays if there is no environment folder. Otherwise it makes the environment branches that the remote',
      'lacks, at the head of the trunk. It asks before that; `--yes` answers. It overwrites nothing without `--force`.',
    ],
    examples: ['tagflow init', 'tagflow init --yes'],
  },
  demo: {
    text: ['The folder must be empty or missing. Everything stays there afterwards, to play with.'],
    examples: ['tagflow demo', 'tagflow demo /tmp/shop'],
  },
  completion: { text: [], examples: ['source <(tagflow completion bash)'] },
};

/** docs/reference/cli.md. */
export function cliPage(): string {
  const program = grammar();
  return [
    '<!-- Generated by `npm run generate` from src/cli/program.ts and .ci/cli-page.ts. Edit there. -->',
    '# The command line',
    '',
    'Results go to stdout, everything else to stderr. `tagflow` alone prints its help. No command needs a terminal. Options of one command may stand before or',
    'after its arguments; global options may stand anywhere. Precedence: option, environment variable, `tagflow.yaml`, default.',
    'Secrets are never options: see [environment variables](environment-variables.md). How a command ended:',
    '[exit codes](exit-codes.md). What `-o json` prints: [JSON](json.md).',
    '',
    '| command | what it does |',
    '|---|---|',
    ...program.commands.map(
      (command) => `| [\`${command.name()}\`](#tagflow-${command.name()}) | ${command.summary()} |`,
    ),
    '',
    '## Global options',
    '',
    ...optionTable(program.options),
    '',
    'Colours are for terminals only; `NO_COLOR` and `FORCE_COLOR` are honoured.',
    '',
    ...program.commands.flatMap(section),
  ].join('\n');
}

/** The grammar of the command line, as the program builds it. */
export function grammar(): Command {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signals = {
    on: () => undefined,
    off: () => undefined,
    exit: (): never => {
      throw new Error('the grammar is only read');
    },
  };
  return createProgram({ argv: [], env: {}, cwd: '.', stdout, stderr, stdin, signals });
}

function section(command: Command): readonly string[] {
  const notes = NOTES[command.name()] ?? { text: [], examples: [] };
  const words = command.registeredArguments.map(argumentWord);
  const options = command.options.length > 0 ? ['[options]'] : [];
  return [
    `## tagflow ${command.name()}`,
    '',
    '```text',
    ['tagflow', command.name(), ...options, ...words].join(' '),
    '```',
    '',
    sentence(command.description() || command.summary()),
    '',
    ...(notes.text.length > 0 ? [...notes.text, ''] : []),
    ...argumentTable(command.registeredArguments),
    ...(command.options.length > 0 ? [...optionTable(command.options), ''] : []),
    ...(notes.examples.length > 0 ? ['```sh', ...notes.examples, '```', ''] : []),
  ];
}

function argumentWord(argument: Argument): string {
  const word = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${word}>` : `[${word}]`;
}

function argumentTable(all: readonly Argument[]): readonly string[] {
  if (all.length === 0) return [];
  const rows = all.map((argument) => {
    const choices = argument.argChoices ? `: ${argument.argChoices.join(', ')}` : '';
    const preset = typeof argument.defaultValue === 'string' ? `; default \`${argument.defaultValue}\`` : '';
    return `| \`${cell(argumentWord(argument))}\` | ${cell(argument.description)}${choices}${preset} |`;
  });
  return ['| argument | meaning |', '|---|---|', ...rows, ''];
}

function optionTable(all: readonly Option[]): readonly string[] {
  const rows = all.map((option) => {
    const choices = option.argChoices ? `: ${option.argChoices.join(', ')}` : '';
    const preset = option.defaultValue;
    const shown = (typeof preset === 'string' && option.long !== '--directory') || typeof preset === 'number';
    const fallback = shown ? `; default \`${String(preset)}\`` : '';
    const variable = option.envVar === undefined ? '' : ` (\`${option.envVar}\`)`;
    return `| \`${cell(option.flags)}\` | ${cell(option.description)}${choices}${fallback}${variable} |`;
  });
  return ['| option | meaning |', '|---|---|', ...rows];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
