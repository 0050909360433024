// What `report` and `ui` have in common: their options, and the data of the page that these ask for.
import type { Given } from '../../engine/context.ts';
import type { PageData } from '../../views/report/page-types.ts';
import { type Values, text, unless } from '../arguments/options.ts';
import { attempt } from '../../model/attempt.ts';
import { incidentPattern } from '../arguments/incident.ts';

/** The options of the page. */
export const PAGE_OPTIONS = {
  since: text('--since <time>', 'metrics count releases since then (a time, or 90d); default: 90d'),
  incident: text(
    '--incident <pattern>',
    'a regular expression for the reason of a release that responds to an incident',
  ),
  live: unless('--no-live', 'do not ask what runs (live: in tagflow.yaml)'),
  check: unless('--no-check', 'leave the findings of check out: it looks at every commit of every branch'),
};

/**
 * Prepares the data of the page: the result reads it, as it is then. Throws `usage` for a pattern that cannot be read, before
 * anybody is asked.
 */
export function pageReader({
  since = '90d',
  incident: typed,
  live,
  check,
}: Values<typeof PAGE_OPTIONS>): (context: Given) => Promise<PageData> {
  const incident = incidentPattern(typed);
  return async (context) => {
    const [{ readReport }, { parseInstant }, { pageDataOf, unreadablePage }, { commandOf }] = await Promise.all([
      import('../../engine/audit/report.ts'),
      import('../arguments/time.ts'),
      import('../../views/report/page-data.ts'),
      import('../output/act-commands.ts'),
    ]);
    const made = context.clock.now();
    const from = await parseInstant(since, made);
    const reading = readReport(context, { since: from, incident, live, audit: check });
    const { value, problem } = await attempt(reading, 'config-missing', 'config-invalid');
    return value ? pageDataOf(value, commandOf) : unreadablePage(problem, { made, since: from });
  };
}
