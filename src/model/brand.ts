// Branded strings: text that was parsed once at the boundary and is trusted afterwards.

declare const brand: unique symbol;

/** A string that passed the parser for `Name`; plain strings do not fit where one is wanted. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };
