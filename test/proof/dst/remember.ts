// Swaps slow pure functions of the engine for ones that remember, in this thread and before the engine is loaded.
import { registerHooks } from 'node:module';

const SWAPS: Readonly<Record<string, string>> = {
  '/src/config/config.ts': import.meta.resolve('./remembered/config.ts'),
  '/src/manifests/manifests.ts': import.meta.resolve('./remembered/manifests.ts'),
  '/src/model/release-record.ts': import.meta.resolve('./remembered/record.ts'),
};

/** From now on modules that are loaded get the functions that remember. */
export function rememberPureWork(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (context.parentURL?.includes('/dst/remembered/')) return resolved;
      const swap = Object.entries(SWAPS).find(([file]) => resolved.url.endsWith(file));
      return swap ? { ...resolved, url: swap[1] } : resolved;
    },
  });
}
