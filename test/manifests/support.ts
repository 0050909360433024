// Short ways to say what the manifests tests need: files, pins, and the text that pinning leaves.
import type { Digest } from '../../src/model/digest.ts';
import { digestOf } from '../../src/model/digest.ts';
import { parseRepository, parseTag } from '../../src/model/reference.ts';
import { pinImages } from '../../src/manifests/manifests.ts';
import type { ManifestFile, Pin, PinOptions, PinResult } from '../../src/manifests/manifests.ts';

export const REPOSITORY = 'registry.example.com/acme/django';
export const D: Digest = digestOf('django V4.2');
export const OLD: Digest = digestOf('django V4.0');

export const folder = 'environments/dev';
export const KUSTOMIZATION = `${folder}/kustomization.yaml`;
export const WORKLOAD = `${folder}/deployment.yaml`;

export const options: PinOptions = { style: 'version+digest', folder, configured: [], maxBytes: 256 * 1024 };

/** A pin of django at V4.2, changed where a test says so. */
export function pinOf(
  change: { image?: string; names?: readonly string[]; repository?: string; version?: string; digest?: Digest } = {},
): Pin {
  const image = change.image ?? 'django';
  const repository = change.repository ?? REPOSITORY;
  return {
    image,
    names: change.names ?? [image, repository],
    repository: parseRepository(repository),
    version: parseTag(change.version ?? 'V4.2'),
    digest: change.digest ?? D,
  };
}

/** A file of text, or of bytes. */
export function file(path: string, content: string | Uint8Array): ManifestFile {
  return { path, content: typeof content === 'string' ? new TextEncoder().encode(content) : content };
}

/** The text of a file after pinning; the text it had when there is no edit. */
export function pinned(path: string, text: string, pin: Pin = pinOf(), change: Partial<PinOptions> = {}): string {
  return textAfter(pinImages([file(path, text)], [pin], { ...options, ...change }), path) ?? text;
}

/** The text that a result writes to a path, or undefined. */
export function textAfter(result: PinResult, path: string): string | undefined {
  const edit = result.edits.find((candidate) => candidate.path === path);
  return edit && new TextDecoder('utf-8', { ignoreBOM: true }).decode(edit.content);
}

/** A Deployment whose one container has the given `image:` line, from the value on. */
export function deployment(image: string): string {
  return `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image:${image}\n`;
}
