// Registries that are broken or mean, and a disk that is full: a copy ends with a clear error, within bounds of time and
// memory, and the target shows nothing of it. What single answers of that kind do to a retag is in oci/oci.test.ts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Digest, digestHex, digestOf } from '../../src/model/digest.ts';
import type { Repository } from '../../src/model/reference.ts';
import type { OciOptions } from '../../src/registry/oci/oci.ts';
import { createCopier } from '../../src/registry/copy/copy.ts';
import type { CopySummary } from '../../src/registry/registry.ts';
import { newRun, startServer } from '../support/copying.ts';
import { failureOf } from '../support/failure.ts';
import { type HttpRegistry, json, startHttpRegistry } from '../support/http-registry.ts';
import { layoutRepository } from '../support/layouts.ts';
import { repositoryAt } from '../support/oci.ts';
import {
  contentOf,
  OCI_INDEX,
  OCI_MANIFEST,
  type SampleManifest,
  sampleIndex,
  sampleSingle,
} from '../support/sample-manifests.ts';
import { mountTinyDisk } from '../support/tiny-disk.ts';

async function copy(
  from: Repository,
  to: Repository,
  digest: Digest,
  options?: Partial<OciOptions>,
): Promise<CopySummary> {
  return newRun(options).copy(from, to, digest);
}

/** Two registries, an image in the first. */
async function two(image: SampleManifest = sampleIndex()) {
  const source = await startServer();
  const target = await startServer();
  source.publish('acme/app', image, 'V1.0');
  const run = (options?: Partial<OciOptions>) =>
    copy(repositoryAt(source), repositoryAt(target, 'prd/app'), image.digest, options);
  const untouched = (): void => {
    expect(target.manifestsOf('prd/app').size).toBe(0);
    expect(target.tagsOf('prd/app').size).toBe(0);
    expect(target.openUploads).toBe(0);
  };
  return { source, target, image, run, untouched };
}

/** A server that answers each request for a blob in its own way, and passes the others on to a registry. */
async function inFrontOf(
  registry: HttpRegistry,
  blob: (response: http.ServerResponse) => void,
): Promise<{ readonly host: string }> {
  const onward = http.createServer((request, response) => {
    if (/\/blobs\/sha256:/.test(request.url ?? '') && request.method === 'GET') {
      blob(response);
      return;
    }
    const target = `${registry.origin}${request.url}`;
    http.get(target, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
  });
  await new Promise<void>((resolve) => {
    onward.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    onward.closeAllConnections();
    onward.close();
  });
  return { host: `127.0.0.1:${(onward.address() as AddressInfo).port}` };
}

describe('a blob', () => {
  it('that drips, a byte now and then, is given up, though it never falls silent', async () => {
    const { source, target, image, untouched } = await two();
    let drops = 0;
    const slow = await inFrontOf(source, (response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      const timer = setInterval(() => {
        drops += 1;
        response.write('x');
      }, 5);
      response.on('close', () => clearInterval(timer));
    });
    // Only the source is given up soon: what was begun in the target takes the time it takes.
    const [hasty, patient] = [newRun({ requestTimeoutMs: 100 }), newRun()];
    const from = repositoryAt(slow);
    const copier = createCopier({
      contentOf: (place) => (place === from ? hasty : patient).contentOf(place),
      notify: () => undefined,
      signal: new AbortController().signal,
    });
    const to = repositoryAt(target, 'prd/app');
    const error = await failureOf(copier({ from, to, digest: image.digest, label: 'app V1.0' }));
    expect(error).toMatchObject({ code: 'registry-unavailable' });
    expect(drops).toBeGreaterThan(1);
    untouched();
  });

  it.each([
    ['is cut off', { 'content-length': '1000' }, 'half of it', 'registry-unavailable'],
    ['ends before its length without saying so', {}, 'half of it', 'digest-mismatch'],
    ['has other bytes', {}, 'x'.repeat(10_000), 'digest-mismatch'],
    ['never ends', { 'transfer-encoding': 'chunked' }, 'endless', 'digest-mismatch'],
  ])('that %s is not stored, and no manifest after it', async (_what, headers, body, code) => {
    const { source, target, image, untouched } = await two();
    let sent = 0;
    const bad = await inFrontOf(source, (response) => {
      response.writeHead(200, headers);
      if (body !== 'endless') {
        response.write(body);
        if ('content-length' in headers) response.destroy();
        else response.end();
        return;
      }
      const more = (): void => {
        while (!response.destroyed) {
          sent += 64 * 1024;
          if (!response.write(Buffer.alloc(64 * 1024))) break;
        }
      };
      response.on('drain', more);
      more();
    });
    const error = await failureOf(copy(repositoryAt(bad), repositoryAt(target, 'prd/app'), image.digest));
    expect(error.code).toBe(code);
    // As much as the connection holds, and no more: its end is not waited for.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    untouched();
    for (const { digest } of image.blobs) expect(target.blobsOf('prd/app').has(digest)).toBe(false);
  });
});

describe('a manifest', () => {
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf('x'), size: 1 };
  const single = (fields: object) =>
    contentOf(OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [], ...fields });
  const index = (fields: object) => contentOf(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, ...fields });

  it.each([
    ['layers that are no list', single({ layers: 'all' })],
    ['a layer that is nothing', single({ layers: [null] })],
    ['a layer with a path for a digest', single({ layers: [{ ...descriptor, digest: '../../etc/passwd' }] })],
    ['a layer of less than nothing', single({ layers: [{ ...descriptor, size: -1 }] })],
    ['a layer with a size beyond all numbers', single({ layers: [{ ...descriptor, size: 1e300 }] })],
    ['children that are no list', index({ manifests: { 0: descriptor } })],
    ['a child without a digest', index({ manifests: [{ mediaType: OCI_MANIFEST, size: 1 }] })],
    ['itself for a child, as it says', index({ manifests: [{ ...descriptor, digest: 'sha256:self' }] })],
  ])('with %s cannot be followed', async (_what, content) => {
    const { target, run, untouched } = await two({ ...content, blobs: [], manifests: [] });
    expect(await failureOf(run())).toMatchObject({ code: 'registry-answer-invalid' });
    expect(target.lines.filter((line) => !/^(?:GET|HEAD) /.test(line))).toEqual([]);
    untouched();
  });

  it('nested deeper than any parser likes is refused, and nothing falls over', async () => {
    const depth = 100_000;
    const text = `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const bytes = Buffer.from(text);
    const content = { mediaType: OCI_INDEX, digest: digestOf(bytes), bytes };
    const source = await startServer();
    const target = await startServer();
    // The registry would parse it as well.
    source.intercept(/\/manifests\//, () => ({ status: 200, headers: { 'content-type': OCI_INDEX }, body: bytes }));
    const error = await failureOf(copy(repositoryAt(source), repositoryAt(target), content.digest));
    expect(error.code).toBe('registry-answer-invalid');
    expect(target.manifestsOf('acme/app').size).toBe(0);
  });

  it('of a child that is not what the index says is found out before anything is sent', async () => {
    const { source, target, image, run, untouched } = await two();
    const child = image.manifests[1]!;
    source.intercept(`GET /v2/acme/app/manifests/${child.digest}`, () => ({
      status: 200,
      headers: { 'content-type': child.mediaType, 'docker-content-digest': child.digest },
      body: sampleSingle('another').bytes,
    }));
    expect(await failureOf(run())).toMatchObject({ code: 'digest-mismatch' });
    expect(target.lines.filter((line) => !/^(?:GET|HEAD) /.test(line))).toEqual([]);
    untouched();
  });
});

describe('a list of referrers', () => {
  it('that never ends is read for a hundred pages', async () => {
    const { source, image, run } = await two(sampleSingle());
    let pages = 0;
    source.intercept(/^GET .*\/referrers\//, () => {
      pages += 1;
      const link = `</v2/acme/app/referrers/${image.digest}?page=${pages}>; rel="next"`;
      return json(200, { schemaVersion: 2, manifests: [] }, { link, 'content-type': OCI_INDEX });
    });
    expect(await run()).toMatchObject({ manifests: 1 });
    expect(pages).toBe(100);
  });

  it.each([
    ['rubbish', '<html>'],
    ['numbers', '{"manifests":[1,2,3]}'],
    ['digests that are not', '{"manifests":[{"digest":"../x","mediaType":"a","size":1}]}'],
  ])('that holds %s lists nothing', async (_what, body) => {
    const { source, run } = await two();
    source.intercept(/^GET .*\/referrers\//, () => ({ status: 200, headers: { 'content-type': OCI_INDEX }, body }));
    expect(await run()).toMatchObject({ manifests: 3 });
  });
});

describe('a target', () => {
  it('that says it has every blob, and has none, refuses the manifest itself', async () => {
    const source = await startServer();
    const target = await startHttpRegistry();
    // Its own protest is what this test wants.
    onTestFinished(async () => target.stop().catch(() => undefined));
    const image = sampleIndex();
    source.publish('acme/app', image);
    target.intercept(/^HEAD .*\/blobs\//, () => ({ status: 200 }));
    const error = await failureOf(copy(repositoryAt(source), repositoryAt(target, 'prd/app'), image.digest));
    expect(error.message).toContain('prd/app');
    expect(target.manifestsOf('prd/app').size).toBe(0);
  });
});

describe('a disk', () => {
  const disk = mountTinyDisk(256);
  afterAll(() => disk?.unmount());

  it.skipIf(disk === undefined)(
    `that is full ends a copy into a layout, which is as it was${disk ? '' : ' (skipped: only root can mount a small one)'}`,
    async () => {
      const source = await startServer();
      const directory = join(disk!.folder, 'app');
      const first = sampleIndex();
      const layer = contentOf('application/octet-stream', 'x'.repeat(1024 * 1024));
      const config = contentOf('application/vnd.oci.image.config.v1+json', '{}');
      const describe = ({ mediaType, digest, bytes }: typeof layer) => ({ mediaType, digest, size: bytes.length });
      const large = {
        ...contentOf(OCI_MANIFEST, {
          schemaVersion: 2,
          mediaType: OCI_MANIFEST,
          config: describe(config),
          layers: [describe(layer)],
        }),
        blobs: [config, layer],
        manifests: [],
      };
      source.publish('acme/app', first);
      source.publish('acme/app', large);
      await copy(repositoryAt(source), layoutRepository(directory), first.digest);
      const before = readFileSync(join(directory, 'index.json'), 'utf8');
      const error = await failureOf(copy(repositoryAt(source), layoutRepository(directory), large.digest));
      expect(error).toMatchObject({ code: 'storage-failed', why: expect.stringMatching(/ENOSPC/) as unknown });
      expect(readFileSync(join(directory, 'index.json'), 'utf8')).toBe(before);
      expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
      expect(readdirSync(join(directory, 'blobs', 'sha256')).filter((name) => name.length !== 64)).toEqual([]);
      expect(existsSync(join(directory, 'blobs', 'sha256', digestHex(layer.digest)))).toBe(false);
      expect(existsSync(join(directory, 'blobs', 'sha256', digestHex(large.digest)))).toBe(false);
    },
  );
});
