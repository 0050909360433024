// Where Node keeps compiled code between runs. What lies there is run as it is: Node's own choice, a folder below the one for
// temporary files, can be prepared by any user of the machine. Ours is in the user's own cache folder, or there is none.
import { type FolderHost, ownFolder } from './own-folder.ts';

/** The folder for compiled code; undefined where it is not the user's own: nothing is compiled into the cache then. */
export function compileCacheFolder(host: FolderHost): string | undefined {
  return ownFolder(host, 'cache');
}
