// What a pin asks of a place, by its style.
import type { PinStyle } from '../model/pipeline.ts';
import type { Target } from './form.ts';
import type { Pin, PinOptions } from './values.ts';

/** What a pin asks of a place. */
export function targetOf(pin: Pin, style: PinStyle): Target {
  const name = pin.repository.kind === 'remote' ? pin.repository.name : undefined;
  const { version, digest, targetTag } = pin;
  switch (style) {
    case 'version+digest':
      return { name, tag: version, digest };
    case 'digest':
      return { name, tag: undefined, digest };
    case 'version':
      return { name, tag: version, digest: undefined };
    case 'target':
      return { name, tag: targetTag, digest: undefined };
    case 'target+digest':
      return { name, tag: targetTag, digest };
  }
}

/** Whether tagflow.yaml names a field beside an image that changes with its digest. */
export function isTold({ image }: Pin, { configured }: Pick<PinOptions, 'configured'>): boolean {
  return configured.some((pin) => pin.image === image && pin.also?.some(({ value }) => value.includes('{digest}')));
}
