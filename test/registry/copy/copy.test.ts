// Copying between repositories, in the cases that registries make of it: what is sent and what is not, in which order,
// what travels along, and what is left when it fails.
import { existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Digest, digestHex, digestOf } from '../../../src/model/digest.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { createCopier } from '../../../src/registry/copy/copy.ts';
import { readReferrers, referrersTag } from '../../../src/registry/image/referrers-index.ts';
import { bytesOf, referrerOf } from '../../contract/content.ts';
import { newRun, startServer } from '../../support/copying.ts';
import { failureOf } from '../../support/failure.ts';
import { errorAnswer, type HttpRegistry, type HttpRegistryOptions } from '../../support/http-registry.ts';
import { layoutRepository, temporaryFolder } from '../../support/layouts.ts';
import { passwordFor, repositoryAt } from '../../support/oci.ts';
import {
  contentOf,
  OCI_INDEX,
  OCI_MANIFEST,
  type SampleManifest,
  sampleIndex,
  sampleSingle,
} from '../../support/sample-manifests.ts';

const writes = ({ lines }: HttpRegistry): string[] => lines.filter((line) => !/^(?:GET|HEAD) /.test(line));
const ALL = { manifests: 3, blobsSent: 4, blobsMounted: 0, blobsPresent: 0 };

/** An image with the layers given, each named by a text. */
function imageOf(layers: readonly object[], more: object = {}): SampleManifest {
  const config = contentOf('application/vnd.oci.image.config.v1+json', { architecture: 'amd64', os: 'linux' });
  const { mediaType, digest, bytes } = config;
  const manifest = contentOf(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType, digest, size: bytes.length },
    layers,
    ...more,
  });
  return { ...manifest, blobs: [config], manifests: [] };
}

/** Two registries, an index in the first. */
async function two(from: HttpRegistryOptions = {}, to: HttpRegistryOptions = {}) {
  const source = await startServer(from);
  const target = await startServer(to);
  const image = sampleIndex();
  source.publish('acme/app', image, 'V1.0');
  const routes = [repositoryAt(source), repositoryAt(target, 'prd/app'), image.digest] as const;
  return { source, target, image, routes };
}

describe('an index with two platforms', () => {
  it('case 28: arrives whole and byte for byte, blobs before manifests and children before the index', async () => {
    const { target, image, routes } = await two();
    const summary = await newRun().copy(...routes);
    expect(summary).toMatchObject(ALL);
    expect(summary.bytes).toBe(image.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0));
    for (const { digest, bytes } of [image, ...image.manifests]) {
      expect(Buffer.from(target.read('prd/app', digest)!)).toEqual(Buffer.from(bytes));
    }
    for (const { digest, bytes } of image.blobs) {
      expect(target.blobsOf('prd/app').get(digest)).toEqual(Buffer.from(bytes));
    }
    expect(writes(target).at(-1)).toBe(`PUT /v2/prd/app/manifests/${image.digest}`);
    expect(target.tagsOf('prd/app').size).toBe(0);
  });

  it('is only checked when it is there', async () => {
    const { target, routes } = await two();
    await newRun().copy(...routes);
    const before = writes(target).length;
    expect(await newRun().copy(...routes)).toEqual({
      manifests: 0,
      blobsSent: 0,
      blobsMounted: 0,
      blobsPresent: 0,
      bytes: 0,
    });
    expect(writes(target)).toHaveLength(before);
    expect(target.lines.filter((line) => line.includes('/blobs/sha256'))).toHaveLength(4);
  });

  it('gets back a platform that a clean-up took from the target', async () => {
    const { target, image, routes } = await two();
    await newRun().copy(...routes);
    target.manifestsOf('prd/app').delete(image.manifests[1]!.digest);
    expect(await newRun().copy(...routes)).toMatchObject({ manifests: 1, blobsSent: 0, blobsPresent: 2 });
  });

  it('takes nothing twice that was there before', async () => {
    const { target, image, routes } = await two();
    target.publish('prd/app', { ...image.manifests[0]!, blobs: image.blobs.slice(0, 2) });
    expect(await newRun().copy(...routes)).toMatchObject({ manifests: 2, blobsSent: 2 });
  });

  it('is not a copy at all within one repository', async () => {
    const { source, image } = await two();
    const repository = repositoryAt(source);
    expect(await newRun().copy(repository, repository, image.digest)).toMatchObject({ manifests: 0 });
    expect(source.lines).toEqual([]);
  });

  it('is copied whole unless one platform is asked for, by its own digest: then that alone', async () => {
    const { target, image, routes } = await two();
    const child = image.manifests[1]!.digest;
    expect(await newRun().copy(routes[0], routes[1], child)).toMatchObject({ manifests: 1, blobsSent: 2 });
    expect([...target.manifestsOf('prd/app').keys()]).toEqual([child]);
  });

  it('lets memory be collected after every 8 MiB, over all blobs', async () => {
    const { source, target } = { source: await startServer(), target: await startServer() };
    const layers = Array.from({ length: 5 }, (_, at) => {
      const bytes = Buffer.alloc(4 * 1024 * 1024, `${at}`);
      return { mediaType: 'application/octet-stream', digest: digestOf(bytes), bytes };
    });
    const image = imageOf(layers.map(descriptor));
    source.publish('acme/app', { ...image, blobs: [...image.blobs, ...layers] });
    const { contentOf } = newRun();
    const collect = vi.fn<() => void>();
    const signal = new AbortController().signal;
    const copy = createCopier({ contentOf, signal, notify: () => undefined, collect });
    await copy({ from: repositoryAt(source), to: repositoryAt(target), digest: image.digest, label: 'app' });
    expect(collect).toHaveBeenCalledTimes(2);
  });

  it('says how far it is', async () => {
    const { routes } = await two();
    const run = newRun();
    await run.copy(...routes);
    expect(run.notices.every(({ level }) => level === 'progress')).toBe(true);
    expect(run.notices.at(-1)?.text).toMatch(/^copying app V1\.0: (\d+) of \1 KiB$/);
  });
});

describe('every direction', () => {
  const kinds = ['a registry', 'a layout'] as const;
  it.each(kinds.flatMap((from) => kinds.map((to) => [from, to] as const)))(
    'from %s to %s keeps every digest, with what is about the image',
    async (from, to) => {
      const folder = temporaryFolder();
      onTestFinished(() => folder[Symbol.dispose]());
      const { source, target, image, routes } = await two();
      const signature = referrerOf(image.manifests[0]!.digest, 'signature');
      source.publish('acme/app', signature);
      const list = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptor(signature)] };
      source.publish('acme/app', contentOf(OCI_INDEX, list), referrersTag(image.manifests[0]!.digest));
      const run = newRun();
      let [begin] = routes;
      if (from === 'a layout') {
        begin = layoutRepository(join(folder.path, 'from'));
        await run.copy(routes[0], begin, image.digest);
      }
      const end = to === 'a layout' ? layoutRepository(join(folder.path, 'to')) : repositoryAt(target, 'prd/app');
      expect(await run.copy(begin, end, image.digest)).toMatchObject({ manifests: 4, blobsSent: 6 });
      const store = run.contentOf(end);
      for (const { digest } of [image, ...image.manifests, signature]) {
        expect((await store.readManifest(end, digest))?.digest).toBe(digest);
      }
      for (const { digest, bytes } of [...image.blobs, ...signature.blobs]) {
        const chunks = await store.openBlob(end, { digest, size: bytes.length });
        expect(digestOf(await bytesOf(chunks!))).toBe(digest);
      }
      expect(await store.referrers(end, image.manifests[0]!.digest)).toMatchObject([{ digest: signature.digest }]);
      expect(await run.copy(begin, end, image.digest)).toMatchObject({ manifests: 0, blobsSent: 0 });
      // A layout without tags has one entry for what nothing else leads to.
      await store.tag(end, image.digest, parseTag('V1.0'));
      expect(await store.peek(end, parseTag('V1.0'))).toBe(image.digest);
    },
  );
});

const copyWithin = async (options: HttpRegistryOptions, run = newRun()) => {
  const place = await startServer(options);
  const image = sampleIndex();
  place.publish('acme/app', image);
  const summary = await run.copy(repositoryAt(place), repositoryAt(place, 'prd/app'), image.digest);
  return { place, summary };
};

describe('within one registry', () => {
  it('blobs are mounted and never travel', async () => {
    const { place, summary } = await copyWithin({});
    expect(summary).toMatchObject({ manifests: 3, blobsMounted: 4, blobsSent: 0, bytes: 0 });
    expect(place.lines.filter((line) => /^GET .*\/blobs\//.test(line))).toEqual([]);
  });

  it('a mount is asked for without a look first, and a look at no blob or further platform is needed', async () => {
    const { place } = await copyWithin({});
    const target = place.lines.filter((line) => line.includes('/prd/app/'));
    expect(target.filter((line) => line.startsWith('HEAD '))).toHaveLength(2);
    expect(target.filter((line) => line.startsWith('POST '))).toHaveLength(4);
    expect(target.filter((line) => line.startsWith('PUT '))).toHaveLength(3);
  });

  it('blobs are mounted that were there before as well: one request tells it', async () => {
    const place = await startServer();
    const image = sampleIndex();
    place.publish('acme/app', image);
    place.blobsOf('prd/app').set(image.blobs[0]!.digest, image.blobs[0]!.bytes);
    const summary = await newRun().copy(repositoryAt(place), repositoryAt(place, 'prd/app'), image.digest);
    expect(summary).toMatchObject({ blobsMounted: 4, blobsSent: 0 });
  });

  it('case 29: a mount answered 202: the upload it opened is cancelled, and no other mount is tried', async () => {
    const { place, summary } = await copyWithin({ mount: 'opens-upload' });
    expect(summary).toMatchObject({ blobsMounted: 0, blobsSent: 4 });
    const posts = place.requests.filter(({ method }) => method === 'POST');
    expect(posts.filter(({ query }) => query.has('mount'))).toHaveLength(1);
    expect(posts).toHaveLength(1 + 4);
    expect(place.openUploads).toBe(0);
  });

  it('case 29: a mount answered 202 after one that worked is about its blob alone', async () => {
    const place = await startServer();
    const image = sampleIndex();
    place.publish('acme/app', image);
    let mounts = 0;
    place.intercept(/^POST .*\/uploads\/$/, ({ query }, next) => {
      if (query.has('mount')) mounts += 1;
      // The second mount is not one.
      if (query.has('mount') && mounts === 2) query.delete('mount');
      return next();
    });
    const summary = await newRun().copy(repositoryAt(place), repositoryAt(place, 'prd/app'), image.digest);
    expect(summary).toMatchObject({ blobsMounted: 3, blobsSent: 1 });
    expect(place.openUploads).toBe(0);
  });

  it('blobs that are there are not sent where nothing is mounted', async () => {
    const place = await startServer({ mount: 'unknown' });
    const image = sampleIndex();
    place.publish('acme/app', image);
    place.blobsOf('prd/app').set(image.blobs[0]!.digest, image.blobs[0]!.bytes);
    const summary = await newRun().copy(repositoryAt(place), repositoryAt(place, 'prd/app'), image.digest);
    expect(summary).toMatchObject({ blobsMounted: 0, blobsPresent: 1, blobsSent: 3 });
  });

  it('a registry that knows no mount is sent the blobs', async () => {
    const { summary } = await copyWithin({ mount: 'unknown' });
    expect(summary).toMatchObject({ blobsMounted: 0, blobsSent: 4 });
  });

  it('blobs are sent also where one request at a time is allowed', async () => {
    const { summary } = await copyWithin({ mount: 'unknown' }, newRun({ concurrency: 1 }));
    expect(summary).toMatchObject({ blobsSent: 4 });
  });

  it('a mount asks for a token for both repositories', async () => {
    const auth = { kind: 'bearer', user: 'ana', password: 'secret-1', anonymousPull: false } as const;
    const place = await startServer({ auth });
    const image = sampleIndex();
    place.publish('acme/app', image);
    const run = newRun({ credentials: passwordFor(place.host, 'ana', 'secret-1') });
    const summary = await run.copy(repositoryAt(place), repositoryAt(place, 'prd/app'), image.digest);
    expect(summary).toMatchObject({ blobsMounted: 4 });
    const scopes = place.requests.flatMap(({ line, query }) => (line === 'GET /token' ? [query.getAll('scope')] : []));
    expect(scopes).toContainEqual(['repository:prd/app:pull,push', 'repository:acme/app:pull']);
  });
});

describe('a blob', () => {
  it('that two platforms share is sent once', async () => {
    const source = await startServer();
    const target = await startServer();
    const layer = contentOf('application/vnd.oci.image.layer.v1.tar+gzip', 'shared');
    const images = ['one', 'two'].map((name) =>
      imageOf([descriptor(layer), descriptor(layer)], { annotations: { name } }),
    );
    const index = contentOf(OCI_INDEX, {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [...images, ...images].map(descriptor),
    });
    source.publish('acme/app', { ...index, manifests: images, blobs: [layer, ...images[0]!.blobs] });
    const summary = await newRun().copy(repositoryAt(source), repositoryAt(target), index.digest);
    expect(summary).toMatchObject({ manifests: 3, blobsSent: 2 });
    expect(target.lines.filter((line) => line.startsWith('POST '))).toHaveLength(2);
  });

  it('whose bytes are not those of its digest is not stored, and no manifest after it', async () => {
    const { source, target, image, routes } = await two();
    const { digest, bytes } = image.blobs[1]!;
    source.blobsOf('acme/app').set(digest, Buffer.from(bytes).reverse());
    const error = await failureOf(newRun().copy(...routes));
    expect(error).toMatchObject({ code: 'digest-mismatch', exit: 7 });
    expect(error.message).toContain(digest);
    expect(target.blobsOf('prd/app').has(digest)).toBe(false);
    expect(target.manifestsOf('prd/app').size).toBe(0);
    expect(target.openUploads).toBe(0);
  });

  it('that the source lost is named', async () => {
    const { source, target, image, routes } = await two();
    source.blobsOf('acme/app').delete(image.blobs[1]!.digest);
    const error = await failureOf(newRun().copy(...routes));
    expect(error).toMatchObject({ code: 'digest-not-found', exit: 4 });
    expect(error.message).toContain(image.blobs[1]!.digest);
    expect(target.manifestsOf('prd/app').size).toBe(0);
    expect(target.openUploads).toBe(0);
  });

  it('is sent again when its source breaks off in the middle', async () => {
    const { source, image, routes } = await two();
    const { digest, bytes } = image.blobs[1]!;
    const half = { headers: { 'content-length': String(bytes.length) }, body: bytes.subarray(0, 10), unfinished: true };
    source.intercept(`GET /v2/acme/app/blobs/${digest}`, () => ({ status: 200, ...half }), 2);
    expect(await newRun({ requestTimeoutMs: 100 }).copy(...routes)).toMatchObject(ALL);
  });

  it('is not sent again when only the answer to its upload was lost', async () => {
    const { target, routes } = await two();
    target.intercept(
      /^PUT .*\/uploads\//,
      (_request, next) => {
        next();
        return 'drop';
      },
      1,
    );
    expect(await newRun().copy(...routes)).toMatchObject(ALL);
    expect(target.lines.filter((line) => /^PUT .*\/uploads\//.test(line))).toHaveLength(4);
  });

  it('starts again when the registry has forgotten its upload', async () => {
    const { target, routes } = await two();
    target.intercept(/^PUT .*\/uploads\//, () => errorAnswer(404, 'BLOB_UPLOAD_UNKNOWN'), 1);
    expect(await newRun().copy(...routes)).toMatchObject(ALL);
    expect(target.openUploads).toBe(0);
  });

  it.each([
    [403, 'DENIED', 'forbidden', 6],
    [404, 'NAME_UNKNOWN', 'forbidden', 6],
  ])('that the target answers with %i %s is an error of the target', async (status, code, expected, exit) => {
    const { target, routes } = await two();
    target.intercept(/^POST /, () => errorAnswer(status, code));
    const error = await failureOf(newRun().copy(...routes));
    expect(error).toMatchObject({ code: expected, exit });
    expect(error.message).toContain(target.host);
    expect(error.fix).toBeTruthy();
  });

  it('case 23: that is elsewhere is fetched from there without our credentials', async () => {
    const auth = { kind: 'basic', user: 'ana', password: 'secret-1' } as const;
    const { source, image, routes } = await two({ auth });
    const store = await startServer();
    for (const { bytes } of image.blobs) store.blobsOf('storage').set(digestOf(bytes), bytes);
    source.intercept(/^GET .*\/blobs\//, (request) => {
      const digest = request.line.split('/').at(-1);
      return { status: 307, headers: { location: `${store.origin}/v2/storage/blobs/${digest}` } };
    });
    const credentials = passwordFor(source.host, 'ana', 'secret-1');
    expect(await newRun({ credentials }).copy(...routes)).toMatchObject(ALL);
    expect(store.requests).toHaveLength(4);
    expect(store.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('that has to be uploaded to another host goes there without our credentials', async () => {
    const auth = { kind: 'basic', user: 'ana', password: 'secret-1' } as const;
    const target = await startServer({ auth });
    const store = await startServer();
    target.intercept(/^POST /, async () => {
      const session = await fetch(`${store.origin}/v2/storage/blobs/uploads/`, { method: 'POST' });
      return { status: 202, headers: { location: new URL(session.headers.get('location')!, store.origin).href } };
    });
    const run = newRun({ credentials: passwordFor(target.host, 'ana', 'secret-1') });
    const to = repositoryAt(target);
    const bytes = Buffer.from('a layer');
    const blob = { digest: digestOf(bytes), size: bytes.length };
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes;
    }
    // From here on the run knows that this registry wants a password.
    expect(await run.contentOf(to).hasBlob(to, blob)).toBe(false);
    await run.contentOf(to).putBlob(to, blob, async () => chunks(), repositoryAt(store, 'x'));
    expect(store.blobsOf('storage').get(blob.digest)).toEqual(bytes);
    expect(store.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it.each([
    ['http://169.254.169.254/latest', 'plain HTTP'],
    ['ftp://files.example.org/x', 'https'],
    ['', 'URL'],
  ])('is not uploaded to %j', async (location, why) => {
    const { target, routes } = await two();
    target.intercept(/^POST /, () => ({ status: 202, headers: { location } }));
    const error = await failureOf(newRun().copy(...routes));
    expect(error.code).toBe('registry-answer-invalid');
    expect(error.why).toContain(why);
  });
});

describe('case 30: a layer with a web address', () => {
  const layer = contentOf('application/vnd.oci.image.layer.nondistributable.v1.tar', 'windows');
  const elsewhere = async () => {
    const web = await startServer();
    const image = imageOf([{ ...descriptor(layer), urls: [`${web.origin}/v2/x/blobs/${layer.digest}`] }]);
    const source = await startServer();
    const target = await startServer();
    source.publish('acme/app', image);
    return { web, image, source, target };
  };

  it('that the source does not have is never fetched from there', async () => {
    const { web, image, source, target } = await elsewhere();
    const error = await failureOf(newRun().copy(repositoryAt(source), repositoryAt(target), image.digest));
    expect(error).toMatchObject({ code: 'digest-not-found' });
    expect(error.message).toContain(layer.digest);
    expect(error.why).toContain('never follows');
    expect(web.requests).toEqual([]);
  });

  it('is not an obstacle when the target has it', async () => {
    const { web, image, source, target } = await elsewhere();
    target.blobsOf('acme/app').set(layer.digest, layer.bytes);
    const summary = await newRun().copy(repositoryAt(source), repositoryAt(target), image.digest);
    expect(summary).toMatchObject({ manifests: 1, blobsPresent: 1, blobsSent: 1 });
    expect(web.requests).toEqual([]);
  });

  it('that the source has is sent like any other', async () => {
    const { image, source, target } = await elsewhere();
    source.blobsOf('acme/app').set(layer.digest, layer.bytes);
    expect(await newRun().copy(repositoryAt(source), repositoryAt(target), image.digest)).toMatchObject({
      blobsSent: 2,
    });
  });
});

describe('a copy that cannot end', () => {
  it('case 32: of a sparse index says which platform is missing, and sends nothing', async () => {
    const { source, target, image, routes } = await two();
    source.manifestsOf('acme/app').delete(image.manifests[1]!.digest);
    const error = await failureOf(newRun().copy(...routes));
    expect(error).toMatchObject({ code: 'digest-not-found', exit: 4 });
    expect(error.message).toContain('linux/arm64');
    expect(error.why).toContain(image.digest);
    expect(writes(target)).toEqual([]);
  });

  it('case 32: does not exist where the target has the platform that a sparse index lacks', async () => {
    const { source, target, image, routes } = await two();
    const [, second] = image.manifests;
    source.manifestsOf('acme/app').delete(second!.digest);
    target.publish('prd/app', { ...second!, blobs: image.blobs.slice(2) });
    expect(await newRun().copy(...routes)).toMatchObject({ manifests: 2, blobsSent: 2 });
    expect(target.manifestsOf('prd/app').has(image.digest)).toBe(true);
  });

  it('of what is not at the source says so', async () => {
    const { routes, target } = await two();
    const error = await failureOf(newRun().copy(routes[0], routes[1], digestOf('nothing')));
    expect(error).toMatchObject({ code: 'digest-not-found' });
    expect(writes(target)).toEqual([]);
  });

  it('case 31: continues by a repeat, and sends nothing again that arrived', async () => {
    const { target, image, routes } = await two();
    const uploads = (): string[] => target.lines.filter((line) => /^PUT .*\/uploads\//.test(line));
    let passed = 0;
    target.intercept(/^PUT .*\/uploads\//, (_request, next) => {
      passed += 1;
      return passed > 2 ? errorAnswer(403, 'DENIED', 'quota exceeded') : next();
    });
    expect(await failureOf(newRun().copy(...routes))).toMatchObject({ code: 'forbidden' });
    expect(target.manifestsOf('prd/app').size).toBe(0);
    const arrived = target.blobsOf('prd/app').size;
    expect(arrived).toBeGreaterThan(0);
    const before = uploads().length;
    passed = -100;
    expect(await newRun().copy(...routes)).toMatchObject({ blobsPresent: arrived, blobsSent: 4 - arrived });
    expect(uploads()).toHaveLength(before + 4 - arrived);
    expect(target.manifestsOf('prd/app').has(image.digest)).toBe(true);
  });

  it('stops when it is asked to, and starts nothing new', async () => {
    const { target, image, routes } = await two();
    const controller = new AbortController();
    target.intercept(/^PUT .*\/uploads\//, () => {
      controller.abort();
      return 'hang';
    });
    expect(await failureOf(newRun({}, controller.signal).copy(...routes))).toMatchObject({ code: 'interrupted' });
    expect(target.manifestsOf('prd/app').size).toBe(0);
    expect(target.lines.filter((line) => line.includes(`manifests/${image.digest}`))).toHaveLength(1);
  });

  it('is found out when the target does not keep what it took', async () => {
    const { target, image, routes } = await two();
    target.intercept(`PUT /v2/prd/app/manifests/${image.digest}`, () => ({ status: 201 }));
    expect(await failureOf(newRun().copy(...routes))).toMatchObject({ code: 'registry-answer-invalid' });
  });

  it('is refused when the target calls a manifest by another digest', async () => {
    const { target, image, routes } = await two();
    const headers = { 'docker-content-digest': digestOf('something else') };
    target.intercept(`PUT /v2/prd/app/manifests/${image.digest}`, () => ({ status: 201, headers }));
    expect(await failureOf(newRun().copy(...routes))).toMatchObject({ code: 'digest-mismatch' });
  });
});

/** A signature on the index, an SBOM of a platform, and a signature of the SBOM. */
async function signed(from: HttpRegistryOptions, to: HttpRegistryOptions) {
  const made = await two(from, to);
  const { source, image } = made;
  const signature = referrerOf(image.digest, 'signature');
  const sbom = referrerOf(image.manifests[0]!.digest, 'sbom');
  const onSbom = referrerOf(sbom.digest, 'signature');
  for (const [subject, referrer] of [
    [image.digest, signature],
    [image.manifests[0]!.digest, sbom],
    [sbom.digest, onSbom],
  ] as const) {
    source.publish('acme/app', referrer);
    if (!from.referrers) list(source, 'acme/app', subject, [referrer]);
  }
  return { ...made, companions: [signature, sbom, onSbom] };
}

describe('what is about an image', () => {
  const apis = [{ referrers: true }, { referrers: false }];

  it.each(apis.flatMap((from) => apis.map((to) => [from, to] as const)))(
    'case 33: travels with it, and what is about that, from %o to %o',
    async (from, to) => {
      const { image, companions, routes } = await signed(from, to);
      const run = newRun();
      expect(await run.copy(...routes)).toMatchObject({ manifests: 6 });
      const [, end] = routes;
      const [signature, sbom, onSbom] = companions;
      const listed = async (subject: Digest) =>
        (await newRun().contentOf(end).referrers(end, subject)).map(({ digest }) => digest);
      expect(await listed(image.digest)).toEqual([signature!.digest]);
      expect(await listed(image.manifests[0]!.digest)).toEqual([sbom!.digest]);
      expect(await listed(sbom!.digest)).toEqual([onSbom!.digest]);
      expect(await newRun().copy(...routes)).toMatchObject({ manifests: 0, blobsSent: 0 });
    },
  );

  it('case 33: ends although lists go in circles, and takes each once', async () => {
    const { source, target, image, companions, routes } = await signed({}, {});
    const [signature, sbom] = companions;
    list(source, 'acme/app', signature!.digest, [sbom!, signature!]);
    list(source, 'acme/app', companions[2]!.digest, [companions[1]!, image]);
    expect(await newRun().copy(...routes)).toMatchObject({ manifests: 6 });
    const puts = writes(target).filter((line) => /^PUT .*\/manifests\/sha256:/.test(line));
    expect(new Set(puts).size).toBe(6);
  });

  it('case 35: is added to what the target lists already', async () => {
    const { target, image, companions, routes } = await signed({}, {});
    const own = referrerOf(image.digest, 'approval');
    target.publish('prd/app', own);
    list(target, 'prd/app', image.digest, [own]);
    await newRun().copy(...routes);
    const tag = target.read('prd/app', referrersTag(image.digest))!;
    expect(readReferrers(tag).map(({ digest }) => digest)).toEqual([own.digest, companions[0]!.digest]);
    expect(JSON.parse(Buffer.from(tag).toString()).manifests[1]).toMatchObject({
      artifactType: 'application/vnd.example.signature',
    });
  });

  it('case 35: is put back into the list when another writer overwrites it meanwhile', async () => {
    const { target, image, companions, routes } = await signed({}, {});
    const other = referrerOf(image.digest, 'approval');
    target.publish('prd/app', other);
    target.intercept(
      `PUT /v2/prd/app/manifests/${referrersTag(image.digest)}`,
      (_request, next) => {
        const answer = next();
        list(target, 'prd/app', image.digest, [other]);
        return answer;
      },
      1,
    );
    await newRun().copy(...routes);
    const listed = readReferrers(target.read('prd/app', referrersTag(image.digest))!);
    expect(listed.map(({ digest }) => digest)).toEqual([other.digest, companions[0]!.digest]);
  });

  it('case 31: is listed by a repeat when the first copy ended between storing and listing', async () => {
    const { target, image, companions, routes } = await signed({}, {});
    const line = `PUT /v2/prd/app/manifests/${referrersTag(image.digest)}`;
    target.intercept(line, () => errorAnswer(403, 'DENIED'), 1);
    expect(await failureOf(newRun().copy(...routes))).toMatchObject({ code: 'forbidden' });
    expect(target.read('prd/app', companions[0]!.digest)).toBeDefined();
    await newRun().copy(...routes);
    const listed = readReferrers(target.read('prd/app', referrersTag(image.digest))!);
    expect(listed.map(({ digest }) => digest)).toEqual([companions[0]!.digest]);
  });

  it('case 34: is nothing where the list’s tag names the image itself, as on GitLab', async () => {
    const { source, image, routes } = await two();
    source.publish('acme/app', image, referrersTag(image.digest));
    expect(await newRun().contentOf(routes[0]).referrers(routes[0], image.digest)).toEqual([]);
    expect(await newRun().copy(...routes)).toMatchObject({ manifests: 3 });
  });

  it('needs no list of ours where the API is, also when the registry does not say so', async () => {
    const { target, companions, routes } = await signed({}, { referrers: true });
    const line = `PUT /v2/prd/app/manifests/${companions[0]!.digest}`;
    target.intercept(line, (_request, next) => ({ ...next(), headers: {} }));
    await newRun().copy(...routes);
    expect(target.tagsOf('prd/app').size).toBe(0);
  });

  it('case 33: that is listed and gone is left out with a warning', async () => {
    const { source, companions, routes } = await signed({}, {});
    source.manifestsOf('acme/app').delete(companions[0]!.digest);
    const run = newRun();
    expect(await run.copy(...routes)).toMatchObject({ manifests: 5 });
    const warnings = run.notices.filter(({ level }) => level === 'warning');
    expect(warnings.map(({ text }) => text)).toEqual([expect.stringContaining(companions[0]!.digest)]);
  });

  it('case 33: travels by the tags of cosign (.sig, .att, .sbom) as well, for the index and for each platform', async () => {
    const { source, target, image, routes } = await two();
    const child = image.manifests[1]!.digest;
    const names = [
      [image.digest, 'sig'],
      [image.digest, 'att'],
      [child, 'sbom'],
    ] as const;
    for (const [subject, suffix] of names) {
      source.publish('acme/app', sampleSingle(`${suffix} of ${subject}`), `sha256-${digestHex(subject)}.${suffix}`);
    }
    await newRun().copy(...routes);
    expect(target.tagsOf('prd/app')).toEqual(
      new Map([...source.tagsOf('acme/app')].filter(([tag]) => tag.startsWith('sha256-'))),
    );
  });

  describe('is looked for', () => {
    const tagsAsked = ({ lines }: HttpRegistry) =>
      lines.filter((line) => /^HEAD .*\.(?:sig|att|sbom)$/.test(line)).length;
    const lists = ({ lines }: HttpRegistry) => lines.filter((line) => line === 'GET /v2/acme/app/tags/list').length;

    it('in one list of tags instead of tag by tag', async () => {
      const { source, image, routes } = await two();
      source.publish('acme/app', sampleSingle('signature'), `sha256-${digestHex(image.digest)}.sig`);
      expect(await newRun().copy(...routes)).toMatchObject({ manifests: 4 });
      expect([lists(source), tagsAsked(source)]).toEqual([1, 1]);
      expect(source.lines.filter((line) => line.includes('/manifests/sha256-'))).toHaveLength(1);
    });

    it('tag by tag for an image of one platform', async () => {
      const source = await startServer();
      const target = await startServer();
      const digest = source.publish('acme/app', sampleSingle());
      await newRun().copy(repositoryAt(source), repositoryAt(target), digest);
      expect([lists(source), tagsAsked(source)]).toEqual([0, 3]);
    });

    it.each([
      ['is forbidden', () => errorAnswer(403, 'DENIED')],
      ['fails', () => errorAnswer(500, 'UNKNOWN')],
      ['is not a list', () => ({ status: 200, body: '<html>' })],
      ['is not known', () => errorAnswer(404, 'NAME_UNKNOWN')],
    ])('tag by tag where the list %s', async (_what, answer) => {
      const { source, image, routes } = await two();
      source.publish('acme/app', sampleSingle('signature'), `sha256-${digestHex(image.digest)}.sig`);
      source.intercept('GET /v2/acme/app/tags/list', answer);
      expect(await newRun().copy(...routes)).toMatchObject({ manifests: 4 });
      expect([lists(source), tagsAsked(source)]).toEqual([1, 12]);
    });

    it('tag by tag where the list has several pages', async () => {
      const { source, image, routes } = await two();
      source.publish('acme/app', sampleSingle('signature'), `sha256-${digestHex(image.digest)}.sig`);
      for (let at = 0; at < 1000; at += 1) source.publish('acme/app', image, `V0.${at}`);
      expect(await newRun().copy(...routes)).toMatchObject({ manifests: 4 });
      expect([lists(source), tagsAsked(source)]).toEqual([1, 12]);
    });
  });

  it('stays as it is where the target has a cosign tag of its own', async () => {
    const { source, target, image, routes } = await two();
    const tag = `sha256-${digestHex(image.digest)}.sig`;
    source.publish('acme/app', sampleSingle('dev'), tag);
    const own = target.publish('prd/app', sampleSingle('prd'), tag);
    const run = newRun();
    await run.copy(...routes);
    expect(target.tagsOf('prd/app').get(tag)).toBe(own);
    expect(run.notices.filter(({ level }) => level === 'warning')).toHaveLength(1);
  });
});

const intoLayout = async () => {
  const folder = temporaryFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const { image, routes } = await two();
  const directory = join(folder.path, 'app');
  const copyThere = async () => newRun().copy(routes[0], layoutRepository(directory), image.digest);
  return { directory, image, copyThere };
};

describe('a layout that is copied into', () => {
  it('gets back a layer that it lost, though it has the manifest', async () => {
    const { directory, image, copyThere } = await intoLayout();
    await copyThere();
    rmSync(join(directory, 'blobs', 'sha256', digestHex(image.blobs[1]!.digest)));
    expect(await copyThere()).toMatchObject({ manifests: 1, blobsSent: 1, blobsPresent: 1 });
    expect(await copyThere()).toMatchObject({ manifests: 0, blobsSent: 0 });
  });

  it('gets back a manifest and a layer that a crash left damaged', async () => {
    const { directory, image, copyThere } = await intoLayout();
    await copyThere();
    for (const { digest } of [image.manifests[0]!, image.blobs[1]!]) {
      writeFileSync(join(directory, 'blobs', 'sha256', digestHex(digest)), 'half');
    }
    expect(await copyThere()).toMatchObject({ manifests: 1, blobsSent: 1 });
  });

  it('needs no layer that is to be had elsewhere, once it has the manifest', async () => {
    const { directory, copyThere } = await intoLayout();
    await copyThere();
    const layer = contentOf('application/vnd.oci.image.layer.nondistributable.v1.tar', 'windows');
    const image = imageOf([{ ...descriptor(layer), urls: ['https://example.org/layer'] }]);
    const source = await startServer();
    source.publish('acme/app', image);
    for (const { digest, bytes } of [image, ...image.blobs]) {
      writeFileSync(join(directory, 'blobs', 'sha256', digestHex(digest)), bytes);
    }
    const summary = await newRun().copy(repositoryAt(source), layoutRepository(directory), image.digest);
    expect(summary).toMatchObject({ manifests: 0, blobsSent: 0 });
  });

  it('loses what writers left behind that died long ago, and nothing of one that may live', async () => {
    const { directory, image, copyThere } = await intoLayout();
    await copyThere();
    const parts = ['old', 'new'].map((name) => join(directory, `.tagflow-${name === 'old' ? 'a' : 'b'}.part`));
    for (const part of parts) writeFileSync(part, 'half a layer');
    const long = new Date(Date.now() - 2 * 60 * 60 * 1000);
    utimesSync(parts[0]!, long, long);
    rmSync(join(directory, 'blobs', 'sha256', digestHex(image.blobs[1]!.digest)));
    await copyThere();
    expect(parts.map((part) => existsSync(part))).toEqual([false, true]);
  });
});

it('a cosign tag that is put meanwhile is not moved', async () => {
  const { source, target, image, routes } = await two();
  const tag = `sha256-${digestHex(image.digest)}.sig`;
  const signature = source.publish('acme/app', sampleSingle('dev'), tag);
  target.intercept(`PUT /v2/prd/app/manifests/${signature}`, (_request, next) => {
    const answer = next();
    target.publish('prd/app', sampleSingle('prd'), tag);
    return answer;
  });
  const run = newRun();
  await run.copy(...routes);
  expect(target.tagsOf('prd/app').get(tag)).toBe(sampleSingle('prd').digest);
  expect(run.notices.filter(({ level }) => level === 'warning')).toHaveLength(1);
});

it('after a failure no further blob is begun', async () => {
  const source = await startServer();
  const target = await startServer();
  const layers = Array.from({ length: 20 }, (_, number) => contentOf('application/octet-stream', `layer ${number}`));
  const image = imageOf(layers.map(descriptor));
  source.publish('acme/app', { ...image, blobs: [...image.blobs, ...layers] });
  target.intercept(/^POST /, () => errorAnswer(403, 'DENIED'));
  await failureOf(newRun().copy(repositoryAt(source), repositoryAt(target), image.digest));
  // Four at a time had begun.
  expect(writes(target).length).toBeLessThanOrEqual(4);
});

function descriptor({ mediaType, digest, bytes }: Pick<SampleManifest, 'mediaType' | 'digest' | 'bytes'>) {
  return { mediaType, digest, size: bytes.length };
}

/** Writes the list of referrers that a registry without the API keeps. */
function list(server: HttpRegistry, path: string, subject: Digest, referrers: readonly SampleManifest[]): void {
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: referrers.map(descriptor) };
  server.publish(path, contentOf(OCI_INDEX, index), referrersTag(subject));
}
