// Reads the digest of a tag and puts another tag on it: in any registry, Amazon ECR and Google Artifact Registry included.
import { type RegistryOptions, openRegistries, parseRepository, parseTag } from 'tagflow';

export async function tagImage(options: RegistryOptions, name: string, from: string, to: string): Promise<string> {
  const registries = openRegistries(options);
  try {
    const repository = parseRepository(name);
    const registry = registries.registryOf(repository);
    const descriptor = await registry.resolve(repository, parseTag(from));
    if (!descriptor) throw new Error(`${name}:${from} does not exist`);
    await registry.tag(repository, descriptor.digest, parseTag(to));
    return descriptor.digest;
  } finally {
    registries.close();
  }
}
