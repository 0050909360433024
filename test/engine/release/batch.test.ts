// What the engine makes of a registry in a large release: many images, of which one fails, or is pushed again meanwhile.
import { describe, expect, test } from 'vitest';
import { apply } from '../../../src/engine/release/apply.ts';
import { requireComplete } from '../../../src/engine/release/put-tags.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { createBench, repositoryOf } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

const MANY = 200;
const NAMES = Array.from({ length: MANY }, (_, at) => `service-${String(at).padStart(3, '0')}`);

/** A pipeline of that many images, V1.0 of each published. */
function createLargeBench() {
  const images = NAMES.map((name) => `  ${name}: { repository: ${repositoryOf(name).name} }`);
  const pins = NAMES.map((name) => `  - name: ${repositoryOf(name).name}\n    newTag: V0.1`);
  const overlay = `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n${pins.join('\n')}\n`;
  const bench = createBench({
    config: `version: 1\nimages:\n${images.join('\n')}\nenvironments:\n  dev: { branch: dev }\n`,
    files: { 'environments/dev/kustomization.yaml': overlay },
  });
  const digests = new Map(NAMES.map((name) => [name, bench.publish(name, 'V1.0')]));
  return { bench, digests };
}

describe(`a release of ${MANY} images`, () => {
  test('case 40: of a batch of 200 one fails: the report names it and no other, the exit is not 0, a repeat completes', async () => {
    const { bench } = createLargeBench();
    const poor = 'service-123';
    bench.registry.arm(
      { kind: 'before' },
      1,
      ({ method, tag, repository }) => method === 'tag' && tag === 'dev-1' && repository.endsWith(poor),
    );
    const { tags } = await bench.released('dev', { '*': 'V1.0' });
    const report = tags.flatMap(({ image, tag, status }) => (image === poor ? [`${tag} ${status}`] : []));
    expect(report).toEqual(['dev-1 failed']);
    expect(tags.filter(({ image, status }) => image !== poor && status === 'moved')).toHaveLength(2 * (MANY - 1));
    // What the command ends with.
    const error = await failureOf(Promise.resolve().then(() => requireComplete('dev', bench.head('dev'), tags)));
    expect(error).toMatchObject({ code: 'tags-incomplete', exit: 8 });
    expect(error.why).toContain(`${poor}:dev-1`);
    expect(NAMES.filter((name) => name !== poor && error.why?.includes(name))).toEqual([]);
    await apply(bench.context(), ['dev']);
    for (const name of NAMES) expect(bench.aliases(name)).toEqual({ dev: 'V1.0', 'dev-1': 'V1.0' });
  });

  test('case 13: the source tag moves mid-run: the digest that was planned is released', async () => {
    const { bench, digests } = createLargeBench();
    const moved = 'service-007';
    bench.remote.faults.before = (step) => {
      // Planned, and not yet pushed.
      if (step === 'push') bench.publish(moved, 'V1.0', 'second');
    };
    const { record } = await bench.released('dev', { '*': 'V1.0' });
    expect(record.images.find(({ name }) => name === moved)?.digest).toBe(digests.get(moved));
    expect(bench.registry.tagsOf(repositoryOf(moved)).get(parseTag('dev'))).toBe(digests.get(moved));
    expect(bench.registry.tagsOf(repositoryOf(moved)).get(parseTag('V1.0'))).not.toBe(digests.get(moved));
  });
});
