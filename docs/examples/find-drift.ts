// Lists what differs between branches and registry, and repairs it.
import { type TagflowOptions, createTagflow } from 'tagflow';

export async function findDrift(options: TagflowOptions): Promise<readonly string[]> {
  const tagflow = await createTagflow(options);
  try {
    const environments = await tagflow.status();
    const drift = environments.flatMap(({ environment, images }) =>
      images.filter(({ registry }) => registry.state === 'drift').map(({ name }) => `${environment}/${name}`),
    );
    if (drift.length > 0) await tagflow.apply();
    return drift;
  } finally {
    await tagflow.close();
  }
}
