// The door of manifests/: find the fields of deployment files that name an image, and splice new pins in.
// Pure: bytes in, bytes out. A pin edit changes the bytes of the pin and no other; what cannot be done so is refused.
export { deployMark } from './deploy-mark.ts';
export { type Stray, findStrays } from './strays.ts';
export { canonicalName } from './image-name.ts';
export type {
  ImageNames,
  ManifestFile,
  Pin,
  PinOptions,
  PinResult,
  PinnedField,
  ReadOptions,
  ReadPin,
  ReleaseValues,
} from './values.ts';
export { type SettingChange, holdsSecret, settingChanges } from './changes.ts';
export { LARGEST_TOGETHER } from './caps.ts';
export { ParsedFiles } from './parsed-files.ts';
export { pinImages } from './pin-images.ts';
export { findImages, readPins } from './read-pins.ts';
export { KUSTOMIZATION_NAMES } from './kustomize.ts';
export { outsideReferences, isComponentFile } from './kustomize/outside.ts';
export { kustomizationReferences } from './kustomize/references.ts';
export { objectTexts } from './object-texts.ts';
export { helmReleasesIn, isValuesFile, sharedValuesOf } from './shared-values.ts';
