// The pages of errors, which travel with tagflow.
import { readResources } from './resources.ts';

/** The pages, as Markdown, by code. */
export async function errorPages(): Promise<ReadonlyMap<string, string>> {
  const files = await readResources('docs/errors');
  const decoder = new TextDecoder();
  return new Map(
    [...files].flatMap(([name, content]) => {
      const code = /^([a-z-]+)\.md$/.exec(name)?.[1];
      return code === undefined ? [] : [[code, decoder.decode(content)] as const];
    }),
  );
}
