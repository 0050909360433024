// Puts the newest version of every image on an environment, wherever its images are: Amazon ECR, Artifact Registry, others.
import { type TagflowOptions, createTagflow } from 'tagflow';

export async function promoteNewest(options: TagflowOptions, environment: string): Promise<readonly string[]> {
  const tagflow = await createTagflow(options);
  try {
    const outcome = await tagflow.promote(environment, { versions: { '*': 'newest' } });
    if (outcome.kind !== 'released') return [];
    return outcome.tags.map(({ repository, tag, status }) => `${repository}:${tag} is ${status}`);
  } finally {
    await tagflow.close();
  }
}
