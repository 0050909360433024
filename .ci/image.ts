// Makes the images: `node .ci/image.ts --out DIR` builds `release` and `debug` with buildah, from .ci/image/Dockerfile, into the OCI
// layout DIR under the tags VERSION and VERSION-debug, each with its bill of materials as a referrer. Equal inputs give equal
// digests. `--binary FILE` takes an executable that is there already. docs/internals/release.md says how they are published.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const TARGETS = { release: '', debug: '-debug' } as const;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const EMPTY = 'application/vnd.oci.empty.v1+json';
const BILL = 'application/vnd.cyclonedx+json';
const SYSTEM = 'localhost/tagflow-system:latest';
/** Times of files and of the image are those of the epoch, and no version of buildah is written down. */
const FIXED = ['--isolation', 'chroot', '--timestamp', '0', '--identity-label=false'] as const;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'dist/image' },
    binary: { type: 'string' },
    base: { type: 'string' },
  },
});
const layout = resolve(root, values.out);
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Readonly<Record<string, string>>;
const version = manifest['version'] ?? '';
const work = await mkdtemp(join(tmpdir(), 'tagflow-image-'));
try {
  await prepareContext();
  await mkdir(layout, { recursive: true });
  const base = await baseImage();
  for (const [target, suffix] of Object.entries(TARGETS))
    await buildTarget({ target, base, tag: `${version}${suffix}` });
  const bill = await readFile(join(root, 'dist/sbom.cdx.json'));
  for (const suffix of Object.values(TARGETS)) await attach(`${version}${suffix}`, bill);
} finally {
  await rm(work, { recursive: true, force: true });
}

/** What the Dockerfile copies: the executable, and the root file system where no base is named. */
async function prepareContext(): Promise<void> {
  const binary = join(work, 'tagflow');
  if (values.binary === undefined) {
    await run(process.execPath, [join(root, '.ci/binary.ts'), '--arch', process.arch, '--out', work], { cwd: root });
    await copyFile(join(work, `tagflow-linux-${process.arch}`), binary);
  } else await copyFile(resolve(values.binary), binary);
  await run('bash', [join(root, '.ci/image/base.sh'), join(work, 'rootfs'), binary]);
  await copyFile(join(root, '.ci/image/Dockerfile'), join(work, 'Dockerfile'));
}

/** Builds a target, and writes it to the layout. */
async function buildTarget({ target, base, tag }: Readonly<Record<'target' | 'base' | 'tag', string>>): Promise<void> {
  const name = `localhost/tagflow-build:${tag}`;
  const described = Object.entries(annotationsOf()).flatMap(([key, value]) =>
    ['--annotation', '--label'].flatMap((option) => [option, `${key}=${value}`]),
  );
  await buildah(
    'build',
    ...FIXED,
    '--target',
    target,
    '--tag',
    name,
    '--build-arg',
    `BASE=${base}`,
    ...described,
    work,
  );
  await buildah('push', '--quiet', name, `oci:${layout}:${tag}`);
}

/** The base that is named, or one from the packages of this machine. */
async function baseImage(): Promise<string> {
  if (values.base !== undefined) return values.base;
  await buildah('build', ...FIXED, '--target', 'system', '--tag', SYSTEM, work);
  return SYSTEM;
}

/** Runs buildah with a storage of its own, so that nothing stays on the machine. */
async function buildah(...words: readonly string[]): Promise<void> {
  const storage = ['--storage-driver', 'vfs', '--root', join(work, 'storage'), '--runroot', join(work, 'run')];
  await run('buildah', [...storage, ...words], { maxBuffer: 1e8 });
}

/** Annotations of the OCI image specification. They hold no time, so that equal sources give equal digests. */
function annotationsOf(): Readonly<Record<string, string>> {
  const { repository } = manifest as unknown as { repository: { url: string } };
  const source = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
  return {
    'org.opencontainers.image.title': 'tagflow',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': manifest['license'] ?? '',
    'org.opencontainers.image.source': process.env['CI_PROJECT_URL'] ?? source,
    ...(process.env['CI_COMMIT_SHA'] && { 'org.opencontainers.image.revision': process.env['CI_COMMIT_SHA'] }),
  };
}

/** Adds the bill of materials to the layout as a manifest about the image (image-spec 1.1, `subject`). */
async function attach(tag: string, bill: Buffer): Promise<void> {
  const path = join(layout, 'index.json');
  const index = JSON.parse(await readFile(path, 'utf8')) as { manifests: Descriptor[] };
  const image = index.manifests.find((each) => each.annotations?.['org.opencontainers.image.ref.name'] === tag);
  if (image === undefined) throw new Error(`${layout} has no tag ${tag}`);
  const subject = { mediaType: image.mediaType, digest: image.digest, size: image.size };
  const about = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: BILL,
    config: await addBlob(Buffer.from('{}'), EMPTY),
    layers: [await addBlob(bill, BILL)],
    subject,
  };
  const referrer = await addBlob(Buffer.from(JSON.stringify(about)), MANIFEST);
  if (index.manifests.some(({ digest }) => digest === referrer.digest)) return;
  index.manifests.push(referrer);
  await writeFile(path, JSON.stringify(index));
}

async function addBlob(bytes: Buffer, mediaType: string): Promise<Descriptor> {
  const hex = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(layout, 'blobs/sha256', hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}
