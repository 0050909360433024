// tagflow report: one page about the whole repository, in one file.
import { lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EXIT, TagflowError } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { optional } from '../arguments/options.ts';
import { PAGE_OPTIONS, pageReader } from '../page/report.ts';
import { GENERATOR } from '../page/generator.ts';
import { namedPath } from '../process/checkout-files.ts';

/** The file of the page; a folder that is published begins with it. */
const FILE = 'index.html';

export const report = defineCommand({
  name: 'report',
  summary: 'write a page that shows what runs, what happened, and the evidence',
  description: [
    'Writes one HTML file with all its data (older releases of a large repository go into a second file beside it): what each environment runs, its timeline and delivery metrics, each release with its gates, and a comparison of two releases. For auditors it also shows what ran at any moment and what `check` found. The page opens offline from a disk, from the artifacts of a CI job, or from GitLab Pages. It loads nothing and sends nothing.',
    'The page names what could not be read and shows the rest. Where the trunk has no `tagflow.yaml`, or one with mistakes, the page says so, and the command ends with exit code 2. See [A page for everybody](../how-to/publish-a-page.md).',
  ],
  examples: ['tagflow report', 'tagflow report public --since 1y', 'tagflow report --no-check'],
  arguments: {
    folder: optional('dir', 'the folder for the page; default: tagflow-report', {
      completion: 'folder',
    }),
  },
  options: PAGE_OPTIONS,
  async run(session, { folder = 'tagflow-report', ...options }) {
    const readPage = pageReader(options);
    const [{ OLDER_FILE, reportFiles }, { linesOf, styled }] = await Promise.all([
      import('../page/document.ts'),
      import('../../views/view.ts'),
    ]);
    const data = await readPage(await session.context());
    const files = reportFiles(data);
    const file = await save(await namedPath(session.options.directory, folder), files, OLDER_FILE);
    const bytes = [...files.values()].reduce((sum, text) => sum + text.length, 0);
    const releases = data.lines.reduce((sum, line) => sum + line.releases.length, 0);
    session.print({
      data: {
        file,
        bytes,
        environments: data.lines.length,
        releases,
        findings: data.findings?.length ?? null,
        problem: data.problem?.text ?? null,
      },
      parts: [
        linesOf([
          styled('green', '✓'),
          ` wrote ${file}: ${data.lines.length} environments, ${releases} releases, ${size(bytes)}`,
        ]),
        ...(files.size === 1 ? [] : [linesOf(`  older releases are in ${OLDER_FILE} beside it`)]),
        ...(data.problem ? [linesOf([styled('red', '✗'), ` the page says: ${data.problem.text}`])] : []),
      ],
    });
    return data.problem ? EXIT.usage : EXIT.ok;
  },
});

function size(bytes: number): string {
  return `${Math.ceil(bytes / 1000)} kB`;
}

/** Writes the files. Of what is there already, only a page of ours is written over, or removed where it is no longer needed. */
async function save(folder: string, files: ReadonlyMap<string, string>, beside: string): Promise<string> {
  const file = join(folder, FILE);
  try {
    await mkdir(folder, { recursive: true });
    for (const name of [FILE, beside]) await requireOurs(join(folder, name));
    if (!files.has(beside)) await rm(join(folder, beside), { force: true });
    for (const [name, text] of files) await writeFile(join(folder, name), text);
    return file;
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `cannot write ${file}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'name a folder that can be written to: tagflow report DIR',
      cause,
    });
  }
}

/** Throws if a file exists that is not a page of tagflow's. */
async function requireOurs(file: string): Promise<void> {
  const there = await lstat(file).catch(() => undefined);
  if (there && !there.isFile()) throw new Error(`${basename(file)} is not a regular file`);
  if (there && !(await readFile(file, 'utf8')).includes(GENERATOR))
    throw new Error(`another page is there: ${basename(file)}`);
}
