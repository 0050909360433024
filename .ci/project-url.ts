// Fails where package.json names another project than the one whose pipeline runs: the URLs that are published would lead
// elsewhere, and npm refuses a provenance whose repository differs. `CI_PROJECT_URL` is the project's, as GitLab sets it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What of package.json names the project. */
export interface ProjectUrls {
  readonly repository: { readonly url: string };
  readonly homepage: string;
  readonly bugs: { readonly url: string };
}

/** Returns a line for each URL that does not belong to the project. */
export function foreignUrls(manifest: ProjectUrls, project: string): readonly string[] {
  const expected: readonly (readonly [string, string, string])[] = [
    ['repository.url', manifest.repository.url, `git+${project}.git`],
    ['homepage', manifest.homepage, `${project}#readme`],
    ['bugs.url', manifest.bugs.url, `${project}/-/issues`],
  ];
  return expected
    .filter(([, is, should]) => is !== should)
    .map(([key, is, should]) => `package.json: ${key} is ${is}, the project has ${should}`);
}

if (import.meta.main) {
  const project = process.env['CI_PROJECT_URL'];
  if (project === undefined) throw new Error('CI_PROJECT_URL is not set');
  const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8')) as ProjectUrls;
  const foreign = foreignUrls(manifest, project.replace(/\/$/, ''));
  for (const line of foreign) process.stderr.write(`${line}\n`);
  if (foreign.length > 0) process.exitCode = 1;
}
