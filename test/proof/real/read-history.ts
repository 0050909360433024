// Reads what a run left behind, from a bare repository and a registry as they are on the disk: with Git's own programs and
// the files of Docker's registry or of OCI layouts, past tagflow, its caches, and any proxy that lies.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { lineName } from '../../../src/model/pipeline.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import { run } from '../../support/git-repository.ts';
import { descriptorsOf } from '../../support/layouts.ts';
import {
  type CommitFacts,
  type EnvironmentHistory,
  type History,
  type JournalEntryFacts,
  recordFacts,
} from '../checker/history.ts';

/** Where a line is: its branch, its files, its tag. */
export interface LinePlace {
  readonly name: string;
  readonly branch: string;
  readonly tag: string;
  readonly record: string;
  readonly manifest: string;
  /** Its branch has other lines as well. */
  readonly isShared?: true;
}

/** A line whose branch and tag have its name, as they have without applications. */
export function branchLine(name: string): LinePlace {
  const [record, manifest] = [`.tagflow/releases/${name}.yaml`, `environments/${name}/kustomization.yaml`];
  return { name, branch: name, tag: name, record, manifest };
}

/** An environment in a bare repository. Its branch and its tag have its name, unless `line` says where it is. */
export interface EnvironmentPlace {
  /** The bare repository. */
  readonly folder: string;
  readonly name: string;
  /** The head before the first operation. */
  readonly base: string;
  readonly line?: LinePlace;
}

/** An environment's branch as it is now. */
export async function readEnvironmentHistory(place: EnvironmentPlace): Promise<EnvironmentHistory> {
  const { folder, name, base } = place;
  const { branch, tag, record: recordPath, manifest: manifestPath, isShared } = place.line ?? branchLine(name);
  const args = ['log', '--first-parent', '--format=%H %P', `refs/heads/${branch}`];
  const ids = (await run('git', args, { cwd: folder })).split('\n').filter(Boolean);
  const commits = ids
    // The line of a root ends in a space.
    .map((line) => line.trimEnd().split(' '))
    .map(([id = '', ...parents]) => ({ id, parents }));
  const paths = [recordPath, manifestPath] as const;
  const blobs = await readBlobs(
    folder,
    commits.flatMap(({ id }) => paths.map((path) => `${id}:${path}`)),
  );
  const line = commits.map(({ id, parents }, index): CommitFacts => {
    const [record, manifest] = [blobs[2 * index], blobs[2 * index + 1]];
    return {
      id,
      parents,
      ...(record !== undefined && {
        record: recordFrom(record, paths[0], record === blobs[2 * index + 2] ? undefined : parents[0]),
      }),
      ...(manifest !== undefined && { pins: pinsIn(manifest) }),
    };
  });
  return { name, tag, line, base, rewinds: [], ...(isShared && { isShared }) };
}

function recordFrom(text: string, path: string, base: string | undefined): NonNullable<CommitFacts['record']> {
  try {
    const record = parseRecord(text, path);
    return recordFacts({ ...record, environment: lineName(record.environment, record.application) }, base);
  } catch (error) {
    return { invalid: error instanceof Error ? error.message : String(error) };
  }
}

/** The digests that a kustomization pins, by the name of the image; one that it pins twice by both, joined. */
function pinsIn(text: string): Record<string, string> {
  const { images = [] } = parse(text) as { images?: { name: string; digest?: string }[] };
  const pins: Record<string, string> = {};
  for (const { name, digest = 'no digest' } of images) {
    pins[name] = pins[name] === undefined || pins[name] === digest ? digest : `${pins[name]} and ${digest}`;
  }
  return pins;
}

/** The texts of blobs by `commit:path`, in one process; undefined where there is none. */
async function readBlobs(folder: string, names: readonly string[]): Promise<readonly (string | undefined)[]> {
  if (names.length === 0) return [];
  const output = Buffer.from(
    await run('git', ['cat-file', '--batch'], { cwd: folder, input: `${names.join('\n')}\n` }),
  );
  const texts: (string | undefined)[] = [];
  for (let at = 0; texts.length < names.length;) {
    const end = output.indexOf(0x0a, at);
    const size = /^[0-9a-f]+ blob (\d+)$/.exec(output.toString('utf8', at, end))?.[1];
    texts.push(size === undefined ? undefined : output.toString('utf8', end + 1, end + 1 + Number(size)));
    at = end + 1 + (size === undefined ? 0 : Number(size) + 1);
  }
  return texts;
}

/** An entry of the journal, and who wrote it. */
export interface WrittenEntry extends JournalEntryFacts {
  readonly actor: string | undefined;
}

/** The journal's entries at each of its commits, oldest first, read without the program. */
export async function readJournal(
  folder: string,
): Promise<
  readonly { readonly id: string; readonly below: readonly string[]; readonly entries: readonly WrittenEntry[] }[]
> {
  const args = ['log', '--reverse', '--first-parent', '--format=%H', 'refs/heads/tagflow-journal'];
  const ids = (await run('git', args, { cwd: folder })).split('\n').filter(Boolean);
  return Promise.all(
    ids.map(async (id, index) => {
      const paths = (await run('git', ['ls-tree', '-r', '--name-only', id], { cwd: folder }))
        .split('\n')
        .filter(Boolean);
      const texts = await readBlobs(
        folder,
        paths.map((path) => `${id}:${path}`),
      );
      const entries = paths.map((path, at) => entryAt(path, texts[at] ?? ''));
      return { id, below: ids.slice(0, index + 1), entries };
    }),
  );
}

/** `lock/stg/_/2026-01/20260101T000000000Z-0123456789ab.yaml`. */
function entryAt(path: string, text: string): WrittenEntry {
  const [kind = '', environment = '', , , name = ''] = path.split('/');
  const [, entry = '', ends] = name.replace('.yaml', '').split('-');
  const actor = /^ *actor: (\S+)$/m.exec(text)?.[1];
  return { path, kind, environment, entry, actor, ...(ends !== undefined && { ends }) };
}

/** The heads of all branches. */
export async function readHeads(folder: string): Promise<Readonly<Record<string, string>>> {
  const lines = (
    await run('git', ['for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads'], { cwd: folder })
  ).split('\n');
  return Object.fromEntries(lines.filter(Boolean).map((line) => line.split(' '))) as Record<string, string>;
}

/**
 * The tags of a repository in the files of Docker's registry: `…/_manifests/tags/<tag>/current/link` below
 * `<root>/docker/registry/v2/repositories/<path>`. `repository` is how tagflow names it.
 */
export function readRegistryTags(root: string, path: string, repository: string): History['tags'] {
  const folder = join(root, 'docker/registry/v2/repositories', path, '_manifests/tags');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((tag) => {
    const link = join(folder, tag, 'current/link');
    // Made before its link is written, and left so when the registry dies in between: no tag to anybody who asks for it.
    return { repository, tag, digest: existsSync(link) ? readFileSync(link, 'utf8').trim() : 'no link' };
  });
}

/** The tags of an OCI layout on disk. One that two descriptors have is reported twice. */
export function readLayoutTags(directory: string, repository: string): History['tags'] {
  return descriptorsOf(directory).flatMap(({ digest = '', annotations }) => {
    const tag = annotations?.['org.opencontainers.image.ref.name'];
    return tag === undefined ? [] : [{ repository, tag, digest }];
  });
}
