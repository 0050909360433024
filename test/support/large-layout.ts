// An image with large layers in an OCI layout on disk, which are nowhere in memory as a whole.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestHex, digestOf } from '../../src/model/digest.ts';
import { OCI_MANIFEST } from './sample-manifests.ts';

const MIB = 1024 * 1024;

/** Makes a layout with one image, V1.0, whose layers have the sizes, in MiB. */
export function largeLayout(directory: string, sizes: readonly number[]): Digest {
  const folder = join(directory, 'blobs', 'sha256');
  mkdirSync(folder, { recursive: true });
  const store = (mediaType: string, value: object) => {
    const bytes = Buffer.from(JSON.stringify(value));
    writeFileSync(join(folder, digestHex(digestOf(bytes))), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const layers = sizes.map((size, number) => {
    const hash = createHash('sha256');
    const file = openSync(join(folder, 'new'), 'w');
    for (let at = 0; at < size; at += 1) {
      const chunk = Buffer.alloc(MIB, `${number}/${at} `);
      hash.update(chunk);
      writeSync(file, chunk);
    }
    closeSync(file);
    const hex = hash.digest('hex');
    renameSync(join(folder, 'new'), join(folder, hex));
    return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${hex}`, size: size * MIB };
  });
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const config = store('application/vnd.oci.image.config.v1+json', { architecture: 'amd64', os: 'linux', rootfs });
  const manifest = store(OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers });
  const annotations = { 'org.opencontainers.image.ref.name': 'V1.0' };
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index));
  return manifest.digest;
}
