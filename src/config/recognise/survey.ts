// What a look through a repository brings: its files, the images that they name, and what builds on what.

/** A field that names an image, or a tag alone. */
export interface SeenImage {
  readonly path: string;
  /** Where in the document: `image.tag`. */
  readonly field: string;
  /** The name of the form: `kustomize`, `values`. */
  readonly form: string;
  /** The repository or plain name as written; undefined where the field holds a tag alone. */
  readonly name: string | undefined;
  readonly tag: string | undefined;
  /** The name that replaces the image's name: `newName` of a kustomize entry. */
  readonly replaces?: string | undefined;
}

/** What was found in a repository. Nothing in it is validated: it is other people's text. */
export interface Survey {
  /** The remote's default branch, when known. */
  readonly trunk?: string | undefined;
  /** The remote's branches, when known. */
  readonly branches: readonly string[];
  /** Every file, relative to the repository's root. */
  readonly paths: readonly string[];
  readonly images: readonly SeenImage[];
  /** The files that a file builds on: bases, shared values. */
  readonly builds: ReadonlyMap<string, readonly string[]>;
  /** The names of the Helm releases in a file that holds nothing else: an environment's may patch that of a base. */
  readonly releases?: ReadonlyMap<string, readonly string[]>;
}

/** How much there is to a finding. */
export type Certainty = 'sure' | 'likely' | 'a guess';

/** An image of an application, in the environments whose files name it. */
export interface FoundAppImage {
  /** As manifests write it. */
  readonly name: string;
  readonly tags: readonly string[];
  readonly environments: readonly string[];
}

/** A folder or file of one environment, under a template that others share: `apps/web/overlays/{environment}`. */
export interface Place {
  readonly template: string;
  readonly kind: 'folder' | 'file';
  readonly path: string;
}

/** What is released together: the places of its environments, and the images that these name. */
export interface FoundApplication {
  /** The parts of its path that tell it from the others, with `/` between them; empty where there is one application. */
  readonly name: string;
  /** Its folders and files by environment. */
  readonly places: ReadonlyMap<string, readonly Place[]>;
  readonly images: readonly FoundAppImage[];
  /** Fields whose image the environment's own files do not show, or that these files lack. */
  readonly pins: readonly FoundPin[];
}

/** A field that has to be named in tagflow.yaml. */
export interface FoundPin {
  /** The image, as manifests write it; undefined where nothing says which. */
  readonly image: string | undefined;
  /** The file, with `{environment}`. */
  readonly template: string;
  readonly field: string;
  readonly tags: readonly string[];
}

/** What a repository is laid out as. */
export interface FoundLayout {
  readonly layout: 'branches' | 'folders';
  readonly certainty: Certainty;
  /** Why, in a few words for people. */
  readonly why: string;
  /** The environments, in flow order, with those they take from. */
  readonly environments: readonly FoundEnvironment[];
  /** One without a name where the repository has one application. */
  readonly applications: readonly FoundApplication[];
  /** Places that look like applications and name no image. */
  readonly without: readonly string[];
}

/** An environment that was found. */
export interface FoundEnvironment {
  readonly name: string;
  readonly from: string | undefined;
  /** Whether its name shows its place in the flow. */
  readonly certainty: Certainty;
  /** Its branch, where it has one. */
  readonly branch?: string;
}
