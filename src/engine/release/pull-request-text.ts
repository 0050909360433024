// What a pull request says to anybody who has to decide: title, and body in Markdown.
import { shortDigest } from '../../model/digest.ts';
import { shortId } from '../../model/object-id.ts';
import { type Plan, subjectOf } from '../../model/plan.ts';
import type { SourceChange } from '../read/source-changes.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { counted } from '../../model/text.ts';

/** Files of configuration that are named one by one. */
const SHOWN = 20;

/** Title and body of the pull request for a plan. */
export function proposalText(
  plan: Plan,
  record: ReleaseRecord,
  sources: readonly SourceChange[] = [],
): { readonly title: string; readonly body: string } {
  const { environment, sequence, images, source, reason, gates, configurationChanges: files, restored } = plan;
  const rows = images.map(
    ({ name, version, digest, before }) =>
      `| ${cell(name)} | ${before ? cell(before.version) : '–'} | ${cell(version)} | \`${shortDigest(digest)}\` |`,
  );
  const listed = files.slice(0, SHOWN).map((path) => `- ${code(path)}`);
  const from = restored
    ? `release ${restored.sequence} (${shortId(restored.commit)})`
    : `${source.environment ?? source.branch} at ${shortId(source.commit)}`;
  const body = [
    `Release ${sequence} of ${code(environment)}, from ${from}, asked for by ${code(record.actor)}.`,
    ...(reason === undefined ? [] : ['', `Reason: ${code(reason)}`]),
    '',
    '| Image | Runs now | Would run | Digest |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    ...sources.flatMap(sourceText),
    files.length === 0 ? 'No configuration changes.' : `Configuration changes in ${counted(files.length, 'file')}:`,
    ...(files.length === 0 ? [] : ['', ...listed]),
    ...(files.length > SHOWN ? [`- and ${files.length - SHOWN} more`] : []),
    '',
    ...(plan.rulesChanged ?? []).map(
      ({ commit, author, time }) => `- gates changed by ${code(author)} in ${commit}, ${time}`,
    ),
    ...gates.map(({ gate, decision, reason: why }) => `- gate ${gate}: ${decision}: ${code(why)}`),
    '',
    `Merge it, by a merge commit or squashed, not by rebasing; then \`tagflow apply ${environment}\` writes the tags.`,
    'It never changes: a later plan opens another one, and closes this.',
    '',
  ].join('\n');
  return { title: subjectOf(plan), body };
}

/** What came into an image. What an image and a commit say is code, so that nobody is mentioned and no issue is linked by it. */
function sourceText({ image, commits, total, direction, issues, link, missing }: SourceChange): readonly string[] {
  const compared = link === undefined ? '' : ` (<${link}>)`;
  if (missing !== undefined)
    return [`Source commits of ${code(image)} are not known: ${code(missing)}${compared}.`, ''];
  const more = total - Math.min(SHOWN, commits.length);
  const verb = direction === 'back' ? 'taken back from' : 'in';
  return [
    `${counted(total, 'source commit')} ${verb} ${code(image)}${compared}${total === 0 ? '.' : ':'}`,
    '',
    ...commits
      .slice(0, SHOWN)
      .map(({ id, subject, author }) => `- ${id.slice(0, 7)} ${code(subject)} by ${code(author)}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
    ...(issues.length > 0 ? [`- issues: ${issues.slice(0, SHOWN).map(code).join(', ')}`] : []),
    ...(total > 0 ? [''] : []),
  ];
}

/** Text from elsewhere as a table's cell: Markdown in it has no effect. */
function cell(text: string): string {
  return code(text).replaceAll('|', '\\|');
}

/** As code, between so many backticks that those within end nothing. */
function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}
