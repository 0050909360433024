// The PastStore port: bytes under names, kept between runs. It may lose what it was given, and give back what somebody else put
// there: what reads it believes nothing that is not sealed.

/** Keeps bytes under names. Neither method throws: a store that cannot keep anything keeps nothing. */
export interface PastStore {
  /** The bytes of a name, as far as anybody knows; undefined where there are none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Puts bytes in the place of those of a name, all at once: a reader sees the old ones or the new ones. */
  write(name: string, content: Uint8Array): Promise<void>;
}
