// Gate: commits flow downstream only. A commit that sits on an environment's branch alone would be lost by carrying the
// upstream tree over it.
import { shortId } from '../model/object-id.ts';
import { counted } from '../model/text.ts';
import type { UnmergedCommit } from './evidence.ts';
import { type Verdict, defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

const SHOWN = 5;

/** Refuses when the environment's branch holds commits, not made by tagflow, that upstream lacks. */
export const divergence = defineGate({
  name: 'divergence',
  needs: ['unmerged'],
  overriddenBy: 'releasers',
  judge({ environment, upstream, merge }, { unmerged }) {
    if (unmerged.length === 0) return pass(`${upstream} has every commit of ${environment}`);
    const list = unmerged.map(({ id, subject }) => `${shortId(id)} ${subject}`);
    const shown = list.slice(0, SHOWN).join(', ') + (list.length > SHOWN ? ` and ${list.length - SHOWN} more` : '');
    if (merge && merge.conflicts.length === 0) return pass(`not in ${upstream} yet, and kept by a merge: ${shown}`);
    if (merge) return conflict(environment, upstream, shown, { commits: unmerged, paths: merge.conflicts });
    // Oldest first: each may need the one before.
    const oldest = unmerged.toReversed().map(({ id }) => shortId(id));
    const picks = oldest.slice(0, SHOWN).join(' ') + (oldest.length > SHOWN ? ' …' : '');
    return {
      decision: 'refuse',
      code: 'divergence',
      text: {
        what: `${environment} has ${counted(unmerged.length, 'commit')} that ${upstream} lacks and that would be lost`,
        why: shown,
        fix: advise`land them upstream first (git cherry-pick ${picks} on the trunk, then promote), or keep them: ${{ act: 'say', what: 'merge of divergence' }}, or discard them: ${{ act: 'allow', gate: 'divergence' }}`,
        details: { commits: unmerged },
      },
    };
  },
});

function conflict(
  environment: string,
  upstream: string,
  shown: string,
  details: { readonly commits: readonly UnmergedCommit[]; readonly paths: readonly string[] },
): Verdict {
  const { paths } = details;
  const some = paths.slice(0, SHOWN).join(', ') + (paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : '');
  return {
    decision: 'refuse',
    code: 'divergence',
    text: {
      what: `commits of ${environment} cannot be merged onto ${upstream}: both changed ${some}`,
      why: shown,
      fix: advise`land them on the trunk in their final form, promote up to ${upstream}, then discard them here: ${{ act: 'allow', gate: 'divergence' }}`,
      details,
    },
  };
}
