// The files that a release changes, as text with context and by what their settings mean.
import { LARGEST_TOGETHER, type SettingChange, holdsSecret, settingChanges } from '../../manifests/manifests.ts';

/** A file before and after; undefined: it is not there. */
export interface ChangedFile {
  readonly path: string;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
  /** What it would be with the release's pins and nothing else; absent where it holds no pins. */
  readonly repinned?: Uint8Array | undefined;
}

/** A changed file for people. */
export interface FileChange {
  readonly path: string;
  /** A unified diff, or a sentence that says why none is shown. */
  readonly patch: string;
  /** Settings that differ beside the pins; null where the file is not YAML, JSON or file of variables. */
  readonly settings: readonly SettingChange[] | null;
}

const CONTEXT = 3;
/** Lines removed and added beyond which a diff takes longer than anybody waits, where there are lines on both sides. */
const MAX_EDITS = 4_000;
/** Lines of a file that is new or gone. */
const MAX_LINES = 20_000;
/** The work of four diffs of the largest kind: two seconds, about. */
const MOST_WORK = 4 * MAX_EDITS ** 2;

/** What changed files say; of those beyond what can be compared in time, that they are not shown. */
export async function describeFiles(files: readonly ChangedFile[], maxBytes: number): Promise<readonly FileChange[]> {
  if (files.length === 0) return [];
  const { createTwoFilesPatch } = await import('diff');
  let bytes = LARGEST_TOGETHER * maxBytes;
  let work = MOST_WORK;
  return files.map((file) => {
    const { path, before, after, repinned } = file;
    bytes -= (before?.length ?? 0) + (after?.length ?? 0);
    if (bytes < 0) return { path, settings: null, patch: header(path, 'not shown: too much changed') };
    const isPinAlone = repinned !== undefined && after !== undefined && Buffer.compare(repinned, after) === 0;
    const settings = isPinAlone ? [] : (settingChanges(path, repinned ?? before, after, maxBytes) ?? null);
    const unshown = whyUnshown(file, maxBytes);
    if (unshown !== undefined) return { path, settings, patch: header(path, unshown) };
    const [older, newer] = [decode(before), decode(after)];
    const isWhole = older === '' || newer === '';
    const maxEditLength = isWhole ? MAX_LINES : Math.min(MAX_EDITS, Math.floor(Math.sqrt(Math.max(0, work))));
    const options = { context: CONTEXT, maxEditLength };
    const patch = createTwoFilesPatch(`a/${path}`, `b/${path}`, older, newer, undefined, undefined, options);
    if (!isWhole) work -= (patch === undefined ? maxEditLength : editsIn(patch)) ** 2;
    return { path, settings, patch: patch ?? header(path, 'the two versions differ too much to be shown') };
  });
}

function editsIn(patch: string): number {
  return patch.split('\n').filter((line) => /^[-+]/.test(line)).length - 2;
}

function whyUnshown({ path, before, after }: ChangedFile, maxBytes: number): string | undefined {
  if ([before, after].some((content) => content?.includes(0) === true)) return 'binary files differ';
  const isSecret = [before, after].some((content) => holdsSecret(path, content, maxBytes));
  return isSecret ? 'it holds a Secret, whose values are not shown' : undefined;
}

function header(path: string, sentence: string): string {
  return `--- a/${path}\n+++ b/${path}\n@@ ${sentence} @@\n`;
}

function decode(content: Uint8Array | undefined): string {
  return content ? new TextDecoder().decode(content) : '';
}
