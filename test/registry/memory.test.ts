// The in-memory fake is held to the same contract as every adapter, and its faults to what they claim.
import { describe, expect, it } from 'vitest';
import { parseRepository, parseTag } from '../../src/model/reference.ts';
import { registryContract } from '../contract/registry.ts';
import { sampleIndex, sampleSingle } from '../support/sample-manifests.ts';
import { createMemoryRegistry, type Operation } from '../support/memory-registry.ts';

const repository = parseRepository('registry.example.com/acme/django');
const STAGING = parseTag('stg');

registryContract('the registry in memory', async () => {
  const registry = createMemoryRegistry();
  return {
    registry,
    repository,
    publish: async (manifest, tag) => void registry.publish(repository, manifest, tag),
    read: async (at) => registry.read(repository, at),
    writes: () => registry.writes.length,
  };
});

function withTwoImages() {
  const registry = createMemoryRegistry();
  const first = registry.publish(repository, sampleIndex('V1.0'), STAGING);
  const second = registry.publish(repository, sampleIndex('V2.0'));
  return { registry, first, second };
}

describe('a fault in the registry in memory', () => {
  it('before the effect leaves the tag as it was', async () => {
    const { registry, first, second } = withTwoImages();
    registry.arm({ kind: 'before' });
    await expect(registry.tag(repository, second, STAGING)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(await registry.peek(repository, STAGING)).toBe(first);
  });

  it('after the effect loses only the answer', async () => {
    const { registry, second } = withTwoImages();
    registry.arm({ kind: 'after' });
    await expect(registry.tag(repository, second, STAGING)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(await registry.peek(repository, STAGING)).toBe(second);
  });

  it('that is late takes effect over what came in between', async () => {
    const { registry, first, second } = withTwoImages();
    const third = registry.publish(repository, sampleSingle('V3.0'));
    registry.arm({ kind: 'late' });
    await expect(registry.tag(repository, second, STAGING)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(await registry.peek(repository, STAGING)).toBe(first);
    await registry.tag(repository, third, STAGING);
    expect(registry.landLate()).toBe(1);
    expect(await registry.peek(repository, STAGING)).toBe(second);
    expect(registry.landLate()).toBe(0);
  });

  it.each(['peek', 'resolve'] as const)('that is stale shows %s what the tag named before', async (method) => {
    const { registry, first, second } = withTwoImages();
    await registry.tag(repository, second, STAGING);
    registry.arm({ kind: 'stale' });
    const seen = await registry[method](repository, STAGING);
    expect(typeof seen === 'string' ? seen : seen?.digest).toBe(first);
    expect(await registry.peek(repository, STAGING)).toBe(second);
  });

  it('that is stale makes a tag skip a write it needs, unless told to rewrite', async () => {
    const { registry, first, second } = withTwoImages();
    await registry.tag(repository, second, STAGING);
    registry.arm({ kind: 'stale' });
    expect(await registry.tag(repository, first, STAGING)).toMatchObject({ changed: false });
    expect(await registry.peek(repository, STAGING)).toBe(second);
    registry.arm({ kind: 'stale' });
    expect(await registry.tag(repository, first, STAGING, { rewrite: true })).toMatchObject({ changed: true });
    expect(await registry.peek(repository, STAGING)).toBe(first);
  });

  it('strikes the nth operation that matches, once', async () => {
    const { registry, second } = withTwoImages();
    registry.arm({ kind: 'before', error: new Error('struck') }, 2, ({ method }) => method === 'tag');
    await registry.tag(repository, second, parseTag('stg-1'));
    await registry.peek(repository, STAGING);
    await expect(registry.tag(repository, second, parseTag('stg-2'))).rejects.toThrow('struck');
    expect(await registry.tag(repository, second, parseTag('stg-2'))).toMatchObject({ changed: true });
  });

  it('can be chosen for each operation by a simulation', async () => {
    const registry = createMemoryRegistry({
      fault: ({ tag }) => (tag === STAGING ? { kind: 'before' } : undefined),
    });
    const digest = registry.publish(repository, sampleSingle());
    await expect(registry.tag(repository, digest, STAGING)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(await registry.tag(repository, digest, parseTag('prd'))).toMatchObject({ changed: true });
  });
});

describe('the registry in memory', () => {
  it('logs operations and writes, with the repository of each', async () => {
    const { registry, second } = withTwoImages();
    const other = parseRepository('registry.example.com/acme/mariadb');
    await registry.listTags(other);
    await registry.tag(repository, second, STAGING);
    expect(registry.operations).toEqual([
      { method: 'listTags', repository: other.name },
      { method: 'tag', repository: repository.name, tag: STAGING, digest: second },
    ]);
    expect(registry.writes).toEqual([{ repository: repository.name, tag: STAGING, digest: second }]);
  });

  it('keeps repositories apart', async () => {
    const { registry } = withTwoImages();
    const other = parseRepository('registry.example.com/acme/mariadb');
    expect(await registry.peek(other, STAGING)).toBeUndefined();
  });

  it('refuses to move an immutable tag, and repeats it', async () => {
    const { registry, first, second } = withTwoImages();
    registry.makeImmutable(repository, STAGING);
    await expect(registry.tag(repository, second, STAGING)).rejects.toMatchObject({ code: 'tag-immutable' });
    expect(await registry.tag(repository, first, STAGING)).toEqual({ changed: false, previous: first });
  });

  it('drops the tags of a manifest that is removed', async () => {
    const { registry, first } = withTwoImages();
    registry.remove(repository, first);
    expect(await registry.resolve(repository, STAGING)).toBeUndefined();
    expect(registry.tagsOf(repository).size).toBe(0);
  });

  it('lets a simulation put another writer between the read and the write of a tag', async () => {
    const steps: string[] = [];
    const pause = async (operation: Operation, step: string) => void steps.push(`${operation.digest} ${step}`);
    const registry = createMemoryRegistry({ pause });
    const first = registry.publish(repository, sampleSingle('V1.0'));
    const second = registry.publish(repository, sampleSingle('V2.0'));
    await Promise.all([registry.tag(repository, first, STAGING), registry.tag(repository, second, STAGING)]);
    expect(steps).toEqual([`${first} read`, `${second} read`, `${first} write`, `${second} write`]);
  });
});
