// Delivery metrics as a view, and as OpenMetrics text.
import type { LineMetrics } from '../engine/audit/metrics.ts';
import type { Period } from '../engine/audit/delivery.ts';
import { counted } from '../model/text.ts';
import { time } from './shapes.ts';
import { type StyledText, type Table, type View, linesOf, styled, tableOf } from './view.ts';
import { duration, moment } from './words.ts';

const COLUMNS = [
  'ENV',
  'DEPLOYMENTS',
  { name: 'PER WEEK', drop: 3 },
  { name: 'BETWEEN', drop: 4 },
  { name: 'LEAD TIME', drop: 1 },
  'FAILED',
  { name: 'RECOVERY', drop: 2 },
  { name: 'REWORK', drop: 5 },
];

const RECORDS = [
  'environment',
  'application',
  'since',
  'until',
  'deployments',
  'deployments_per_week',
  'deployment_interval_seconds',
  'change_lead_time_seconds',
  'change_fail_rate',
  'failed_deployment_recovery_time_seconds',
  'deployment_rework_rate',
];

/** One row for each line of releases; below the table, failures and unknown values. */
export function metricsView(lines: readonly LineMetrics[], window: Period): View {
  return {
    data: { since: time(window.since), until: time(window.until), metrics: lines.map(metricsShape) },
    parts: [
      linesOf(`from ${moment(window.since)} to ${moment(window.until)}`, ''),
      lines.length > 0 ? tableOf(COLUMNS, lines.map(row)) : linesOf('no release'),
      linesOf(...lines.flatMap(remarks)),
    ],
    records: tableOf(
      RECORDS,
      lines.map((line) => recordOf(line, window)),
    ),
    openMetrics: openMetrics(lines),
  };
}

/** The metrics of a line as data; times in seconds. */
export function metricsShape({ leadTime, failed, interval, recoveryTime, ...line }: LineMetrics): unknown {
  return {
    line: line.line,
    environment: line.environment,
    application: line.application ?? null,
    deployments: line.deployments,
    deploymentsPerWeek: line.perWeek,
    deploymentIntervalSeconds: seconds(interval),
    changeLeadTimeSeconds: seconds(leadTime.median),
    changes: leadTime.changes.map(({ release, commit, took }) => ({ release, commit, seconds: seconds(took) })),
    leadTimeUnknown: leadTime.unknown,
    failed: failed.map(({ release, sign, recovered, took }) => ({
      release,
      sign,
      recovered: recovered ?? null,
      seconds: seconds(took),
    })),
    changeFailRate: line.failRate ?? null,
    failedDeploymentRecoveryTimeSeconds: seconds(recoveryTime),
    rework: line.rework,
    deploymentReworkRate: line.reworkRate ?? null,
  };
}

function seconds(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : milliseconds / 1000;
}

function row(line: LineMetrics): readonly StyledText[] {
  const { deployments, failed, rework } = line;
  const share = (part: number, rate: number | undefined): string =>
    rate === undefined ? '–' : `${part} (${Math.round(rate * 100)} %)`;
  return [
    line.line,
    String(deployments.length),
    String(Number(line.perWeek.toPrecision(2))),
    span(line.interval),
    span(line.leadTime.median),
    failed.length > 0 ? styled('red', share(failed.length, line.failRate)) : share(0, line.failRate),
    span(line.recoveryTime),
    share(rework.length, line.reworkRate),
  ];
}

function span(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '–' : duration(milliseconds);
}

const SIGNS = {
  rollback: 'a rollback followed',
  hotfix: 'a hotfix followed',
  incident: 'a release for an incident followed',
  verification: 'its verification failed',
} as const;

function remarks({ line, failed, leadTime }: LineMetrics): readonly StyledText[] {
  const unknown = leadTime.unknown.length;
  return [
    ...failed.map(({ release, sign, recovered, took }) => {
      const end = recovered === undefined ? 'not recovered yet' : `release ${recovered} recovered after ${span(took)}`;
      return `failed: release ${release} of ${line}: ${SIGNS[sign]}; ${end}`;
    }),
    ...(unknown > 0
      ? [
          styled(
            'dim',
            `the lead time of ${counted(unknown, 'deployment')} of ${line} is unknown: it is the first release, or its record leads to no commit of the trunk`,
          ),
        ]
      : []),
  ];
}

function recordOf(line: LineMetrics, { since, until }: Period): Table['rows'][number] {
  const number = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value);
  return [
    line.environment,
    line.application ?? '',
    time(since),
    time(until),
    String(line.deployments.length),
    number(line.perWeek),
    number(seconds(line.interval)),
    number(seconds(line.leadTime.median)),
    number(line.failRate),
    number(seconds(line.recoveryTime)),
    number(line.reworkRate),
  ];
}

interface Family {
  readonly name: string;
  readonly unit?: 'seconds' | 'ratio';
  readonly help: string;
  readonly value: (line: LineMetrics) => number | null | undefined;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'tagflow_deployments',
    help: 'Deployments in the window.',
    value: ({ deployments }) => deployments.length,
  },
  {
    name: 'tagflow_deployment_interval_seconds',
    unit: 'seconds',
    help: 'Median time between deployments.',
    value: ({ interval }) => seconds(interval),
  },
  {
    name: 'tagflow_change_lead_time_seconds',
    unit: 'seconds',
    help: 'Median time from a commit of the trunk to its deployment.',
    value: ({ leadTime }) => seconds(leadTime.median),
  },
  {
    name: 'tagflow_change_fail_ratio',
    unit: 'ratio',
    help: 'Deployments that failed, of all.',
    value: ({ failRate }) => failRate,
  },
  {
    name: 'tagflow_failed_deployment_recovery_time_seconds',
    unit: 'seconds',
    help: 'Median time from a failed deployment to its recovery.',
    value: ({ recoveryTime }) => seconds(recoveryTime),
  },
  {
    name: 'tagflow_deployment_rework_ratio',
    unit: 'ratio',
    help: 'Deployments that answer an incident, of all.',
    value: ({ reworkRate }) => reworkRate,
  },
];

/** Metrics as OpenMetrics 1.0 text. A value that is not known has no sample. */
function openMetrics(lines: readonly LineMetrics[]): string {
  const families = FAMILIES.map(({ name, unit, help, value }) => {
    const samples = lines.flatMap((line) => {
      const known = value(line);
      return known === null || known === undefined ? [] : [`${name}${labels(line)} ${known}\n`];
    });
    return [
      `# TYPE ${name} gauge\n`,
      ...(unit ? [`# UNIT ${name} ${unit}\n`] : []),
      `# HELP ${name} ${help}\n`,
      ...samples,
    ];
  });
  return `${families.flat().join('')}# EOF\n`;
}

function labels({ environment, application = '' }: LineMetrics): string {
  return `{environment="${label(environment)}",application="${label(application)}"}`;
}

/** OpenMetrics 1.0, "Escaping": backslash, line feed and quote. */
function label(text: string): string {
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('"', String.raw`\"`);
}
