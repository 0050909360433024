// What keys say: `webImageTag`, `web_image_tag` and `WEB_IMAGE_TAG` are the same words.

/** Which part of an image's name a field holds. */
export type NamePart = 'registry' | 'repository' | 'image' | 'tag' | 'digest';

/** A key that holds a part of an image's name, for the component that its first words name. */
export interface NamePartKey {
  readonly part: NamePart;
  /** The words before: `web` in `web_image_tag`; empty where the key names no component. */
  readonly component: string;
  /** Whether the key itself says that the value is an image. */
  readonly image: boolean;
}

const PARTS: ReadonlyMap<string, NamePart> = new Map<string, NamePart>([
  ['registry', 'registry'],
  ['repository', 'repository'],
  ['repo', 'repository'],
  ['image', 'image'],
  ['tag', 'tag'],
  ['digest', 'digest'],
]);

/** Words that mean "image", without saying which one. */
const IMAGE_WORDS = new Set(['image', 'images', 'docker', 'container', 'containers', 'oci', 'img']);

/** Words that name a place in a chart's structure: the component is what stands around it. */
const STRUCTURE = wordSet(`
  deployment statefulset daemonset cronjob job workload pod pods controller controllers main spec template values app
  application default defaults service tags versions`);

/** Words of a key that holds an image which is not the one that runs, or text about one. */
const OTHER_IMAGES = wordSet(`
  previous prev old last former rollback example sample comment description note notes doc docs url uri link icon logo
  favicon file path policy secret secrets`);

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/));
}

/** The words of a key, in lower case. */
function wordsOf(key: string): readonly string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** The part of an image's name that a key holds; undefined for other keys. */
export function partOf(key: string): NamePartKey | undefined {
  const words = wordsOf(key);
  const part = partBy(words);
  if (!part || isOtherImage(key)) return undefined;
  const before = words.slice(0, -part.length);
  const component = before.filter((word) => !IMAGE_WORDS.has(word)).join('-');
  return { part: part.part, component, image: words.some((word) => IMAGE_WORDS.has(word)) };
}

function partBy(words: readonly string[]): { readonly part: NamePart; readonly length: number } | undefined {
  const last = words.at(-1) ?? '';
  const known = PARTS.get(last);
  if (known) return { part: known, length: 1 };
  if (words.at(-2) !== 'image') return undefined;
  if (last === 'name') return { part: 'repository', length: 2 };
  return last === 'version' ? { part: 'tag', length: 2 } : undefined;
}

/** Whether a key says that what is in it is an image, or parts of one. */
export function isImageKey(key: string): boolean {
  return wordsOf(key).some((word) => IMAGE_WORDS.has(word));
}

/** Whether a key holds an image of another kind than a container's: a package of Crossplane, a bundle of Tekton. */
export function isArtifactKey(key: string): boolean {
  return key === 'package' || key === 'bundle';
}

/** Whether a key holds an image that is not run from here. */
export function isOtherImage(key: string): boolean {
  return wordsOf(key).some((word) => OTHER_IMAGES.has(word));
}

/** Whether a key names no component: words for images and for a chart's structure. */
export function isStructure(key: string): boolean {
  return wordsOf(key).every((word) => IMAGE_WORDS.has(word) || STRUCTURE.has(word) || word === 'tag');
}

/** Whether a mapping under this key holds text about objects, never what runs. */
export function isAboutObjects(key: string): boolean {
  return /(?:annotations|labels|selector|matchlabels)$/i.test(key);
}
