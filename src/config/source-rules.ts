// Rules between release lines and their sources: `verify` and `live` must name existing images and applications.
import { liveTemplatesOf } from '../model/live.ts';
import { imagesNamedIn, templatesOf } from '../model/verification.ts';
import type { ConfigDocument } from './document.ts';
import type { UncheckedLine } from './unchecked.ts';
import { quote } from './problems.ts';

interface Given {
  readonly lines: readonly UncheckedLine[];
  readonly report: ConfigDocument['report'];
}

/** What `live` says of images and applications fits the lines. */
export function liveSources({ lines, report }: Given): void {
  for (const { environment, application, images } of lines) {
    const { name, live } = environment;
    for (const [index, source] of (live ?? []).entries()) {
      const at = ['environments', name, 'live', ...(live?.length === 1 ? [] : [index])];
      const templates = liveTemplatesOf(source);
      const image = source.kind === 'http' ? source.image : undefined;
      const isKnown = lines.some((line) => line.environment.name === name && line.images.has(image ?? ''));
      if (templates.flatMap(imagesNamedIn).length > 0) {
        report(at, 'it has a placeholder for a version or digest', 'leave it out: the source is asked what runs');
      } else if (image !== undefined && !isKnown) {
        report(
          at,
          `it names the image ${quote(image)}, which ${name} does not have`,
          `${name} has: ${[...images.keys()].join(', ')}`,
        );
      } else if (source.kind === 'http' && image === undefined && images.size !== 1) {
        report(at, `its response could be about any of ${images.size} images`, 'name one: image: IMAGE');
      } else if (application === undefined && templates.some((text) => text.includes('{application}'))) {
        report(at, '{application} has no value: there are no applications', 'leave it out');
      }
    }
  }
}

/** Placeholders of `verify` name images that the line has. */
export function placeholders({ lines, report }: Given): void {
  for (const { environment, application, images } of lines) {
    const { name, verify } = environment;
    for (const [index, step] of (verify?.steps ?? []).entries()) {
      const templates = templatesOf(step);
      const at = ['environments', name, 'verify', 'steps', index];
      const named = templates.flatMap(imagesNamedIn);
      const strange = named.find((image) => image !== undefined && !images.has(image));
      const names = [...images.keys()].join(', ');
      if (strange !== undefined) {
        report(at, `it names the image ${quote(strange)}, which ${name} does not have`, `${name} has: ${names}`);
      } else if (images.size !== 1 && named.includes(undefined)) {
        report(at, `{version} could mean any of ${images.size} images`, 'name one: {version:IMAGE}, {digest:IMAGE}');
      } else if (application === undefined && templates.some((text) => text.includes('{application}'))) {
        report(at, '{application} has no value: there are no applications', 'leave it out');
      }
    }
  }
}
