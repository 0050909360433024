// Over manifests in any dress: only the pins' bytes change, a second run changes nothing, and what is read is what was pinned.
import * as fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { isPlainSafe, scalarText } from '../../src/manifests/scalar-text.ts';
import { pinImages, readPins } from '../../src/manifests/manifests.ts';
import type { Pin, PinOptions } from '../../src/manifests/manifests.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { digestOf } from '../../src/model/digest.ts';
import { parseRepository, parseTag } from '../../src/model/reference.ts';
import { file, folder, options as defaults } from '../manifests/support.ts';

const RUNS = { numRuns: 150 };
const NAMES = ['django', 'acme/django', 'registry.example.com/acme/django'];

const tag = fc
  .oneof(
    fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,12}$/),
    fc.constantFrom('1.10', '1e3', '0755', 'yes', 'null', '12e4567', 'V4.2', '2024-01-02', '1_000', '.inf', 'Y'),
  )
  .filter((text) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(text));
const digest = fc.string({ maxLength: 4 }).map((text) => digestOf(text));
const space = fc.constantFrom('', ' ', '   ');
const comment = fc.constantFrom('', ' # note', '   # {a: b}, "c"', '\t# é ☃');
const style = fc.constantFrom<PinOptions['style']>('version+digest', 'digest');

const pin: fc.Arbitrary<Pin> = fc
  .record({
    version: tag,
    digest,
    repository: fc.constantFrom('oci:./registry/django', 'registry.example.com/acme/django', 'docker.io/acme/django'),
  })
  .map(({ version, digest, repository }) => ({
    image: 'django',
    names: [...NAMES, 'docker.io/acme/django'],
    repository: parseRepository(repository),
    version: parseTag(version),
    digest,
  }));

/** Text as a scalar in one of its dresses; all of them mean the same. */
function dressed(text: string): fc.Arbitrary<string> {
  const plain = isPlainSafe(text) ? [text] : [];
  return fc.constantFrom(...plain, `'${text}'`, `"${text}"`);
}

const image = fc
  .record({ name: fc.constantFrom(...NAMES), tag: fc.option(tag), digest: fc.option(digest) })
  .map(({ name, tag, digest }) => `${name}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`);
const other = fc.constantFrom(
  'redis:7',
  'acme/django-extra:1',
  'registry.example.com/acme/django/web',
  'ghcr.io/acme/django:1',
);

/** Lines of a workload; `hole` stands where a pin belongs, `texts` has what each hole held. */
interface Drawn {
  readonly parts: readonly string[];
  readonly holes: readonly string[];
}

const workload: fc.Arbitrary<Drawn> = fc
  .record({
    containers: fc.array(
      fc.record({ ours: fc.boolean(), image: image.chain(dressed), other, comment, gap: space, flow: fc.boolean() }),
      { minLength: 1, maxLength: 4 },
    ),
    indent: fc.constantFrom('', '  ', '    '),
    head: fc.constantFrom('', '# head\n', '---\n', '# a: [\n---\n'),
    kind: fc.constantFrom('Deployment', 'Job'),
  })
  .filter(({ containers }) => containers.some(({ ours }) => ours))
  .map(({ containers, indent, head, kind }) => {
    const parts: string[] = [];
    const holes: string[] = [];
    let text = `${head}kind: ${kind}\nspec:\n  template:\n    spec:\n      containers:\n`;
    for (const [index, container] of containers.entries()) {
      const open = container.flow
        ? `{name: c${index}, image: `
        : `name: c${index}${container.comment}\n      ${indent}  image: ${container.gap}`;
      const value = container.ours ? container.image : container.other;
      const close = container.flow ? `, tty: true}${container.comment}\n` : `${container.comment}\n`;
      text += `      ${indent}- ${open}`;
      if (container.ours) {
        parts.push(text);
        holes.push(value);
        text = close;
      } else text += value + close;
    }
    return { parts: [...parts, `${text}# end\n`], holes };
  });

const entryText = fc.record({
  name: fc.constantFrom(...NAMES, 'redis', 'acme/django-extra').chain(dressed),
  newName: fc.option(fc.constantFrom('registry.example.com/acme/django', 'docker.io/acme/django')),
  newTag: fc.option(fc.oneof(tag.chain(dressed), fc.constantFrom('', '~', '1.10', '|-\n            V1'))),
  digest: fc.option(digest.chain(dressed)),
  order: fc.shuffledSubarray(['newName', 'newTag', 'digest'] as const, { minLength: 3, maxLength: 3 }),
  comment,
  flow: fc.boolean(),
});

const kustomization = fc
  .record({
    entries: fc.array(entryText, { maxLength: 4 }),
    indent: fc.constantFrom('', '  ', '   '),
    gap: fc.constantFrom(' ', '   '),
    before: fc.constantFrom('', 'kind: Kustomization\n', '# top\nresources:\n  - a.yaml\n  # - b.yaml\n'),
    after: fc.constantFrom('', '# end\n', 'namePrefix: dev-\n', '\n\npatches: []\n'),
    newline: fc.constantFrom('\n', '\r\n'),
    mark: fc.constantFrom('', '\uFEFF'),
    ended: fc.boolean(),
  })
  .map(({ entries, indent, gap, before, after, newline, mark, ended }) => {
    const lines = entries.map((entry) => {
      const fields = entry.order.flatMap((key) => (entry[key] === null ? [] : [`${key}: ${entry[key]}`]));
      const block = fields.some((field) => field.includes('\n'));
      if (entry.flow && !block)
        return `${indent}-${gap}{${[`name: ${entry.name}`, ...fields].join(', ')}}${entry.comment}\n`;
      return `${indent}-${gap}${[`name: ${entry.name}`, ...fields].map((line) => (line.includes('|') ? line : line + entry.comment)).join(`\n${indent} ${gap}`)}\n`;
    });
    const text = `${before}${lines.length === 0 ? '' : `images:\n${lines.join('')}`}${after}`;
    return mark + (ended ? text : text.trimEnd()).replaceAll('\n', newline);
  });

const KUSTOMIZATION = `${folder}/kustomization.yaml`;
const WORKLOAD = `${folder}/web.yaml`;

/** Text after pinning, and what a second run would edit. */
function pinTwice(
  path: string,
  text: string,
  pin: Pin,
  style: PinOptions['style'],
): { after: string; again: number; read: ReturnType<typeof readPins> } {
  const options = { ...defaults, style };
  const { edits } = pinImages([file(path, text)], [pin], options);
  const files = [edits[0] ?? file(path, text)];
  return {
    after: new TextDecoder('utf-8', { ignoreBOM: true }).decode(files[0]!.content),
    again: pinImages(files, [pin], options).edits.length,
    read: readPins(files, [pin], options),
  };
}

/** Values of every document but those at the fields of our image entries. */
function rest(text: string): unknown {
  const documents = parseAllDocuments(text, { schema: 'failsafe' });
  if (documents.length === 0) return [{ others: {}, images: [] }];
  return documents.map((document) => {
    const { images, ...others } = (document.toJS() ?? {}) as { images?: { name: string; newName?: string }[] };
    return {
      others,
      images: (images ?? []).filter(
        ({ name, newName }) => ![...NAMES, 'docker.io/acme/django'].some((ours) => ours === name || ours === newName),
      ),
    };
  });
}

/** The lines that hold no field of an entry. */
function otherLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/newName|newTag|digest|name:|images:|^\s*V1\s*$|^\s*$/.test(line));
  return lines.map((line) => line.replace(/\r$/, ''));
}

/** A call's result, or what it threw. */
function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

const VERSION_PIN = `["']?[^\\s"'@]+:[^\\s"'@]+@sha256:[0-9a-f]{64}["']?`;
const DIGEST_PIN = `["']?[^\\s"'@]+@sha256:[0-9a-f]{64}["']?`;

describe('pinning', () => {
  it('a workload changes the bytes of its image fields and no other', () => {
    fc.assert(
      fc.property(workload, pin, style, ({ parts, holes }, pin, style) => {
        const text = parts.map((part, index) => part + (holes[index] ?? '')).join('');
        const { after } = pinTwice(WORKLOAD, text, pin, style);
        const hole = style === 'digest' ? DIGEST_PIN : VERSION_PIN;
        const kept = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
        expect(after).toMatch(new RegExp(`^${kept.join(hole)}$`));
      }),
      RUNS,
    );
  });

  it('a workload twice changes nothing the second time, and reads back as the pin', () => {
    fc.assert(
      fc.property(workload, pin, style, ({ parts, holes }, pin, style) => {
        const text = parts.map((part, index) => part + (holes[index] ?? '')).join('');
        const { again, read } = pinTwice(WORKLOAD, text, pin, style);
        expect(again).toBe(0);
        expect(read).toHaveLength(holes.length);
        for (const field of read)
          expect([field.tag, field.digest]).toEqual([style === 'digest' ? undefined : pin.version, pin.digest]);
      }),
      RUNS,
    );
  });

  it('a kustomization keeps every line but those of the pins', () => {
    fc.assert(
      fc.property(kustomization, pin, style, (text, pin, style) => {
        const { after } = pinTwice(KUSTOMIZATION, text, pin, style);
        expect(rest(after)).toEqual(rest(text));
        expect(otherLines(after)).toEqual(otherLines(text));
        expect(after.endsWith('\n')).toBe(text.endsWith('\n') || /^\uFEFF?$/.test(text));
        expect(after.includes('\r')).toBe(text.includes('\r'));
      }),
      RUNS,
    );
  });

  it('a kustomization twice changes nothing the second time, and reads back as the pin', () => {
    fc.assert(
      fc.property(kustomization, pin, style, (text, pin, style) => {
        const { again, read } = pinTwice(KUSTOMIZATION, text, pin, style);
        expect(again).toBe(0);
        expect(read.length).toBeGreaterThan(0);
        for (const field of read) {
          expect([field.tag, field.digest]).toEqual([style === 'digest' ? undefined : pin.version, pin.digest]);
          const runs = ['', 'docker.io/'].some((host) => host + field.name === pin.repository.name);
          expect(runs || pin.repository.kind === 'layout').toBe(true);
        }
      }),
      RUNS,
    );
  });

  it('any text gives a result or a TagflowError', () => {
    const soup = fc.array(
      fc.constantFrom(
        'images:',
        '\n',
        '- ',
        'name: ',
        'django',
        'newTag',
        ': ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '&a ',
        '*a',
        '<<',
        '"',
        "'",
        '|',
        '>-',
        '# ',
        '\r\n',
        '  ',
        '\t',
        '---\n',
        '...\n',
        '!!str ',
        '? ',
        'digest: ',
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(soup, pin, style, (parts, pin, style) => {
        const text = parts.join('');
        const outcome = attempt(() => pinTwice(KUSTOMIZATION, text, pin, style).again);
        expect(outcome === 0 || isTagflowError(outcome, 'manifest-invalid', 'manifest-unsafe-edit')).toBe(true);
      }),
      { numRuns: 800 },
    );
  });

  it('writes a value that every YAML reader takes for the same string', () => {
    fc.assert(
      fc.property(fc.oneof(tag, fc.string({ unit: 'grapheme-ascii' })), (text) => {
        for (const version of ['1.1', '1.2'] as const) {
          const [document] = parseAllDocuments(`a: ${scalarText(text)}\n`, { version });
          expect(document?.toJS()).toEqual({ a: text });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
