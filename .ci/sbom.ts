// The software bill of materials of what is published, CycloneDX 1.6 JSON (https://cyclonedx.org/docs/1.6/json/): every npm
// package with code in the bundle, with the version and the integrity hash that the lockfile names. It holds no time and no
// random number, so that equal builds give equal bytes.

/** An entry of `packages` in package-lock.json, version 3. */
interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
}

/** What of package.json and package-lock.json is read. */
export interface Sources {
  readonly manifest: { readonly name: string; readonly version: string; readonly license: string };
  readonly lockfile: { readonly packages: Readonly<Record<string, LockedPackage>> };
  /** Folders of the bundled packages, relative to the root: `node_modules/yaml`. */
  readonly folders: readonly string[];
}

/** Returns the bill of materials as JSON text. Throws when the lockfile lacks a bundled package or its hash. */
export function billOfMaterials({ manifest, lockfile, folders }: Sources): string {
  const root = purl(manifest.name, manifest.version);
  const components = folders.map((folder) => component(folder, lockfile.packages[folder]));
  const refs = [...new Set(components.map((each) => each['bom-ref']))].toSorted();
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: { 'bom-ref': root, type: 'application', ...described(manifest.name, manifest) },
    },
    components: refs.map((ref) => components.find((each) => each['bom-ref'] === ref)),
    dependencies: [{ ref: root, dependsOn: refs }],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function component(folder: string, locked: LockedPackage | undefined) {
  if (!locked?.integrity) throw new Error(`package-lock.json has no integrity hash for ${folder}`);
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const [algorithm = '', hash = ''] = locked.integrity.split('-', 2);
  return {
    'bom-ref': purl(name, locked.version),
    type: 'library',
    ...described(name, locked),
    hashes: [{ alg: algorithm.replace(/^sha/, 'SHA-'), content: Buffer.from(hash, 'base64').toString('hex') }],
  };
}

function described(name: string, { version, license }: Pick<LockedPackage, 'version' | 'license'>) {
  return {
    name,
    version,
    ...(license !== undefined && { licenses: [licenceOf(license)] }),
    purl: purl(name, version),
  };
}

/** An SPDX expression, or one identifier. */
function licenceOf(license: string) {
  return /[ ()]/.test(license) ? { expression: license } : { license: { id: license } };
}

/** Package URL of an npm package (https://github.com/package-url/purl-spec). */
function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}
