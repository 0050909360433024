// Packs: how new objects are handed to Git, all in one stream. gitformat-pack(5), version 2, whole objects only.
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import type { HashAlgorithm, NewObject, ObjectType } from './object.ts';

const TYPE_CODE: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3 };

/** The pack of some objects, for `git unpack-objects` or `git index-pack`. */
export function encodePack(objects: readonly NewObject[], algorithm: HashAlgorithm): Buffer {
  const header = Buffer.alloc(12);
  header.write('PACK');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(objects.length, 8);
  const parts: Buffer[] = [header];
  for (const { type, content } of objects) parts.push(entryHeader(type, content.length), deflated(content));
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash(algorithm).update(body).digest()]);
}

/**
 * Some bytes as zlib writes them. What zlib sets up goes by what it may be asked to write, a block of 16 KB and 270 KB beside it:
 * here it goes by the size, as most of thousands of objects have a hundred bytes.
 */
function deflated(content: Uint8Array): Buffer {
  const bits = Math.min(15, Math.max(9, Math.ceil(Math.log2(content.length + 1))));
  return deflateSync(content, {
    chunkSize: Math.max(64, content.length + 16),
    windowBits: bits,
    memLevel: Math.min(8, bits - 6),
  });
}

/** Type and size: four bits of the size beside the type, then seven a byte, lowest first; the top bit says "more". */
function entryHeader(type: ObjectType, size: number): Buffer {
  const bytes: number[] = [];
  let rest = Math.floor(size / 16);
  let byte = (TYPE_CODE[type] << 4) | (size % 16);
  while (rest > 0) {
    bytes.push(byte | 0x80);
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, byte]);
}
