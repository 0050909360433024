// Spans of time during which an image ran: releases that follow one another with the same image, joined.

/** A span: the image as its first release has it, and the releases between which it ran, both included. */
export interface ReleaseSpan<R, I> {
  readonly image: I;
  readonly first: R;
  readonly last: R;
}

/** Joins releases, newest first, into spans of the images that are asked for, those newest first as well. */
export function joinSpans<R, I extends { readonly name: string; readonly digest: string }>(
  releases: readonly R[],
  imagesIn: (release: R) => readonly I[],
): readonly ReleaseSpan<R, I>[] {
  const spans: ReleaseSpan<R, I>[] = [];
  let open = new Map<string, number>();
  for (const release of releases) {
    const now = new Map<string, number>();
    for (const image of imagesIn(release)) {
      const key = `${image.name} ${image.digest}`;
      const at = open.get(key) ?? spans.length;
      spans[at] = { image, first: release, last: spans[at]?.last ?? release };
      now.set(key, at);
    }
    open = now;
  }
  return spans;
}
