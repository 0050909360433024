// A process of its own that copies one image, to be measured or killed: copy-child.ts FROM TO DIGEST [half]
// Prints each notice of progress, and at the end the summary and by how much its memory grew at most. With `half` it says
// so and stands still for ever once half of the bytes are on their way.
import { writeSync } from 'node:fs';
import { parseDigest } from '../../src/model/digest.ts';
import { parseRepository, type Repository } from '../../src/model/reference.ts';
import { createCopier } from '../../src/registry/copy/copy.ts';
import { createLayoutRegistry } from '../../src/registry/layout/layout.ts';
import { createOciRegistry } from '../../src/registry/oci/oci.ts';
import type { ContentStore } from '../../src/registry/registry.ts';
import { machineClock as clock } from './layouts.ts';

const [, , from = '', to = '', digest = '', mode] = process.argv;
const oci = createOciRegistry({ clock, random: Math.random, env: {} });
const layout = createLayoutRegistry({ baseDirectory: '/', clock });
const contentOf = (repository: Repository): ContentStore => (repository.kind === 'layout' ? layout : oci);

const copy = createCopier({
  contentOf,
  signal: new AbortController().signal,
  notify({ text }) {
    const [, sent = 0, all = 0] = (/: (\d+) of (\d+) /.exec(text) ?? []).map(Number);
    if (mode !== 'half' || sent * 2 < all) return;
    writeSync(1, 'half\n');
    // Nothing of this process moves from here on.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});

const request = { from: parseRepository(from), to: parseRepository(to), digest: parseDigest(digest), label: 'app' };
// Loads what is loaded on first use, so that growth is the copy's alone.
await contentOf(request.from).resolve(request.from, request.digest);
await contentOf(request.to).resolve(request.to, request.digest);
const before = process.memoryUsage.rss();
const summary = await copy(request);
// Kilobytes: getrusage(2).
const grown = process.resourceUsage().maxRSS * 1024 - before;
console.log(JSON.stringify({ summary, grownMiB: Math.ceil(grown / 1024 / 1024) }));
oci.close();
