// How long pins take in 100 overlays: read, pinned, verified and written, against `kustomize edit set image` in each of them and
// against one `sed` over all of them, which verifies nothing. And in 5,000 overlays of which one names the image.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinImages } from '../src/manifests/manifests.ts';
import { digestOf } from '../src/model/digest.ts';
import { parseRepository, parseTag } from '../src/model/reference.ts';
import { findProgram } from '../test/support/real.ts';
import { type Contestant, type Report, interleave } from './report.ts';

const REPOSITORY = 'registry.example.com/acme/django';
const OVERLAYS = 100;
const MANY = 5000;
const ROUNDS = 9;

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  report.heading(`manifests: one image in ${OVERLAYS} overlays`);
  const root = mkdtempSync(join(tmpdir(), 'tagflow-bench-manifests-'));
  try {
    const paths = Array.from({ length: OVERLAYS }, (_, index) => join(root, `overlay-${index}`, 'kustomization.yaml'));
    for (const path of paths) mkdirSync(join(path, '..'));
    const prepare = async (): Promise<void> => {
      for (const [index, path] of paths.entries()) writeFileSync(path, overlay(index));
    };
    const built = join(homedir(), '.cache/tagflow-ci/kustomize');
    const kustomize = findProgram('kustomize') ?? (existsSync(built) ? built : undefined);
    const contestants: Contestant[] = [
      { name: 'tagflow', prepare, run: async () => pinAll(paths) },
      { name: 'sed', prepare, run: async () => sed(paths) },
    ];
    if (kustomize !== undefined) {
      contestants.push({
        name: 'kustomize edit set image',
        prepare,
        rounds: 2,
        run: async () => edit(kustomize, paths),
      });
    }
    const times = await interleave(ROUNDS, contestants);
    report.times(times);
    report.atMost(times, 'tagflow', 'sed', 3);
    if (kustomize === undefined) report.note('        kustomize is not installed: not measured against it');
    else report.fasterBy(times, 'tagflow', 'kustomize edit set image', 10);
    await many(report, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** One overlay of many names the image: what does not mention it is read, and not parsed. */
async function many(report: Report, root: string): Promise<void> {
  report.heading(`manifests: ${MANY} overlays, one of which names the image`);
  const paths = Array.from({ length: MANY }, (_, index) => join(root, `many-${index}`, 'kustomization.yaml'));
  for (const [index, path] of paths.entries()) {
    mkdirSync(join(path, '..'));
    writeFileSync(path, index === MANY / 2 ? overlay(index) : overlay(index).replaceAll('django', 'other'));
  }
  const read = (): readonly { path: string; content: Uint8Array }[] =>
    paths.map((path) => ({ path, content: readFileSync(path) }));
  const times = await interleave(ROUNDS, [
    { name: 'tagflow', run: async () => void pinImages(read(), [PIN], OPTIONS) },
    { name: 'reading the files', run: async () => void read() },
  ]);
  report.times(times);
  report.atMost(times, 'tagflow', 'reading the files', 2);
}

const PIN = {
  image: 'django',
  names: ['django', REPOSITORY],
  repository: parseRepository(REPOSITORY),
  version: parseTag('V4.2'),
  digest: digestOf('V4.2'),
  targetTag: parseTag('prd'),
};
const OPTIONS = { style: 'version+digest', folder: '', configured: [], maxBytes: 256 * 1024 } as const;

function overlay(index: number): string {
  return `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop-${index}
resources:
  - ../../base # shared
images:
  - name: ${REPOSITORY}
    newTag: V4.0 # live
commonLabels:
  env: e${index}
`;
}

function pinAll(paths: readonly string[]): void {
  const files = paths.map((path) => ({ path, content: readFileSync(path) }));
  for (const { path, content } of pinImages(files, [PIN], OPTIONS).edits) writeFileSync(path, content);
}

function sed(paths: readonly string[]): void {
  execFileSync('sed', ['-i', '-E', `/name: .*django$/{n;s|newTag: [^ ]+|newTag: V4.2|}`, ...paths]);
}

function edit(kustomize: string, paths: readonly string[]): void {
  for (const path of paths) {
    execFileSync(kustomize, ['edit', 'set', 'image', `${REPOSITORY}:V4.2`], { cwd: join(path, '..') });
  }
}
