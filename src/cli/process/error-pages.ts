// The pages of errors, which travel with tagflow.
import { readResources } from './resources.ts';

/** The pages, as Markdown, by code. */
export async function errorPages(): Promise<ReadonlyMap<string, string>> {
  const files = await readResources('docs/errors', isPage);
  const decoder = new TextDecoder();
  return new Map([...files].map(([name, content]) => [name.replace(/\.md$/, ''), decoder.decode(content)]));
}

function isPage(name: string): boolean {
  return /^[a-z-]+\.md$/.test(name);
}
