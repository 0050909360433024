// Prints what GitLab's releases API takes for a tag (https://docs.gitlab.com/api/releases/#create-a-release): its name, and the
// section of CHANGELOG.md for its version. `node .ci/changelog.ts v0.2.0`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const [tag = ''] = process.argv.slice(2);
const version = /^v(\d+\.\d+\.\d+)$/.exec(tag)?.[1];
if (version === undefined) throw new Error(`${JSON.stringify(tag)} is not a release tag such as v0.2.0`);
const text = await readFile(join(import.meta.dirname, '../CHANGELOG.md'), 'utf8');
const sections = text.split(/^## /m);
const section = sections.find((each) => each.startsWith(`[${version}]`));
if (!section) throw new Error(`CHANGELOG.md has no section "## [${version}]"`);
const description = section.slice(section.indexOf('\n') + 1).trim();
process.stdout.write(JSON.stringify({ tag_name: tag, name: tag, description }));
