// A Git server over HTTP that answers from objects in memory, in the protocol's second version (gitprotocol-v2(5)): unlike a real
// one it gives whatever a test wants, whether it fits together or not.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateSync } from 'node:zlib';
import type { ObjectId } from '../../src/model/object-id.ts';

/** An object of any type, under an id that need not be its own. */
export interface WordObject {
  readonly type: string;
  readonly content: Uint8Array;
}

/** What the server has: changed at any time. */
export interface WordGit {
  readonly trunk: string;
  readonly branches: ReadonlyMap<string, string>;
  readonly objects: ReadonlyMap<string, WordObject>;
}

const TYPE_CODE: Readonly<Record<string, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };

/** Serves what `state` returns. */
export async function startWordGitServer(
  state: () => WordGit,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const http = createServer((request, response) => {
    if (request.method === 'GET') {
      response.setHeader('Content-Type', 'application/x-git-upload-pack-advertisement');
      const lines = ['version 2\n', 'ls-refs=unborn\n', 'fetch=shallow filter\n', 'object-format=sha1\n'];
      response.end(Buffer.concat([line('# service=git-upload-pack\n'), FLUSH, ...lines.map(line), FLUSH]));
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked = Buffer.concat(chunks).toString('latin1');
      response.setHeader('Content-Type', 'application/x-git-upload-pack-result');
      response.end(asked.includes('command=ls-refs') ? listing(state()) : fetched(state(), asked));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/x.git`,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

const FLUSH = Buffer.from('0000');

function line(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

function listing({ trunk, branches }: WordGit): Buffer {
  const head = branches.get(trunk);
  const lines = [...branches].map(([name, id]) => line(`${id} refs/heads/${name}\n`));
  return Buffer.concat([line(`${head} HEAD symref-target:refs/heads/${trunk}\n`), ...lines, FLUSH]);
}

function fetched({ objects }: WordGit, asked: string): Buffer {
  const wants = [...asked.matchAll(/want ([0-9a-f]{40})/g)].map(([, id]) => id ?? '');
  const missing = wants.find((id) => !objects.has(id));
  if (missing !== undefined) return line(`ERR upload-pack: not our ref ${missing}\n`);
  const pack = packOf(reach(objects, wants));
  // Who says what it has, and not that it is done, is answered that first.
  const isDone = /0009done/.test(asked) || !/have [0-9a-f]{40}/.test(asked);
  const parts: Buffer[] = isDone ? [] : [line('acknowledgments\n'), line('ready\n'), Buffer.from('0001')];
  parts.push(line('packfile\n'));
  for (let at = 0; at < pack.length; at += 60_000) {
    parts.push(line(Buffer.concat([Buffer.from([1]), pack.subarray(at, at + 60_000)])));
  }
  return Buffer.concat([...parts, FLUSH]);
}

/** Everything that objects name, as far as it is there. */
function reach(objects: WordGit['objects'], from: readonly string[]): readonly WordObject[] {
  const found = new Map<string, WordObject>();
  for (const open = [...from]; open.length > 0;) {
    const id = open.pop() ?? '';
    const object = objects.get(id);
    if (!object || found.has(id)) continue;
    found.set(id, object);
    const { type, content } = object;
    const bytes = Buffer.from(content);
    if (type === 'commit' || type === 'tag') {
      for (const [, named] of bytes.toString('latin1').matchAll(/^(?:tree|parent|object) ([0-9a-f]{40})$/gm))
        open.push(named ?? '');
    }
    for (let at = 0; type === 'tree' && at < bytes.length;) {
      const end = bytes.indexOf(0, at);
      if (end < 0) break;
      if (!bytes.toString('latin1', at, end).startsWith('160000')) open.push(bytes.toString('hex', end + 1, end + 21));
      at = end + 21;
    }
  }
  return [...found.values()];
}

function packOf(objects: readonly WordObject[]): Buffer {
  const header = Buffer.alloc(12);
  header.write('PACK');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(objects.length, 8);
  const parts: Buffer[] = [header];
  for (const { type, content } of objects) {
    const size: number[] = [];
    let rest = Math.floor(content.length / 16);
    let byte = ((TYPE_CODE[type] ?? 0) << 4) | (content.length % 16);
    for (; rest > 0; rest = Math.floor(rest / 128)) {
      size.push(byte | 0x80);
      byte = rest % 128;
    }
    parts.push(Buffer.from([...size, byte]), deflateSync(content));
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

/** An object under the id that Git gives it. */
export function wordObject(type: string, content: Uint8Array): readonly [ObjectId, WordObject] {
  const hash = createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
  return [hash as ObjectId, { type, content }];
}
