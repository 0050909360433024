// Pins that releases miss: at the head of a branch, places that name an image and that no release changes; and images of
// tagflow.yaml that no manifest of any environment names.
import type { Commit } from '../../ledger/ledger.ts';
import type { Stray } from '../../manifests/manifests.ts';
import { TagflowError } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { type Said, readSaid } from '../tree/pins.ts';
import type { ReportFinding } from './findings.ts';
import type { Trail } from './trail.ts';

/** Images that no manifest of the environments looked at names so far, by application. */
export type Unnamed = Map<string | undefined, Set<string>>;

/** Tells of the places that releases miss, and strikes the images that manifests name off those that nothing names. */
export async function checkMissed(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  { trail, unnamed }: { readonly trail: Trail; readonly unnamed: Unnamed },
  report: ReportFinding,
): Promise<void> {
  const { environment, head } = trail;
  const said = await readSaid(context, { pipeline: snapshot.pipeline, environment }, head);
  const { application, images } = environment;
  const left = unnamed.get(application) ?? new Set(images.keys());
  unnamed.set(application, left);
  // What cannot be read is reported as the rule about pins has it.
  if (said instanceof TagflowError) left.clear();
  else {
    for (const image of said.pins.keys()) left.delete(image);
    if (said.strays.length > 0) report('missed', await context.ledger.commit(head), describeStrays(said.strays));
  }
}

function describeStrays(strays: Said['strays']): string {
  const places = strays.map(
    ({ path, line, image, text }: Stray) => `${plain(path, 200)}:${line} names ${image} as ${plain(text, 200)}`,
  );
  return `no release changes what its manifests say in ${places.length === 1 ? 'one place' : `${places.length} places`}: ${places.join('; ')}`;
}

/** Tells of images that nothing names, at the commit that configures them. */
export function reportUnnamed(unnamed: Unnamed, config: Commit, report: ReportFinding): void {
  const images = [...unnamed].flatMap(([application, names]) =>
    [...names].map((name) => (application === undefined ? name : `${application}/${name}`)),
  );
  if (images.length === 0) return;
  const verb = images.length === 1 ? 'is' : 'are';
  report(
    'missed',
    config,
    `${images.join(', ')} ${verb} in tagflow.yaml, but no manifest of any environment names ${images.length === 1 ? 'it' : 'them'}`,
  );
}
