// Completion scripts, made from the commands as they are written down.
import { Option } from 'commander';
import type { Command, OptionSpec, Specs } from './define.ts';
import { GLOBAL_OPTIONS } from './globals.ts';

/** A command's words: what may follow it. */
interface Words {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly string[];
}

/** The completion script for a shell. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', all: readonly Command[]): string {
  const commands = all.filter(({ hidden }) => !hidden).map(wordsOf);
  const globals = Object.values(GLOBAL_OPTIONS).map(({ flags }) => new Option(flags));
  const valued = globals
    .filter(({ required }) => required)
    .flatMap(({ short, long }) => [short ?? [], long ?? []].flat());
  const names = globals.map(({ long, short }) => long ?? short ?? '');
  return { bash, zsh, fish }[shell](commands, names, valued);
}

/** Long options, and the choices of arguments. */
function wordsOf({ name, summary, arguments: args, options }: Command): Words {
  return {
    name,
    summary,
    words: [...Object.values(args).flatMap(({ choices }) => choices ?? []), ...longNames(options)],
  };
}

function longNames(options: Specs<OptionSpec<unknown>>): readonly string[] {
  return Object.values(options)
    .filter(({ hidden }) => !hidden)
    .map(({ flags }) => new Option(flags).long ?? flags);
}

/** `valued`: options whose value is the next word, which is not a command whatever it says. */
function bash(commands: readonly Words[], globals: readonly string[], valued: readonly string[]): string {
  const cases = [
    `    ${valued.join('|')}) value=1 ;;`,
    ...commands.map(({ name, words }) => `    ${name}) words="${[...words, ...globals].join(' ')}"; break ;;`),
  ];
  return `# bash completion for tagflow: source it, or save it in /etc/bash_completion.d
_tagflow() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="${[...commands.map(({ name }) => name), ...globals].join(' ')}" word value=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $value ]]; then value=; continue; fi
    case "$word" in
${cases.map((line) => `  ${line}`).join('\n')}
    esac
  done
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  [[ $current == -* || -z \${COMP_LINE-} ]] && return
  # Names, versions and releases. Bash splits words at = and : too: what stands before is not inserted again.
  local line="\${COMP_LINE:0:COMP_POINT}" typed prefix
  read -ra typed <<< "$line"
  [[ $line == *[[:space:]] ]] && typed+=("")
  word="\${typed[-1]}"; prefix="\${word%"\${word##*[=:@]}"}"
  while IFS= read -r word; do COMPREPLY+=("\${word#"$prefix"}"); done < <("\${typed[0]}" __complete -- "\${typed[@]:1}" 2>/dev/null)
}
complete -o default -F _tagflow tagflow
`;
}

function zsh(commands: readonly Words[], globals: readonly string[]): string {
  const described = commands.map(
    ({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`,
  );
  const cases = commands.map(({ name, words }) => `      ${name}) compadd -- ${[...words, ...globals].join(' ')} ;;`);
  return `#compdef tagflow
# zsh completion for tagflow: save it as _tagflow in a folder of your fpath
_tagflow() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    compadd -- ${globals.join(' ')}
  else
    case "$words[2]" in
${cases.join('\n')}
    esac
    local -a found
    found=(\${(f)"$(tagflow __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
    (( \${#found} )) && compadd -- $found
    _files
  fi
}
compdef _tagflow tagflow
`;
}

/** Words that may follow where a condition holds: options by name, anything else as it is. */
function fishWords(words: readonly string[], condition: string): string[] {
  return words.map((word) =>
    word.startsWith('--')
      ? `complete -c tagflow${condition} -l ${word.slice(2)}`
      : `complete -c tagflow${condition} -a ${quote(word)}`,
  );
}

function fish(commands: readonly Words[], globals: readonly string[]): string {
  return [
    '# fish completion for tagflow: save it as ~/.config/fish/completions/tagflow.fish',
    'function __tagflow_complete; set -l words (commandline -opc) (commandline -ct); tagflow __complete -- $words[2..] 2>/dev/null; end',
    `complete -c tagflow -n 'not __fish_use_subcommand' -a '(__tagflow_complete)'`,
    ...fishWords(globals, ''),
    ...commands.flatMap(({ name, summary, words }) => [
      `complete -c tagflow -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
      ...fishWords(words, ` -n '__fish_seen_subcommand_from ${name}'`),
    ]),
    '',
  ].join('\n');
}

/** A word that fish takes literally. */
function quote(words: string): string {
  return `'${words.replaceAll("'", "\\'")}'`;
}
