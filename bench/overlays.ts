// How long it takes to pin an image in a folder of many overlays, each of which names it: linear in their number, and not far
// from reading each file twice with the YAML parser, before the edit and after it.
import { parseAllDocuments } from 'yaml';
import { type ManifestFile, pinImages } from '../src/manifests/manifests.ts';
import { digestOf } from '../src/model/digest.ts';
import { parseRepository, parseTag } from '../src/model/reference.ts';
import { type Report, interleave } from './report.ts';

const REPOSITORY = 'registry.example.com/acme/web';
const MANY = 5_000;
const FEW = 500;
/** Ten times the files, and a fifth for what collecting garbage takes. */
const LINEAR = (MANY / FEW) * 1.2;
const LIMIT = 4;
const ROUNDS = 3;

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  report.heading(`overlays: one image pinned in ${MANY} kustomizations of a folder, within this process`);
  const [many, few] = [overlays(MANY), overlays(FEW)];
  const contestant = (name: string, work: () => void) => ({ name, run: async () => Promise.resolve(work()) });
  const times = await interleave(ROUNDS, [
    contestant(`${MANY} files read twice`, () => readTwice(many)),
    contestant(`${MANY} overlays`, () => pin(many)),
    contestant(`${FEW} overlays`, () => pin(few)),
  ]);
  report.times(times);
  report.atMost(times, `${MANY} overlays`, `${FEW} overlays`, LINEAR);
  report.atMost(times, `${MANY} overlays`, `${MANY} files read twice`, LIMIT);
}

function pin(files: readonly ManifestFile[]): void {
  const repository = parseRepository(REPOSITORY);
  const image = { image: 'web', names: ['web', REPOSITORY], repository };
  const pins = [{ ...image, version: parseTag('V2.0'), digest: digestOf('web V2.0') }];
  const { edits } = pinImages(files, pins, {
    style: 'version+digest',
    folder: 'environments/dev',
    configured: [],
    maxBytes: 256 * 1024,
    bases: BASES,
  });
  if (edits.length !== files.length) throw new Error(`${edits.length} of ${files.length} overlays were pinned`);
}

function readTwice(files: readonly ManifestFile[]): void {
  for (const { content } of [...files, ...files]) parseAllDocuments(new TextDecoder().decode(content));
}

const BASES = [
  file('base/kustomization.yaml', 'resources: [web.yaml]\n'),
  file(
    'base/web.yaml',
    `kind: Deployment\nspec: {template: {spec: {containers: [{name: web, image: '${REPOSITORY}'}]}}}\n`,
  ),
];

function overlays(count: number): readonly ManifestFile[] {
  return Array.from({ length: count }, (_, index) =>
    file(
      `environments/dev/team-${index}/kustomization.yaml`,
      `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: team-${index}
resources:
- ../../../base
images:
- name: ${REPOSITORY}
  newTag: V1.0
  digest: ${digestOf('web V1.0')}
`,
    ),
  );
}

function file(path: string, text: string): ManifestFile {
  return { path, content: new TextEncoder().encode(text) };
}
