// Plans as files: `--plan-out` writes one, `--plan` reads it.
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TagflowError } from '../model/errors.ts';
import { type Plan, parsePlan } from '../model/plan.ts';
import type { Session } from './session.ts';

/** Reads a plan. Throws `plan-invalid`. */
export async function readPlan(session: Session, file: string): Promise<Plan> {
  const path = resolve(session.options.directory, file);
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (cause) {
    throw new TagflowError('plan-invalid', {
      what: `cannot read ${file}`,
      why: reasonOf(cause),
      fix: 'write one with: tagflow promote ENV --plan-out FILE; where there is nothing to do it writes none',
      cause,
    });
  }
  return parsePlan(content, file);
}

/** Writes a plan, and says how to do it. Throws `storage-failed`. */
export async function savePlan(session: Session, file: string, plan: Plan): Promise<void> {
  try {
    await writeFile(resolve(session.options.directory, file), `${JSON.stringify(plan, null, 2)}\n`);
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `cannot write the plan to ${file}`,
      why: reasonOf(cause),
      fix: 'name a file in a folder that can be written',
      cause,
    });
  }
  session.say(`plan saved: tagflow ${plan.request.kind} ${plan.environment} --plan ${file}`);
}

/**
 * The request of a plan. An environment beside it must agree, so that nobody promotes elsewhere than they typed. Throws
 * `usage`.
 */
export function requestOf({ request, environment }: Plan, typed: string): Plan['request'] {
  if (typed === environment && request.environment === environment) return request;
  throw new TagflowError('usage', {
    what: `the plan is for ${environment}, not for ${typed}`,
    fix: `tagflow ${request.kind} ${environment} --plan FILE`,
  });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
