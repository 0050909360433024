// Environments with repositories of their own: a file that holds a tag alone leaves it to others to say where the image comes from.
import type { ManifestFile, PinResult } from '../../manifests/manifests.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { Repository } from '../../model/reference.ts';
import type { Reading } from '../context.ts';

/** Warns of images that an environment runs from a repository of its own, and of whose name none of its files says anything. */
export function warnOfUntoldRepositories(
  { notify }: Pick<Reading, 'notify'>,
  { name, repositories }: Environment,
  files: readonly ManifestFile[],
  { edits, fields }: Pick<PinResult, 'edits' | 'fields'>,
): void {
  const written = new Map(edits.map(({ path, content }) => [path, content]));
  for (const [image, repository] of repositories) {
    const field = fields.find((one) => one.image === image);
    if (!field || repository.kind !== 'remote') continue;
    if (files.some(({ path, content }) => says(written.get(path) ?? content, repository))) continue;
    const place = `${field.path}:${field.line} ${field.field}`;
    const text = `${name} runs ${image} from ${repository.name}, and none of its files says so: ${place} holds a tag alone; make sure that what reads it takes the image from there`;
    notify({ level: 'warning', text });
  }
}

/** Whether a file names a repository, as a whole or by its host and its path. */
function says(content: Uint8Array, { name }: Repository): boolean {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const slash = name.indexOf('/');
  return [name.slice(0, slash), name.slice(slash + 1)].every((part) => bytes.includes(part));
}
