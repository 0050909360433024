// Acts as commands: the one place that knows by which command or flag something can be done that an error or a report advises.
import { type ActWords, fixText, sayer } from '../../model/advice.ts';
import type { Failure } from '../../views/failure.ts';

const COMMANDS: ActWords = {
  apply: ({ line }) => command('apply', line),
  approve: ({ line }) => command('approve', line),
  check: ({ line }) => command('check', line),
  history: ({ line }) => command('history', line),
  plan: ({ line = 'ENV' }) => `${command('promote', line)} --plan-out FILE`,
  status: ({ line }) => command('status', line),
  'see live': ({ line }) => `${command('status', line)} --live`,
  'wait live': ({ line }) => `${command('promote', line)} --wait-live`,
  unlock: ({ line }) => command('unlock', line),
  promote: ({ line = 'ENV', version, despite }) =>
    [command('promote', line), version, despite && FLAGS[despite]].filter((word) => word !== undefined).join(' '),
  rollback: ({ line, to, withReason, imagesOnly }) =>
    [
      command('rollback', line),
      ...(to === undefined ? [] : [`--to ${to.startsWith('#') ? `"${to}"` : to}`]),
      ...(imagesOnly ? ['--images-only'] : []),
      ...(withReason ? [REASON] : []),
    ].join(' '),
  verify: ({ line, again }) => `${command('verify', line)} --wait${again ? ' --again' : ''}`,
  'check branch': ({ line, branch }) => `${command('check', line)} --branch ${branch}`,
  'list digests': () => 'tagflow status -o json',
  'list journal': () => 'tagflow journal',
  'restart journal': () => `tagflow journal --restart ${REASON}`,
  'list errors': () => 'tagflow explain',
  init: () => 'tagflow init',
  'create branches': () => 'tagflow init --yes',
  lift: ({ entry }) => `tagflow lift ${entry}`,
  hold: ({ image }) => `tagflow hold ${image} ${REASON}`,
  find: ({ image }) => `tagflow where ${image}`,
  tag: ({ source, tag }) => `tagflow tag ${source} ${tag}`,
  override: ({ gate }) => `--override ${gate} ${REASON}`,
  allow: ({ gate }) => FLAGS[gate],
  say: ({ what }) => SAYABLE[what],
};

const REASON = '--reason "…"';

/** Flags that override one gate. */
const FLAGS = { held: '--unhold', downgrade: '--allow-downgrade', divergence: '--discard-divergence' } as const;

const SAYABLE = {
  reason: `one with ${REASON}`,
  upstream: '--from',
  branch: '--branch',
  remote: 'the remote: --repo URL, TAGFLOW_REPO',
  release: '--to VERSION or --to "#SEQUENCE"',
  'longer time-out': 'a longer --timeout',
  'wait for gates': '--wait-gates 30m',
  rendering: '--rendered',
  'merge of divergence': '--merge-divergence',
} as const;

/** An act as the command or the flag that does it. */
export const commandOf = sayer(COMMANDS);

/** A failure whose fix names commands. */
export function withCommands({ text, ...failure }: Failure): Failure {
  return { ...failure, text: { ...text, fix: fixText(text.fix, commandOf) } };
}

/** A command about a line: `prd/shop` is typed as `prd shop`. */
function command(verb: string, line: string | undefined): string {
  return ['tagflow', verb, ...(line === undefined ? [] : [line.replace('/', ' ')])].join(' ');
}
