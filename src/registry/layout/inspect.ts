// What an OCI layout is like, for `doctor`: a directory that may be read and written, or not.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Permission, RepositoryFacts } from '../../model/repository-facts.ts';
import { codeOf } from './errors.ts';

/** The facts about a layout's directory; `exists`: whether it is a layout that could be read. */
export async function inspectLayout(directory: string, exists: boolean): Promise<RepositoryFacts> {
  if (!exists) {
    const how = 'the directory does not exist';
    return { exists: 'no', pull: { granted: 'unknown', how }, push: { granted: 'unknown', how } };
  }
  const write = await writable(directory);
  return {
    exists: 'yes',
    pull: { granted: 'yes', how: 'its index was read' },
    push: write,
    removeTag: write,
    tagRule: { tags: 'mutable', except: [] },
  };
}

async function writable(directory: string): Promise<Permission> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return { granted: 'yes', how: 'the directory is writable' };
  } catch (error) {
    return { granted: 'no', how: `the directory is not writable: ${codeOf(error) ?? 'unknown'}` };
  }
}
