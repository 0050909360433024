// What each tag named at each moment, from observations.
import type { History, Moment } from './history.ts';

/** The observed values of tags over time. */
export interface TagTimeline {
  /** Everything that a tag named at some moment of a span; `undefined` among it when it was absent. */
  named(repository: string, tag: string, from: Moment, to: Moment): ReadonlySet<string | undefined>;
}

/** The timeline of a history whose observations hold every change. */
export function timelineOf({ observations }: Pick<History, 'observations'>): TagTimeline {
  const changes = Map.groupBy(observations, ({ repository, tag }) => `${repository}:${tag}`);
  return {
    named(repository, tag, from, to) {
      const all = changes.get(`${repository}:${tag}`) ?? [];
      const during = all.filter(({ at }) => at > from && at <= to);
      const before = all.findLast(({ at }) => at <= from);
      return new Set([before?.digest, ...during.map(({ digest }) => digest)]);
    },
  };
}
