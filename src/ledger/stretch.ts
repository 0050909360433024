// A stretch of a history, read in a repository of its own: a long history piece by piece, in memory and on disk for one piece.
//
// Concurrency and repetition: each reading has its own bare repository, which is removed at its end.
import type { ObjectId } from '../model/object-id.ts';
import { Fetcher } from './fetcher.ts';
import type { HistoryStretch } from './ledger.ts';
import { ObjectCache } from './object-cache.ts';
import { type PlumbingOptions, forWalks } from './plumbing.ts';
import { endProcessesIn } from './processes.ts';
import { Remote, type RemoteOptions } from './remote.ts';
import { FileSteps } from './steps.ts';
import type { Activity } from './together.ts';

/** A repository of our own, and what its remote is reached with. */
export interface GitConnection {
  readonly remote: RemoteOptions;
  readonly plumbing: PlumbingOptions;
}

/** Which stretch: how many commits from which one down, and the files that are looked at. */
interface StretchAsk {
  readonly from: ObjectId;
  readonly fileSets: readonly (readonly string[])[];
  readonly most: number;
}

/** Reads a stretch, as the port's method promises. */
export async function readStretch(
  connect: () => Promise<GitConnection>,
  activity: Activity,
  { from, fileSets, most }: StretchAsk,
): Promise<HistoryStretch> {
  const { remote: options, plumbing } = await connect();
  const { repository } = options;
  const git = { ...forWalks(plumbing), activity };
  const remote = new Remote(forWalks(options));
  const objects = new ObjectCache(git);
  const fetcher = new Fetcher({ url: options.remote.url, remote, repository, git, objects, activity });
  try {
    // One more: a commit is compared with the one before.
    await fetcher.fetch([from], remote, most + 1);
    return await new FileSteps(git, objects, fetcher, activity).stretch(from, fileSets, most);
  } finally {
    await objects.close();
    if (remote.brokeOff) endProcessesIn(repository.folder);
    await repository.remove();
  }
}
