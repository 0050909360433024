// The version of this package, from package.json: built in when bundled.
import manifest from '../../../package.json' with { type: 'json' };

/** The version of this package, `1.2.3`. */
export const VERSION: string = manifest.version;
