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
        'From when to when, the end exclusive. `22:00-02:00` ends on the next day; `00:00-24:00` is a whole day.',
      examples: ['09:00-16:00'],
      pattern: '^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$',
    }),
    zone,
  })
  .register(documentation, { title: 'Window', description: 'A time of day in which promotions may land.' });

const freeze = z
  .strictObject({
    from: z.optional(z.string()).register(documentation, {
      title: 'From',
      description: 'The start of a range, a local time: `YYYY-MM-DDTHH:MM`.',
      examples: ['2026-12-20T00:00'],
    }),
    until: z.optional(z.string()).register(documentation, {
      title: 'Until',
      description: 'The end of a range, exclusive.',
      examples: ['2027-01-02T00:00'],
    }),
    cron: z.optional(z.string()).register(documentation, {
      title: 'Cron',
      description: 'The moments at which the freeze begins: five fields, as in crontab(5).',
      examples: ['0 18 * * fri'],
    }),
    duration: z.optional(z.string()).register(documentation, {
      title: 'Duration',
      description: 'How long a freeze that `cron` begins lasts.',
      examples: ['62h'],
      pattern: DURATION,
    }),
    zone,
    reason: z.optional(z.string()).register(documentation, {
      title: 'Reason',
      description: 'Why. Refusals show it.',
      examples: ['year end'],
    }),
  })
  .register(documentation, {
    title: 'Freeze',
    description: 'A time in which no promotion lands: `from` and `until`, or `cron` and `duration`.',
  });

const approvals = z
  .strictObject({
    forge: z.optional(z.int()).register(documentation, {
      title: 'Forge',
      description:
        'How many people have to approve the pull request of the release on the forge. Needs `pullRequest`, and stands alone. Some approvals do not count: those of people who opened the pull request, wrote or committed in it, or released, those of bots and of people without the right to write, and reviews of an older head. An objection refuses.',
      absent: 'reviews on the forge do not count',
      examples: [2],
      minimum: 1,
      maximum: 20,
    }),
    count: z.optional(z.int()).register(documentation, {
      title: 'Count',
      description: 'How many people have to approve with `tagflow approve`.',
      absent: '`forge` says it',
      examples: [2],
      minimum: 1,
      maximum: 20,
    }),
    by: z.optional(z.array(z.string())).register(documentation, {
      title: 'By',
      description: 'The people whose `tagflow approve` counts: principals of the signers file. Needs `signing`.',
      absent: '`forge` says how many',
      examples: [['ana@example.com', 'bo@example.com']],
    }),
    within: z.optional(z.string()).register(documentation, {
      title: 'Within',
      description: 'How long an approval counts.',
      absent: 'for ever',
      examples: ['7d'],
      pattern: DURATION,
    }),
  })
  .register(documentation, { title: 'Approvals', description: 'Whose consent a promotion needs.' });

const run = z
  .strictObject({
    name: z.string().register(documentation, {
      title: 'Name',
      description: 'Names the gate: `run/NAME`.',
      examples: ['ticket'],
    }),
    command: z.array(z.string()).register(documentation, {
      title: 'Command',
      description: 'A program and its arguments, as in a step of `verify`.',
      examples: [['gates/ticket.sh']],
    }),
    timeout: z.optional(z.string()).register(documentation, {
      title: 'Timeout',
      description: 'How long it may take.',
      default: '30s',
      pattern: DURATION,
    }),
    env: z.optional(z.array(z.string())).register(documentation, {
      title: 'Env',
      description: 'Variables of the caller that it gets. Tokens of tagflow and of the job are refused.',
      absent: 'none',
      examples: [['JIRA_TOKEN']],
    }),
  })
  .register(documentation, { title: 'Program', description: 'A program that is asked about a release.' });

/** The shape of `gates`. */
export const gatesSchema = z.optional(
  z
    .strictObject({
      upstream: z.optional(z.enum(['require', 'warn', 'off'])).register(documentation, {
        title: 'Upstream',
        description:
          'Whether images and configuration have to be what the environment upstream released. `warn` passes and says what is wrong.',
        default: 'require',
      }),
      soak: z.optional(z.string()).register(documentation, {
        title: 'Soak',
        description: 'How long the environment upstream has to run exactly these images, without a break.',
        absent: 'it need not',
        examples: ['24h'],
        pattern: DURATION,
      }),
      reason: z.optional(z.string()).register(documentation, {
        title: 'Reason',
        description: 'A regular expression (JavaScript, flag `u`) that `--reason` has to match.',
        absent: 'none is asked for',
        examples: ['^[A-Z]{1,9}-[0-9]{1,9}'],
      }),
      windows: z.optional(z.array(window)).register(documentation, {
        title: 'Windows',
        description: 'Promotions land only inside one of these.',
        absent: 'at any time',
        examples: [[{ days: ['mon', 'tue'], hours: '09:00-16:00', zone: 'Europe/Berlin' }]],
      }),
      freezes: z.optional(z.array(freeze)).register(documentation, {
        title: 'Freezes',
        description:
          'No promotion lands inside one of these. Where this key is set, a deploy freeze of GitLab (`CI_DEPLOY_FREEZE`) counts as well.',
        absent: 'none',
        examples: [[{ cron: '0 18 * * fri', duration: '62h', zone: 'Europe/Berlin' }]],
      }),
      approvals: z.optional(approvals),
      status: z.optional(z.array(z.string())).register(documentation, {
        title: 'Status',
        description:
          'Commit statuses that the forge has to have for the commit whose configuration is released: names, or the parts of them before a slash.',
        absent: 'none',
        examples: [['ci/e2e']],
      }),
      run: z.optional(z.array(run)).register(documentation, {
        title: 'Run',
        description:
          'Programs of the trunk that are asked about the release. Exit code 0 passes, 75 is not yet, any other refuses. They are started where the caller sets `TAGFLOW_RUN=1`.',
        absent: 'none',
        examples: [[{ name: 'ticket', command: ['gates/ticket.sh'], timeout: '30s', env: ['JIRA_TOKEN'] }]],
      }),
    })
    .register(documentation, { title: 'Gates', description: 'What a promotion to the environment has to pass.' }),
);

/** The shape of `overrides`. */
export const overridesSchema = z.optional(z.record(z.string(), z.array(z.string()))).register(documentation, {
  title: 'Overrides',
  description:
    'Who may override which gate, by its name. Where `signing` is set, nobody else may; without signing anybody may, and the record says who.',
  absent: 'those who may release override `downgrade`, `held` and `divergence`; nobody overrides another gate',
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
      unlock: principals('Unlock', 'end a lock, and restart the journal'),
      hold: principals('Hold', 'put a version or digest on hold'),
      lift: principals('Lift', 'lift a hold'),
      approve: principals('Approve', 'approve a release, and take their approval back'),
      verify: principals('Verify', 'write the result of a verification'),
    }),
  )
  .register(documentation, {
    title: 'Journal by',
    description:
      'Who may write which entries of the journal for this environment, where `signing` is set. `unapprove` is the right of `approve`, `journal --restart` that of `unlock`.',
    absent: 'those who may release may lock, hold and verify; nobody may unlock, lift or approve',
    examples: [{ unlock: ['ana@example.com'], approve: ['ana@example.com', 'bo@example.com'] }],
  });
