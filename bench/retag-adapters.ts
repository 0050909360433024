// What a retag costs, adapter by adapter: requests an image against the floor of its protocol, and for a layout on disk the
// time against as little code as replaces its index.json safely.
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRepository, parseTag, type Repository } from '../src/model/reference.ts';
import { createLayoutRegistry } from '../src/registry/layout/layout.ts';
import { buildImage } from '../src/registry/layout/sample-image.ts';
import { createLayoutWriter } from '../src/registry/layout/writer.ts';
import type { Registry } from '../src/registry/registry.ts';
import { createEcrUnderTest, ecrRepository, startEcr } from '../test/support/ecr.ts';
import { createGarUnderTest, garRepository, startGar } from '../test/support/gar.ts';
import { indexGeneration, machineClock, temporaryFolder } from '../test/support/layouts.ts';
import { sampleIndex } from '../test/support/sample-manifests.ts';
import { type Report, interleave } from './report.ts';

const IMAGES = 20;
const ROUNDS = 15;
/** The library locks the layout against other writers, and looks at the image that it tags. */
const LAYOUT_LIMIT = 3;
const V1 = parseTag('V1');
const STG = parseTag('stg');

/** Requests an image: the image by its tag, the target tag, the write, and the target tag once more. */
const FLOOR = 4;

/** Runs the benchmark. */
export async function compareAdapters(report: Report): Promise<void> {
  report.heading(`retag: requests for ${IMAGES} images by the clouds' own APIs, read back`);
  await countEcr(report);
  await countGar(report);
  await timeLayout(report);
}

async function retag(registry: Registry, repository: Repository): Promise<void> {
  const image = await registry.resolve(repository, V1);
  if (!image) throw new Error(`${repository.name} has no ${V1}`);
  const { changed } = await registry.tag(repository, image.digest, STG);
  if (!changed) throw new Error(`${repository.name}:${STG} was right already: nothing was measured`);
  if ((await registry.peek(repository, STG)) !== image.digest) throw new Error('not put');
}

/** Moves of a tag that is there: the whole price, with the rules of the repository that are read once. */
async function countEcr(report: Report): Promise<void> {
  const server = await startEcr();
  try {
    const { registry } = createEcrUnderTest(server.url);
    for (let at = 0; at < IMAGES; at += 1) {
      server.publish(`acme/app-${at}`, sampleIndex('V0'), STG);
      server.publish(`acme/app-${at}`, sampleIndex('V1'), V1);
    }
    for (let at = 0; at < IMAGES; at += 1) await retag(registry, ecrRepository(`acme/app-${at}`));
    tell(report, 'Amazon ECR', server.operations, 'DescribeRepositories');
    registry.close();
  } finally {
    await server.stop();
  }
}

async function countGar(report: Report): Promise<void> {
  const server = await startGar();
  try {
    const gar = createGarUnderTest(server);
    const path = (at: number): string => `acme-prod/images/app-${at}`;
    for (let at = 0; at < IMAGES; at += 1) {
      server.publish(path(at), sampleIndex('V0'), STG);
      server.publish(path(at), sampleIndex('V1'), V1);
    }
    for (let at = 0; at < IMAGES; at += 1) await retag(gar.registry, garRepository(path(at)));
    // The first one is asked to log in.
    const reads = server.docker.requests.filter(({ headers }) => headers.authorization !== undefined);
    tell(report, 'Artifact Registry', [...server.methods, ...reads.map(({ method }) => method)], 'GetRepository');
    gar.close();
  } finally {
    await server.stop();
  }
}

/** `once`: what is read once for each repository, whatever number of tags is moved in it. */
function tell(report: Report, name: string, requests: readonly string[], once: string): void {
  const counts = new Map<string, number>();
  for (const request of requests) counts.set(request, (counts.get(request) ?? 0) + 1);
  const rules = counts.get(once) ?? 0;
  const each = (requests.length - rules) / IMAGES;
  const methods = [...counts].map(([method, count]) => `${method} ${count}`).join(', ');
  report.limit(each <= FLOOR, `${name}: ${each} requests an image: ${methods}`, `at most ${FLOOR}, ${once} apart`);
}

async function timeLayout(report: Report): Promise<void> {
  report.heading('retag: 1 image in a layout on disk, read back, within this process');
  using folder = temporaryFolder();
  const directory = join(folder.path, 'app');
  const writer = createLayoutWriter({ clock: machineClock });
  for (const version of ['V1', 'V2']) {
    await writer.publishImage(directory, buildImage({ name: 'app', version }), parseTag(version));
  }
  const repository = parseRepository(`oci:${directory}`);
  const digests = ['V1', 'V2'].map((version) => buildImage({ name: 'app', version }).digest);
  let runs = 0;
  const next = (): string => digests[(runs += 1) % 2] ?? '';
  const registry = createLayoutRegistry({ baseDirectory: '/', clock: machineClock });
  const library = async (): Promise<void> => {
    const digest = next();
    const image = await registry.resolve(repository, parseTag(digest === digests[0] ? 'V1' : 'V2'));
    if (!image) throw new Error('the image is not there');
    await registry.tag(repository, image.digest, STG);
    if ((await registry.peek(repository, STG)) !== digest) throw new Error('not put');
  };
  const times = await interleave(ROUNDS, [
    { name: 'bare writing', run: async () => bareWriting(directory, next()) },
    { name: 'the library', run: library },
  ]);
  report.times(times);
  report.atMost(times, 'the library', 'bare writing', LAYOUT_LIMIT);
  const before = indexGeneration(directory);
  await library();
  const after = indexGeneration(directory);
  await registry.tag(repository, (await registry.resolve(repository, STG))!.digest, STG);
  const isFrugal = before !== after && indexGeneration(directory) === after;
  report.limit(isFrugal, 'index.json is replaced by a tag that moves, and left alone by one that is right', 'both');
}

/** Reads index.json, puts the descriptor of `digest` under the tag, and replaces the file so that a crash loses nothing. */
async function bareWriting(directory: string, digest: string): Promise<void> {
  const path = join(directory, 'index.json');
  const index = JSON.parse(await readFile(path, 'utf8')) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  const name = 'org.opencontainers.image.ref.name';
  const image = index.manifests.find((entry) => entry.digest === digest);
  const others = index.manifests.filter((entry) => entry.annotations?.[name] !== STG);
  const manifests = [...others, { ...image, annotations: { ...image?.annotations, [name]: STG } }];
  const part = join(directory, 'index.part');
  const file = await open(part, 'w');
  await file.writeFile(JSON.stringify({ ...index, manifests }));
  await file.sync();
  await file.close();
  await rename(part, path);
  const folder = await open(directory);
  await folder.sync();
  await folder.close();
  await readFile(path, 'utf8');
}
