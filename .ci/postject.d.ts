// postject brings no types; this is what .ci/binary.ts calls.
declare module 'postject' {
  /** Writes a resource into an executable file, in place. */
  export function inject(
    file: string,
    resource: string,
    data: Uint8Array,
    options?: { readonly sentinelFuse?: string },
  ): Promise<void>;
}
