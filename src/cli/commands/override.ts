// tagflow override: let one release through one gate, before it is made.
import { EXIT, TagflowError } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { required, several, text } from '../arguments/options.ts';

export const override = defineCommand({
  name: 'override',
  summary: 'let one release through a gate that refuses it',
  description: [
    'Writes an entry to the journal that lets the release that a promotion would make now through one gate. The entry is bound to the images, the configuration and the rules, and becomes void if one of them changes. `tagflow promote` uses the entry, and the record says who overrode the gate and why.',
    'Where releases are signed, the entry is signed too, and its signer must be listed under `overrides` of the environment. In this way a person can let a release through that a pipeline makes with another key. If the gate passes, the override has no effect and nothing is written. A lock cannot be overridden.',
    'If there are several applications, name the application first. Name the same versions as the promotion will, or pass its plan.',
  ],
  examples: [
    'tagflow override prd freezes --reason "INC-412 checkout 500s"',
    'tagflow override prd soak django=V4.2 --reason "INC-412"',
    'tagflow override prd shop soak --reason "INC-412"',
    'tagflow override prd upstream --plan plan.json --reason "INC-412"',
  ],
  arguments: {
    environment: required('env', 'the environment', { completion: 'environment' }),
    words: several(
      'application|gate|image=version',
      'the application, the gate, and versions that the promotion names',
    ),
  },
  options: {
    from: text('--from <env>', 'the environment that the promotion takes from', { completion: 'environment' }),
    plan: text('--plan <file>', 'the plan of the release', { completion: 'file' }),
    reason: text('--reason <text>', 'why, for the journal and the record', { variable: 'TAGFLOW_REASON' }),
  },
  async run(session, { environment, words, from, plan: file, reason }) {
    const [{ recordReason }, { overrideGate }, { writtenView }] = await Promise.all([
      import('../arguments/reason.ts'),
      import('../../engine/journal/overrides.ts'),
      import('../../views/journal.ts'),
    ]);
    const why = recordReason(reason);
    if (why === undefined) {
      throw new TagflowError('usage', {
        what: 'an override needs a reason',
        why: 'the record says who overrode a gate, and why',
        fix: 'add --reason TEXT',
      });
    }
    const { promotionIn } = await import('../release/plan-file.ts');
    const { gate, others } = gateIn(words);
    const asked =
      file === undefined
        ? await requestFor(environment, others, from)
        : await promotionIn(session, file, environment, [...others, ...(from === undefined ? [] : [`--from=${from}`])]);
    const entry = await overrideGate(await session.context(), { ...asked, gate, reason: why });
    if (entry) session.print(writtenView([entry]));
    else session.print(writtenView([]));
    if (!entry) session.say(`${gate} passes: nothing was written`);
    return EXIT.ok;
  },
});

/** The gate is the last word without a version. Throws `usage`. */
function gateIn(words: readonly string[]): { readonly gate: string; readonly others: readonly string[] } {
  const gate = words.findLast((word) => !word.includes('='));
  if (gate !== undefined) {
    const at = words.lastIndexOf(gate);
    return { gate, others: words.filter((_, index) => index !== at) };
  }
  throw new TagflowError('usage', { what: 'no gate is named', fix: 'tagflow override prd freezes --reason TEXT' });
}

async function requestFor(environment: string, words: readonly string[], from: string | undefined) {
  const { lineRequest } = await import('../arguments/lines.ts');
  const request = { kind: 'promote', ...lineRequest(environment, words), ...(from !== undefined && { from }) } as const;
  return { request };
}
