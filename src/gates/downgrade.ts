// Gate: an environment does not go back to an older version by accident. Racing pipelines name their version explicitly
// and did this twice as often as people rolled back, so naming a version is not enough: --allow-downgrade is.
import { compareVersions, readVersion } from '../model/version.ts';
import type { Gate, GateEvidence } from './gate.ts';

/** Refuses a release in which an image is older than the one the environment runs. */
export const downgrade: Gate = (evidence) => {
  const older = downgrades(evidence);
  const [first] = older;
  if (!first) return { decision: 'pass', reason: 'no image gets older' };
  const list = older.map(({ name, from, to }) => `${name} ${from} -> ${to}`).join(', ');
  if (evidence.request.allowDowngrade) return { decision: 'overridden', reason: `older on request: ${list}` };
  const { environment, current } = evidence;
  return {
    decision: 'refuse',
    code: 'downgrade',
    text: {
      what: `${environment} would go back: ${list}`,
      why:
        current &&
        `release ${current.sequence} came ${current.time} from ${current.actor}${current.job ? `, ${current.job}` : ''}`,
      fix: `to go back on purpose: tagflow rollback ${environment} --to ${first.to} --reason "…" (or promote --allow-downgrade)`,
      details: { images: older },
    },
  };
};

function downgrades({ current, images, schemes }: GateEvidence): { name: string; from: string; to: string }[] {
  return images.flatMap(({ name, version }) => {
    const scheme = schemes.get(name);
    const running = current?.images.find((image) => image.name === name);
    const before = scheme && running && readVersion(running.version, scheme);
    const after = scheme && readVersion(version, scheme);
    return before && after && compareVersions(after, before) < 0 ? [{ name, from: before.tag, to: after.tag }] : [];
  });
}
