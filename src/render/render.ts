// The door of render/: what a deployment tool makes of files, asked of the tool itself. Nothing of the files is executed.

/** What is rendered: a kustomization's folder, or a chart with values files. */
export type RenderTarget =
  | { readonly kind: 'kustomize'; readonly folder: string }
  | {
      readonly kind: 'helm';
      readonly folder: string;
      /** The name that the release gets. */
      readonly release: string;
      /** Values files of the repository, the last one wins. */
      readonly values: readonly string[];
    };

/** A file that the tool may read. */
export interface RenderInput {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** What the tool said. */
export type Rendered =
  | { readonly kind: 'rendered'; readonly text: string }
  /** The program is not on PATH. */
  | { readonly kind: 'missing'; readonly program: string }
  | { readonly kind: 'failed'; readonly why: string };

/** Renders files through the tools of this machine. */
export interface Renderer {
  /** Renders one target of exactly these files. Throws `storage-failed`, and the signal's reason. */
  render(target: RenderTarget, files: readonly RenderInput[]): Promise<Rendered>;
}

/** How a person runs the tool. */
export function toolOf({ kind }: RenderTarget): string {
  return kind === 'kustomize' ? 'kubectl kustomize' : 'helm template';
}
