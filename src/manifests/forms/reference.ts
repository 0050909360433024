// Text that is an image's whole reference, wherever it stands.

const NAME = String.raw`(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?/)?[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*`;
const TAG = String.raw`[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`;
const DIGEST = String.raw`sha(?:256|512):[0-9a-f]{32,128}`;
const REFERENCE = new RegExp(`^${NAME}(?::${TAG})?(?:@${DIGEST})?$`);
const PINNED = new RegExp(`^${NAME}(?::${TAG}(?:@${DIGEST})?|@${DIGEST})$`);
const TAG_TEXT = new RegExp(`^(?:${TAG})?(?:@?${DIGEST})?$`);

/** Whether text is a name, perhaps with tag and digest. */
export function isReference(text: string): boolean {
  return REFERENCE.test(text);
}

/** Whether text is a name with a tag or a digest. */
export function isPinnedReference(text: string): boolean {
  return PINNED.test(text);
}

/** Whether text is a reference whatever key it stands under: a path with a tag or a digest. */
export function isUnmistakable(text: string): boolean {
  return text.includes('/') && PINNED.test(text);
}

/** Whether text may stand in the field of a tag: a tag, a digest, or a tag with its digest. */
export function isTagText(text: string): boolean {
  return TAG_TEXT.test(text);
}
