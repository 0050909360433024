// The pure functions of manifests/, each answer worked out once: simulations pin the same files over and over.
import * as plain from '../../../../src/manifests/manifests.ts';

export * from '../../../../src/manifests/manifests.ts';

/** What is remembered, at most; everything is forgotten then. */
const LIMIT = 5_000;

const pinOnce = remembering(plain.pinImages);

/** What a release is stamped with is different each time, and stands in the fields under `also:` alone. */
export const pinImages: typeof plain.pinImages = (files, pins, { values, ...options }) =>
  options.configured.some(({ also = [] }) => also.length > 0)
    ? plain.pinImages(files, pins, { ...options, ...(values && { values }) })
    : pinOnce(files, pins, options);
export const readPins = remembering(plain.readPins);
export const kustomizationReferences = remembering(plain.kustomizationReferences);

function remembering<A extends readonly unknown[], R>(work: (...args: A) => R): (...args: A) => R {
  const known = new Map<string, R>();
  return (...args) => {
    const key = keyOf(args);
    const found = known.get(key);
    if (found !== undefined) return found;
    const result = work(...args);
    if (known.size >= LIMIT) known.clear();
    known.set(key, result);
    return result;
  };
}

/** Numbers of contents: equal bytes have the same one. */
const numbers = new WeakMap<Uint8Array, number>();
const numbersOfTexts = new Map<string, number>();

function numberOf(content: Uint8Array): number {
  const known = numbers.get(content);
  if (known !== undefined) return known;
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  const number = numbersOfTexts.get(text) ?? numbersOfTexts.size;
  numbersOfTexts.set(text, number);
  numbers.set(content, number);
  return number;
}

/** A text that tells values apart. Throws for kinds of value that it does not know. */
function keyOf(value: unknown): string {
  if (value instanceof Uint8Array) return `#${numberOf(value)}`;
  // What was parsed already changes no answer.
  if (value instanceof plain.ParsedFiles) return 'parsed';
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  if (typeof value === 'object' && value !== null) {
    if (Object.getPrototypeOf(value) !== Object.prototype) throw new TypeError('no plain data');
    let key = '';
    for (const [name, each] of Object.entries(value)) key += `${name}:${keyOf(each)},`;
    return `{${key}}`;
  }
  return JSON.stringify(value) ?? 'undefined';
}
