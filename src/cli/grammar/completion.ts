// Completion scripts. What may stand where the cursor is, tagflow itself says (`tagflow __complete`): names, versions and releases are not
// known when a script is made. Commands are in the script, with what they do.
import { Option } from 'commander';
import type { Command } from './define.ts';
import { GLOBAL_OPTIONS } from '../arguments/globals.ts';

/** The completion script for a shell. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', all: readonly Command[]): string {
  return { bash, zsh, fish }[shell](all.filter(({ hidden }) => !hidden));
}

function bash(): string {
  return `# bash completion for tagflow: source it, or save it in /etc/bash_completion.d
_tagflow() {
  # Bash splits words at = and : too; the line has them whole. What stands before the last of these signs is not inserted again.
  local line="\${COMP_LINE:0:COMP_POINT}" typed word prefix
  read -ra typed <<< "$line"
  [[ $line == *[[:space:]] ]] && typed+=("")
  word="\${typed[-1]}"; prefix="\${word%"\${word##*[=:@]}"}"
  COMPREPLY=()
  compopt -o nosort 2>/dev/null
  while IFS= read -r word; do
    COMPREPLY+=("\${word#"$prefix"}")
    # A version follows the sign.
    [[ $word == *[=@] ]] && compopt -o nospace 2>/dev/null
  done < <("\${typed[0]}" __complete -- "\${typed[@]:1}" 2>/dev/null)
}
complete -o default -F _tagflow tagflow
`;
}

function zsh(commands: readonly Command[]): string {
  const described = commands.map(
    ({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`,
  );
  return `#compdef tagflow
# zsh completion for tagflow: save it as _tagflow in a folder of your fpath
_tagflow() {
  local -a commands found unfinished
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then
    _describe command commands
    return
  fi
  found=(\${(f)"$("$words[1]" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  # A version follows the sign.
  unfinished=(\${(M)found:#*[=@]})
  found=(\${found:#*[=@]})
  (( \${#unfinished} )) && compadd -V names -S '' -- $unfinished
  (( \${#found} )) && compadd -V values -- $found
  (( \${#unfinished} + \${#found} )) || _files
}
compdef _tagflow tagflow
`;
}

function fish(commands: readonly Command[]): string {
  return [
    '# fish completion for tagflow: save it as ~/.config/fish/completions/tagflow.fish',
    'function __tagflow_complete; set -l words (commandline -opc) (commandline -ct); $words[1] __complete -- $words[2..] 2>/dev/null; end',
    // Where a command stands: behind no other one, and neither an option nor the value of one.
    'function __tagflow_first; __fish_use_subcommand; and not string match -qr -- "^-" (commandline -opc)[-1] (commandline -ct); end',
    ...commands.map(({ name, summary }) => `complete -c tagflow -n __tagflow_first -f -a ${name} -d ${quote(summary)}`),
    `complete -c tagflow -n 'not __tagflow_first' -f -k -a '(__tagflow_complete)'`,
    ...new Set(commands.flatMap(({ options }) => fishPaths(options))),
    ...fishPaths(GLOBAL_OPTIONS),
    '',
  ].join('\n');
}

/** Options whose values are files or folders. */
function fishPaths(options: Command['options']): readonly string[] {
  const paths = Object.values(options).filter(({ completion }) => completion === 'file' || completion === 'folder');
  return paths.map(({ flags }) => {
    const { short, long } = new Option(flags);
    return ['complete -c tagflow -r -F', short && `-s ${short.slice(1)}`, long && `-l ${long.slice(2)}`]
      .filter(Boolean)
      .join(' ');
  });
}

/** A word that fish takes literally. */
function quote(words: string): string {
  return `'${words.replaceAll("'", "\\'")}'`;
}
