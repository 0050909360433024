// The evidence of an audit: what somebody needs to check releases without tagflow. It depends only on the commits, so the
// same commits give the same bytes.
import type { ObjectId } from '../../model/object-id.ts';
import { type Trust, recordPaths } from '../../model/pipeline.ts';
import type { AuditPorts, RecordReading } from '../context.ts';
import { readEverything } from '../read/history.ts';
import type { Past, Release } from '../read/past.ts';
import type { EnvironmentProblem } from '../read/problem.ts';
import { type Audit, checkIn } from './check.ts';
import { LARGEST_RECORD } from '../../model/release-record.ts';

/** A release with the bytes that its commit has. */
export interface ReleaseEvidence {
  readonly release: Release;
  /** Where the record stands in the tree of the commit. */
  readonly path: string;
  readonly record: Uint8Array;
  /** The armoured signature over the record; undefined where it has none. */
  readonly signature: Uint8Array | undefined;
}

/** The evidence of one release line. */
export interface LineEvidence {
  readonly line: string;
  readonly branch: string;
  readonly head: ObjectId;
  /** Oldest first. */
  readonly releases: readonly ReleaseEvidence[];
  /** Who may sign, as the trunk lists them, and keys that count no more; undefined where releases are not signed. */
  readonly signers: Pick<Trust, 'method' | 'signers' | 'revoked'> | undefined;
}

/** The evidence of a repository. */
export interface ExportedEvidence {
  readonly trunk: { readonly branch: string; readonly head: ObjectId };
  readonly lines: readonly LineEvidence[];
  readonly audit: Audit;
  /** Lines whose past cannot be read: they are missing. */
  readonly problems: readonly EnvironmentProblem[];
}

/** Releases whose files are brought with one request. */
const TOGETHER = 500;

/** Gathers the evidence. The registry is not asked, since its answers change. */
export async function exportEvidence(context: AuditPorts): Promise<ExportedEvidence> {
  const problems: EnvironmentProblem[] = [];
  const { snapshot, pasts } = await readEverything(context, problems);
  const lines: LineEvidence[] = [];
  for (const past of pasts) {
    const { environment } = past;
    const { trust } = environment;
    lines.push({
      line: environment.name,
      branch: environment.branch,
      head: snapshot.head(environment),
      releases: await filesOf(context, past),
      signers: trust && { method: trust.method, signers: trust.signers, revoked: trust.revoked },
    });
  }
  const audit = await checkIn(context, snapshot, { environments: [], registry: false });
  return { trunk: snapshot.trunk, lines, audit, problems };
}

async function filesOf(
  { ledger, signal }: Pick<RecordReading, 'ledger' | 'signal'>,
  { environment, releases }: Past,
): Promise<readonly ReleaseEvidence[]> {
  const records = recordPaths(environment);
  const all = records.flatMap((path) => [path, `${path}.sig`]);
  const found: ReleaseEvidence[] = [];
  for (let at = 0; at < releases.length; at += TOGETHER) {
    signal.throwIfAborted();
    const some = releases.slice(at, at + TOGETHER);
    await ledger.bring(some.map(({ commit }) => ({ commit, paths: all })));
    for (const release of some) {
      const files = await ledger.readFiles(release.commit, all, LARGEST_RECORD);
      const path = records.find((one) => files.has(one));
      const record = path === undefined ? undefined : files.get(path);
      if (path !== undefined && record) found.push({ release, path, record, signature: files.get(`${path}.sig`) });
    }
  }
  return found.toReversed();
}
