// How CI systems read the log of a step, each by its own grammar: what they would obey. Written after the programs that do it:
// actions/runner, src/Runner.Common/ActionCommand.cs (TryParse, TryParseV2); microsoft/azure-pipelines-agent,
// src/Microsoft.VisualStudio.Services.Agent/Command.cs; TeamCity's and GitLab's documented forms.

/** Every command in a log, as `system: line`. */
export function commandsIn(log: string): readonly string[] {
  const sections = log.match(/section_(?:start|end):\d+:\S+\r\u001b\[0K/g) ?? [];
  const lines = log.split(/\r\n|\r|\n/).flatMap((line) => {
    const found: string[] = [];
    if (githubV1(line)) found.push(`github v1: ${line}`);
    if (githubV2(line)) found.push(`github v2: ${line}`);
    if (/##vso\[[^\]]*\]/i.test(line)) found.push(`azure: ${line}`);
    if (line.includes('##teamcity[')) found.push(`teamcity: ${line}`);
    return found;
  });
  return [...lines, ...sections.map((section) => `gitlab: ${section}`)];
}

/** `##[name properties]data`, anywhere in the line. */
function githubV1(line: string): boolean {
  const start = line.indexOf('##[');
  return start >= 0 && line.indexOf(']', start) > 0;
}

/** `::name properties::data`, where the line begins, blanks apart. */
function githubV2(line: string): boolean {
  const text = line.trimStart();
  if (!text.startsWith('::')) return false;
  const end = text.indexOf('::', 2);
  return end > 2 && /^[^\s:]/.test(text.slice(2));
}
