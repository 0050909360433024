// Whether the images of a merged proposal can be those that were proposed: taken from upstream, kept, or restored, or else named by
// a person, and then the version's tag says which image that is. Another image under an approved version is found so.
import { type ReleaseLine, lineName } from '../../model/pipeline.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import type { RecordReading, RegistryReading } from '../context.ts';
import { readRelease } from '../read/current.ts';
import { readable } from '../read/problem.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { unconfirmedVersions } from './unconfirmed-versions.ts';

/** Returns why an image of a release cannot be the one that was proposed, in words; undefined when each can. */
export async function strangeImage(
  reading: RegistryReading,
  { pipeline }: Pick<Snapshot, 'pipeline'>,
  {
    environment,
    commit,
    record,
  }: { readonly environment: ReleaseLine; readonly commit: ObjectId; readonly record: ReleaseRecord },
): Promise<string | undefined> {
  const { ledger } = reading;
  const { source, restored } = record;
  await ledger.fetch([commit]);
  const [base] = (await ledger.commit(commit)).parents;
  const upstream =
    source.environment === undefined
      ? undefined
      : pipeline.lines.get(lineName(source.environment.split('/', 1)[0] ?? '', environment.application));
  const known = (
    await Promise.all([
      imagesAt(reading, environment, base),
      imagesAt(reading, environment, restored?.commit),
      upstream ? imagesAt(reading, upstream, source.commit) : [],
    ])
  ).flat();
  const others = record.images.filter((image) => !known.some((one) => isSame(one, image)));
  const found = await unconfirmedVersions(reading.registries, environment, others);
  const strange = found.find(({ isContradicted }) => isContradicted);
  return strange && `it says that ${strange.name} is ${strange.version}: ${strange.why}`;
}

async function imagesAt(
  reading: RecordReading,
  line: ReleaseLine,
  commit: ObjectId | undefined,
): Promise<readonly ReleaseImage[]> {
  if (commit === undefined) return [];
  await reading.ledger.fetch([commit]);
  return (await readable(readRelease(reading, line, commit))).value?.record.images ?? [];
}

function isSame(a: ReleaseImage, b: ReleaseImage): boolean {
  return a.name === b.name && a.version === b.version && a.digest === b.digest;
}
