// Refusals that several forms share: fields that somebody else fills in.
import type { TagflowError } from '../model/errors.ts';
import type { Source } from './source.ts';
import { unsafe } from './splice.ts';
import { type Path, describePath, isEmpty, startOf, textOf } from './tree.ts';

/** A field whose text a template engine or a variable substitution completes. */
export function refusePlaceholder(source: Source, offset: number, path: Path, text: string): TagflowError {
  return unsafe(source, offset, {
    what: `${describePath(path)} is ${JSON.stringify(text)}, which another tool fills in`,
    why: 'a pin would replace the placeholder, and the tool would lose its field',
    fix: 'pin the value that the tool inserts: name its file and path under pins: in tagflow.yaml',
  });
}

/** A field that Flux image automation writes as well. */
export function refuseFlux(source: Source, offset: number, path: Path): TagflowError {
  return unsafe(source, offset, {
    what: `${describePath(path)} is written by Flux image automation as well`,
    why: 'its line carries an $imagepolicy setter, so the two would overwrite each other',
    fix: 'remove the $imagepolicy comment, or take this image out of tagflow.yaml',
  });
}

/** A configured field that holds something which no pin may replace. */
export function refuseContent(source: Source, offset: number, path: Path, what: string): TagflowError {
  return unsafe(source, offset, {
    what: `${describePath(path)} holds ${what}`,
    why: 'a pin replaces an empty value, a tag, a digest or a reference to the image; anything else would be lost',
    fix: "correct file and path under pins: in tagflow.yaml; where the field holds another name of the image, list that under the image's names:",
  });
}

/** A repository without its registry, in an environment that runs the image from a registry of its own. */
export function refuseRegistry(source: Source, offset: number, path: Path, wanted: string): TagflowError {
  return unsafe(source, offset, {
    what: `${describePath(path)} has no registry, and the image has several: ${wanted} is meant here`,
    why: 'the registry is set elsewhere, and a pin would name the image in whichever that is',
    fix: `write ${wanted} there, or add a registry field beside it`,
  });
}

/** Refuses to edit a file that sops sealed: its MAC covers plain values too, and a file whose MAC differs is not decrypted. */
export function refuseSealed(source: Source): void {
  for (const tree of source.trees) {
    const mac = tree.get(tree.root, ['sops', 'mac']) ?? tree.get(tree.root, ['sops_mac']);
    const isPartial = textOf(tree.get(tree.root, ['sops', 'mac_only_encrypted'])) === 'true';
    if (mac === undefined || isEmpty(mac) || isPartial) continue;
    throw unsafe(source, startOf(mac) ?? 0, {
      what: 'is encrypted by sops, and names an image of tagflow.yaml',
      why: 'the MAC of sops covers every value, so the file could not be decrypted any more after an edit',
      fix: 'keep the image in a file that is not encrypted, or set mac_only_encrypted: true in .sops.yaml and encrypt the file again',
    });
  }
}
