// The keys `gates` and `overrides` of an environment: their shape, and the words that explain them.
import * as z from 'zod/mini';
import { DAYS } from '../model/gate-policy.ts';
import { documentation } from './documentation.ts';

const DURATION = '^[1-9][0-9]{0,5}[smhdw]$';
const zone = z.optional(z.string()).register(documentation, {
  title: 'Zone',
  description: 'An IANA time zone. Daylight saving changes are those of the zone.',
  default: 'UTC',
  examples: ['Europe/Berlin'],
});

const window = z
  .strictObject({
    days: z.optional(z.array(z.enum(DAYS))).register(documentation, {
      title: 'Days',
      description: 'The days on which the window opens.',
      absent: 'every day',
      examples: [['mon', 'tue', 'wed', 'thu']],
    }),
    hours: z.string().register(documentation, {
      title: 'Hours',
      description:
        'When the window opens and closes; the end is exclusive. `22:00-02:00` ends on the next day; `00:00-24:00` is a whole day.',
      examples: ['09:00-16:00'],
      pattern: '^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$',
    }),
    zone,
  })
  .register(documentation, { title: 'Window', description: 'Days and hours in which promotions may land.' });

const freeze = z
  .strictObject({
    from: z.optional(z.string()).register(documentation, {
      title: 'From',
      description: 'When the freeze begins, in local time: `YYYY-MM-DDTHH:MM`.',
      examples: ['2026-12-20T00:00'],
    }),
    until: z.optional(z.string()).register(documentation, {
      title: 'Until',
      description: 'When the freeze ends; the end is exclusive.',
      examples: ['2027-01-02T00:00'],
    }),
    cron: z.optional(z.string()).register(documentation, {
      title: 'Cron',
      description: 'When a recurring freeze begins: five fields, as in crontab(5).',
      examples: ['0 18 * * fri'],
    }),
    duration: z.optional(z.string()).register(documentation, {
      title: 'Duration',
      description: 'How long each freeze of `cron` lasts.',
      examples: ['62h'],
      pattern: DURATION,
    }),
    zone,
    reason: z.optional(z.string()).register(documentation, {
      title: 'Reason',
      description: 'The reason, which refusals show.',
      examples: ['year end'],
    }),
  })
  .register(documentation, {
    title: 'Freeze',
    description: 'A period in which no promotion lands: `from` and `until`, or `cron` and `duration`.',
  });

const approvals = z
  .strictObject({
    forge: z.optional(z.int()).register(documentation, {
      title: 'Forge',
      description:
        'How many people have to approve the pull request of the release on the forge. Needs `pullRequest`, and cannot be combined with the other keys of `approvals`. Some approvals do not count: those of people who opened the pull request, wrote or committed to it, or made the release; those of bots and of people without write access; and reviews of an older head. A review that requests changes refuses the release.',
      absent: 'reviews on the forge do not count',
      examples: [2],
      minimum: 1,
      maximum: 20,
    }),
    count: z.optional(z.int()).register(documentation, {
      title: 'Count',
      description: 'How many people have to approve with `tagflow approve`.',
      absent: 'not used with `forge`',
      examples: [2],
      minimum: 1,
      maximum: 20,
    }),
    by: z.optional(z.array(z.string())).register(documentation, {
      title: 'By',
      description: 'The people whose `tagflow approve` counts: principals of the signers file. Needs `signing`.',
      absent: 'not used with `forge`',
      examples: [['ana@example.com', 'bo@example.com']],
    }),
    within: z.optional(z.string()).register(documentation, {
      title: 'Within',
      description: 'How long an approval remains valid.',
      absent: 'without limit',
      examples: ['7d'],
      pattern: DURATION,
    }),
  })
  .register(documentation, { title: 'Approvals', description: 'Who has to approve a promotion.' });

const run = z
  .strictObject({
    name: z.string().register(documentation, {
      title: 'Name',
      description: 'The name of the gate, which is `run/NAME`.',
      examples: ['ticket'],
    }),
    command: z.array(z.string()).register(documentation, {
      title: 'Command',
      description: 'A program and its arguments, as in a step of `verify`.',
      examples: [['gates/ticket.sh']],
    }),
    timeout: z.optional(z.string()).register(documentation, {
      title: 'Timeout',
      description: 'How long the program may take.',
      default: '30s',
      pattern: DURATION,
    }),
    env: z.optional(z.array(z.string())).register(documentation, {
      title: 'Env',
      description:
        'Environment variables of the caller that the program receives. Tokens of tagflow and of the job are refused.',
      absent: 'none',
      examples: [['JIRA_TOKEN']],
    }),
  })
  .register(documentation, { title: 'Program', description: 'A program that decides about a release.' });

/** The shape of `gates`. */
export const gatesSchema = z.optional(
  z
    .strictObject({
      upstream: z.optional(z.enum(['require', 'warn', 'off'])).register(documentation, {
        title: 'Upstream',
        description:
          'Whether the images and configuration must be those that the upstream environment released. `warn` passes with a warning.',
        default: 'require',
      }),
      soak: z.optional(z.string()).register(documentation, {
        title: 'Soak',
        description: 'How long the upstream environment must have run exactly these images without interruption.',
        absent: 'no soak time is required',
        examples: ['24h'],
        pattern: DURATION,
      }),
      reason: z.optional(z.string()).register(documentation, {
        title: 'Reason',
        description: 'A regular expression (JavaScript, flag `u`) that `--reason` has to match.',
        absent: 'no reason is required',
        examples: ['^[A-Z]{1,9}-[0-9]{1,9}'],
      }),
      windows: z.optional(z.array(window)).register(documentation, {
        title: 'Windows',
        description: 'Promotions land only within one of these windows.',
        absent: 'at any time',
        examples: [[{ days: ['mon', 'tue'], hours: '09:00-16:00', zone: 'Europe/Berlin' }]],
      }),
      freezes: z.optional(z.array(freeze)).register(documentation, {
        title: 'Freezes',
        description:
          'No promotion lands during one of these freezes. When this key is set, a GitLab deploy freeze (`CI_DEPLOY_FREEZE`) counts as well.',
        absent: 'none',
        examples: [[{ cron: '0 18 * * fri', duration: '62h', zone: 'Europe/Berlin' }]],
      }),
      approvals: z.optional(approvals),
      status: z.optional(z.array(z.string())).register(documentation, {
        title: 'Status',
        description:
          'Commit statuses that must have succeeded on the forge for the commit whose configuration is released: full names, or the part before a slash.',
        absent: 'none',
        examples: [['ci/e2e']],
      }),
      run: z.optional(z.array(run)).register(documentation, {
        title: 'Run',
        description:
          'Programs on the trunk that decide about the release. Exit code 0 passes, 75 means "not yet", and any other code refuses. They run only if the caller sets `TAGFLOW_RUN=1`.',
        absent: 'none',
        examples: [[{ name: 'ticket', command: ['gates/ticket.sh'], timeout: '30s', env: ['JIRA_TOKEN'] }]],
      }),
    })
    .register(documentation, {
      title: 'Gates',
      description: 'The checks that a promotion to the environment must pass.',
    }),
);

/** The shape of `overrides`. */
export const overridesSchema = z.optional(z.record(z.string(), z.array(z.string()))).register(documentation, {
  title: 'Overrides',
  description:
    'Who may override which gate, by the name of the gate. With `signing`, nobody else may; without it, anybody may, and the record says who did.',
  absent:
    'everybody who may release can override `downgrade`, `held` and `divergence`; nobody can override another gate',
  examples: [{ soak: ['ana@example.com'] }],
});

/** The principals who may write one kind of entry. */
function principals(kind: string, what: string) {
  return z.optional(z.array(z.string())).register(documentation, {
    title: kind,
    description: `Principals of the signers file who may ${what}.`,
    examples: [['ana@example.com']],
  });
}

/** The shape of `journalBy`. */
export const journalBySchema = z
  .optional(
    z.strictObject({
      lock: principals('Lock', 'lock the environment'),
      unlock: principals('Unlock', 'remove a lock, and restart the journal'),
      hold: principals('Hold', 'put a version or digest on hold'),
      lift: principals('Lift', 'lift a hold'),
      approve: principals('Approve', 'approve a release, and withdraw the approval'),
      verify: principals('Verify', 'record the result of a verification'),
    }),
  )
  .register(documentation, {
    title: 'Journal by',
    description:
      'With `signing`: who may write which journal entries for this environment. `unapprove` needs the right to `approve`, and `journal --restart` the right to `unlock`.',
    absent: 'everybody who may release can lock, hold and verify; nobody can unlock, lift or approve',
    examples: [{ unlock: ['ana@example.com'], approve: ['ana@example.com', 'bo@example.com'] }],
  });
