// The two sides of a release as trees that can be listed and read: a branch as it is, and as the release would leave it.
import { isRegularFile } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { RecordReading } from '../context.ts';

/** A tree, before or after a release. Links and submodules are left out. */
export interface TreeSide {
  /** The paths of the files at or below a path, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** The content of files; one that is not there is left out. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** The tree of a commit. */
export function commitSide({ ledger }: Pick<RecordReading, 'ledger'>, commit: ObjectId): TreeSide {
  return {
    list: async (path) => (await ledger.listFiles(commit, path)).filter(isRegularFile).map((entry) => entry.path),
    read: async (paths) => ledger.readFiles(commit, paths),
  };
}

/** What stands in place of some files of a tree. */
export interface Overlaid {
  /** Whether another side decides over a path: whether it is there, and what it holds. */
  readonly isOther: (path: string) => boolean;
  readonly other: TreeSide;
  /** Files that are written, whatever either side has. */
  readonly written: ReadonlyMap<string, Uint8Array>;
}

/** A tree with some of its paths as another one has them, and some files written. */
export function overlaidSide(side: TreeSide, { isOther, other, written }: Overlaid): TreeSide {
  return {
    async list(path) {
      const [own, theirs] = await Promise.all([side.list(path), other.list(path)]);
      const isBelow = (each: string): boolean => path === '' || each === path || each.startsWith(`${path}/`);
      const paths = [
        ...own.filter((each) => !isOther(each)),
        ...theirs.filter(isOther),
        ...[...written.keys()].filter(isBelow),
      ];
      return [...new Set(paths)].sort();
    },
    async read(paths) {
      const found = new Map<string, Uint8Array>();
      const unwritten = paths.filter((path) => !written.has(path));
      const [own, theirs] = await Promise.all([
        side.read(unwritten.filter((path) => !isOther(path))),
        other.read(unwritten.filter(isOther)),
      ]);
      for (const path of paths) {
        const content = written.get(path) ?? own.get(path) ?? theirs.get(path);
        if (content) found.set(path, content);
      }
      return found;
    },
  };
}
