// tagflow audit export: evidence to hand over, which others can verify without tagflow.
import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TagflowError } from '../../model/errors.ts';
import { counted } from '../../model/text.ts';
import { defineCommand } from '../grammar/define.ts';
import { oneOf, required } from '../arguments/options.ts';
import { reportProblems } from '../session/problems.ts';
import { namedPath } from '../process/checkout-files.ts';

/** Lists the checksums of all other files, as sha256sum(1) reads it. */
const CHECKSUMS = 'SHA256SUMS';

export const audit = defineCommand({
  name: 'audit',
  summary: 'export evidence that others can verify without tagflow',
  description: [
    'Writes a new folder with every record and its signature, tables of releases, images and findings, the findings as SARIF, checksums, and a README. The README says how to verify each file with only git, ssh-keygen and sha256sum. The same commits give the same files, byte for byte. It does not contact the registry.',
    'If the past of an environment cannot be read, the export leaves it out and names it. The exit code is then that of the error.',
  ],
  examples: ['tagflow audit export evidence-2026'],
  arguments: {
    action: oneOf('action', 'what to do', ['export']),
    folder: required('dir', 'a new folder, or an empty one', { completion: 'folder' }),
  },
  options: {},
  async run(session, { folder }) {
    const [engine, { evidenceFiles }, { linesOf, styled }] = await Promise.all([
      import('../../engine/audit/evidence.ts'),
      import('../../views/evidence.ts'),
      import('../../views/view.ts'),
    ]);
    const path = await namedPath(session.options.directory, folder);
    await requireEmpty(path);
    const evidence = await engine.exportEvidence(await session.context());
    const files = evidenceFiles(evidence);
    await writeAll(path, files);
    const releases = evidence.lines.reduce((sum, line) => sum + line.releases.length, 0);
    const found = evidence.audit.findings.length;
    session.print({
      data: { folder: path, files: files.size + 1, releases, findings: found },
      parts: [
        linesOf([
          styled('green', '✓'),
          ` wrote ${counted(files.size + 1, 'file')} to ${path}: ${counted(releases, 'release')}, ${counted(found, 'finding')}`,
        ]),
      ],
    });
    return reportProblems(session, evidence.problems);
  },
});

async function writeAll(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const sums: string[] = [];
  try {
    for (const path of [...files.keys()].toSorted()) {
      const content = files.get(path) ?? new Uint8Array();
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content, { flag: 'wx' });
      sums.push(`${createHash('sha256').update(content).digest('hex')}  ${path}\n`);
    }
    await writeFile(join(folder, CHECKSUMS), sums.join(''), { flag: 'wx' });
  } catch (cause) {
    throw cannotWrite(folder, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Evidence is not mixed with other files. */
async function requireEmpty(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw cannotWrite(folder, error instanceof Error ? error.message : String(error), error);
  });
  if (there.length > 0) throw cannotWrite(folder, 'the folder is not empty');
}

function cannotWrite(folder: string, why: string, cause?: unknown): TagflowError {
  return new TagflowError('storage-failed', {
    what: `cannot write evidence to ${folder}`,
    why,
    fix: 'name a folder that does not exist yet',
    ...(cause !== undefined && { cause }),
  });
}
