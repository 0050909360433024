// Which name a pinned field gets: its own, unless the environment runs the image from somewhere else.
import type { Target } from './form.ts';
import { canonicalName } from './image-name.ts';

/** The name as written where it means the target's repository, otherwise the target's. */
export function retarget(written: string, target: Target): string {
  return target.name === undefined || canonicalName(written) === canonicalName(target.name) ? written : target.name;
}
