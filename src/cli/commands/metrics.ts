// tagflow metrics: how software is delivered, by its releases: the five metrics of DORA.
import type { EnvironmentProblem } from '../../engine/read/problem.ts';
import { TagflowError } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { optional, several, text } from '../arguments/options.ts';
import { reportProblems } from '../session/problems.ts';
import { incidentPattern } from '../arguments/incident.ts';

export const metrics = defineCommand({
  name: 'metrics',
  summary: 'measure delivery: how often, how fast, how often it fails',
  description: [
    'Computes the five delivery metrics of DORA for each environment and application from its releases: change lead time, deployment frequency, failed deployment recovery time, change fail rate, and deployment rework rate. Times are medians. A rollback, a hotfix, a failed verification, or a release whose reason matches `--incident` marks the deployment before it as failed. Facts that the records do not hold count as unknown.',
    'With `-o json` each figure lists the releases behind it. `-o openmetrics` writes the format that Prometheus reads.',
  ],
  examples: [
    'tagflow metrics prd',
    'tagflow metrics prd --since 30d -o csv',
    "tagflow metrics --incident '^INC-[0-9]+' -o openmetrics",
  ],
  formats: ['openmetrics'],
  arguments: {
    environment: optional('env', 'one environment', { completion: 'environment' }),
    applications: several('application', 'its applications, or patterns of them; default: all'),
  },
  options: {
    since: text('--since <time>', 'count releases since then (a time, or 90d, 12w); default: 90d'),
    until: text('--until <time>', 'count releases until then; a date covers its day; default: now'),
    incident: text(
      '--incident <pattern>',
      'a regular expression for the reason of a release that responds to an incident',
    ),
  },
  async run(session, { environment, applications, since = '90d', until, incident }) {
    const [engine, { parseMoment, parsePast }, { metricsView }] = await Promise.all([
      import('../../engine/audit/metrics.ts'),
      import('../arguments/time.ts'),
      import('../../views/metrics.ts'),
    ]);
    const pattern = incidentPattern(incident);
    const context = await session.context();
    const now = context.clock.now();
    const window = {
      since: (await parseMoment(since, now)).from,
      until: until === undefined ? now : await parsePast(until, now),
    };
    if (window.since > window.until) {
      throw new TagflowError('usage', {
        what: `--since ${since} is later than --until ${until ?? 'now'}`,
        why: 'no release lies between them',
        fix: 'tagflow metrics --since 90d',
      });
    }
    const problems: EnvironmentProblem[] = [];
    const words = environment === undefined ? [] : [environment, ...applications];
    const measured = await engine.metrics(context, { ...window, words, incident: pattern }, problems);
    session.print(metricsView(measured, window));
    return reportProblems(session, problems);
  },
});
