// Makes a plan, asks somebody, and does exactly that plan, or nothing when the branches have moved.
import { type Plan, type TagflowOptions, createTagflow } from 'tagflow';

export async function planThenDo(
  options: TagflowOptions,
  environment: string,
  agree: (plan: Plan) => Promise<boolean>,
): Promise<number | undefined> {
  const tagflow = await createTagflow(options);
  try {
    const planned = await tagflow.promote(environment, { dryRun: true });
    if (planned.kind !== 'planned' || !(await agree(planned.plan))) return undefined;
    const outcome = await tagflow.execute(planned.plan);
    return outcome.kind === 'released' ? outcome.record.sequence : undefined;
  } finally {
    await tagflow.close();
  }
}
