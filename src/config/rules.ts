// What must hold between the parts of a configuration. Each rule reports every breach it finds, and passes over what
// could not be read: that was reported before.
import { type Repository, ownershipKey } from '../model/reference.ts';
import { readVersion } from '../model/version.ts';
import type { ConfigDocument } from './document.ts';
import type { Draft, DraftEnvironment, DraftImage } from './draft.ts';
import { type ConfigPath, nearest, quote } from './problems.ts';

/** Checks every rule. */
export function checkRules(draft: Draft, document: ConfigDocument): void {
  for (const rule of [
    flow,
    branches,
    folders,
    imageNames,
    targetTags,
    versionTags,
    repositories,
    pins,
    signing,
    pullRequests,
  ])
    rule(draft, document);
}

/** Environments in flow order: each after the one it takes from, otherwise as written; none of a cycle. */
export function flowOrder(draft: Draft): readonly DraftEnvironment[] {
  const ordered = new Map<string, DraftEnvironment>();
  let waiting = [...draft.environments.values()];
  for (let placed = -1; placed !== ordered.size;) {
    placed = ordered.size;
    waiting = waiting.filter((environment) => {
      if (environment.from !== undefined && !ordered.has(environment.from)) return true;
      ordered.set(environment.name, environment);
      return false;
    });
  }
  return [...ordered.values()];
}

function flow(draft: Draft, document: ConfigDocument): void {
  const seen = new Set<string>();
  for (const { name, from } of draft.environments.values()) {
    const path = ['environments', name, 'from'];
    if (from !== undefined && !draft.environments.has(from)) {
      unknown(document, path, 'environment', from, draft.environments.keys());
    }
    const cycle = seen.has(name) ? undefined : cycleThrough(draft, name);
    for (const member of cycle ?? []) seen.add(member);
    if (cycle) {
      const circle = [name, ...cycle.slice(1), name].join(' takes from ');
      document.report(path, `releases would flow in a circle: ${circle}`, 'drop one of these from keys');
    }
  }
}

function cycleThrough(draft: Draft, name: string): readonly string[] | undefined {
  const chain = [name];
  for (let from = draft.environments.get(name)?.from; from !== undefined;) {
    if (from === name) return chain;
    if (chain.includes(from)) return undefined;
    chain.push(from);
    from = draft.environments.get(from)?.from;
  }
  return undefined;
}

function branches(draft: Draft, document: ConfigDocument): void {
  const taken = new Map<string, { readonly branch: string; readonly owner: string }>();
  if (draft.trunk !== undefined) taken.set(fold(draft.trunk), { branch: draft.trunk, owner: 'the trunk' });
  for (const { name, branch } of draft.environments.values()) {
    if (branch === undefined) continue;
    const path = ['environments', name, 'branch'];
    const key = fold(branch);
    const fix = 'give each environment a branch of its own';
    const same = taken.get(key);
    if (same?.branch === branch) {
      document.report(path, `the branch ${quote(branch)} is also that of ${same.owner}`, fix);
      continue;
    }
    if (same) document.report(path, `the branch ${quote(branch)} differs from that of ${same.owner} only by case`, fix);
    for (const other of taken.values()) {
      if (!isNested(key, fold(other.branch))) continue;
      const what = `Git cannot hold the branches ${quote(branch)} and ${quote(other.branch)} (${other.owner}) together`;
      document.report(path, what, 'rename one: a branch name must not be a folder of another');
    }
    taken.set(key, { branch, owner: ownerOf(document, name) });
  }
}

function folders(draft: Draft, document: ConfigDocument): void {
  const taken = new Map<string, string>();
  for (const { name, path: folder } of draft.environments.values()) {
    if (folder === undefined) continue;
    const path = ['environments', name, 'path'];
    const key = fold(folder);
    if (isConfigFile(key)) {
      document.report(path, `${quote(folder)} is the configuration itself`, 'name a folder');
    }
    for (const [other, owner] of taken) {
      if (other === key) {
        document.report(path, `the folder ${quote(folder)} is also that of ${owner}`, 'give each environment its own');
      } else if (isNested(key, other)) {
        document.report(
          path,
          `the folder ${quote(folder)} and that of ${owner} lie within one another`,
          'place them side by side',
        );
      }
    }
    taken.set(key, ownerOf(document, name));
  }
}

/** A field that names an image must mean one image: no name and no repository belongs to two. */
function imageNames(draft: Draft, document: ConfigDocument): void {
  const claimed = new Map<string, string>();
  const claim = (key: string, image: string, path: ConfigPath, text: string, at: 'key' | 'value' = 'value'): void => {
    const owner = claimed.get(key);
    if (owner === undefined) claimed.set(key, image);
    else if (owner !== image) {
      const what = `${quote(text)} already stands for the image ${owner} (line ${document.lineOf(['images', owner])})`;
      document.report(path, what, 'a field must name one image: use different names or repositories', at);
    }
  };
  const claimRepository = (repository: Repository | undefined, image: string, path: ConfigPath): void => {
    if (repository) claim(ownershipKey(repository), image, path, repository.name);
  };
  for (const { name } of draft.images.values()) claim(name, name, ['images', name], name, 'key');
  for (const { name, repository } of draft.images.values()) {
    claimRepository(repository, name, ['images', name, 'repository']);
  }
  for (const { name, names } of draft.images.values()) {
    for (const [index, text] of names.entries()) claim(text, name, ['images', name, 'names', index], text);
  }
  for (const environment of draft.environments.values()) {
    for (const [image, repository] of environment.repositories) {
      if (draft.images.has(image)) {
        claimRepository(repository, image, ['environments', environment.name, 'repositories', image]);
      }
    }
  }
}

/** No two environments move, or make, the same tag of one repository. */
function targetTags(draft: Draft, document: ConfigDocument): void {
  const taken = new Map<string, DraftEnvironment>();
  const all = [...draft.environments.values()];
  for (const environment of all) {
    const { name, tag } = environment;
    if (tag === undefined) continue;
    const path = ['environments', name, 'tag'];
    const clash = repositoriesOf(draft, environment)
      .map((repository) => ({ repository, other: taken.get(`${ownershipKey(repository)}:${tag}`) }))
      .find(({ other }) => other !== undefined);
    if (clash?.other) {
      const what = `the tag ${quote(tag)} of ${clash.repository.name} is also that of ${ownerOf(document, clash.other.name)}`;
      document.report(path, what, 'give each environment a tag of its own, or a repository of its own');
    }
    for (const repository of repositoriesOf(draft, environment)) {
      const key = `${ownershipKey(repository)}:${tag}`;
      if (!taken.has(key)) taken.set(key, environment);
    }
    const owner = all.find((other) => other !== environment && makesTag(draft, other, environment));
    if (owner) {
      const what = `the tag ${quote(tag)} may be a release of ${ownerOf(document, owner.name)}, whose releases are tagged ${quote(`${owner.tag ?? ''}-1`)} and so on`;
      document.report(path, what, 'use a tag that does not end in - and a number');
    }
  }
}

/** Whether a per-release tag of `maker` may be the target tag of `other`, or a per-release tag of it. */
function makesTag(draft: Draft, maker: DraftEnvironment, other: DraftEnvironment): boolean {
  if (maker.tag === undefined || other.tag === undefined) return false;
  if (!other.tag.startsWith(`${maker.tag}-`) || !/^[0-9]+$/.test(other.tag.slice(maker.tag.length + 1))) return false;
  const made = new Set(repositoriesOf(draft, maker).map(ownershipKey));
  return repositoriesOf(draft, other).some((repository) => made.has(ownershipKey(repository)));
}

/** A target tag that could be read as a version would one day be promoted as one. */
function versionTags(draft: Draft, document: ConfigDocument): void {
  for (const { name, tag } of draft.environments.values()) {
    if (tag === undefined) continue;
    const written = [tag, ...['1', '10', '123', '4567'].map((sequence) => `${tag}-${sequence}`)];
    const image = [...draft.images.values()].find(
      ({ versions }) => versions && written.some((text) => readVersion(text, versions)),
    );
    if (!image) continue;
    const read = written.find((text) => image.versions && readVersion(text, image.versions));
    const what = `the tag ${quote(read ?? tag)} of this environment could be read as a version of ${image.name}`;
    document.report(['environments', name, 'tag'], what, 'use a tag that no version looks like');
  }
}

function repositories(draft: Draft, document: ConfigDocument): void {
  for (const environment of draft.environments.values()) {
    for (const image of environment.repositories.keys()) {
      if (draft.images.has(image)) continue;
      const path = ['environments', environment.name, 'repositories', image];
      unknown(document, path, 'image', image, draft.images.keys(), 'key');
    }
  }
}

function pins(draft: Draft, document: ConfigDocument): void {
  for (const environment of draft.environments.values()) {
    const fields = new Set<string>();
    for (const { index, image, file, path: field } of environment.pins) {
      const path = ['environments', environment.name, 'pins', index];
      if (image !== undefined && !draft.images.has(image)) {
        unknown(document, [...path, 'image'], 'image', image, draft.images.keys());
      }
      if (file === undefined) continue;
      const record = environment.path === undefined ? undefined : `${environment.path}/release.yaml`;
      if (isConfigFile(fold(file)) || file === record) {
        document.report(
          [...path, 'file'],
          `${quote(file)} is written by tagflow itself or says what it does`,
          'name a manifest',
        );
      }
      const key = JSON.stringify([file, field]);
      if (field !== undefined && fields.has(key)) {
        document.report(path, `this field of ${quote(file)} is listed twice`, 'list each field once');
      }
      fields.add(key);
    }
  }
}

/** What says whose signatures count says nothing where none is asked for: somebody believes that it does. */
function signing(draft: Draft, document: ConfigDocument): void {
  if (draft.signing === 'gpg' && draft.revoked !== undefined) {
    const fix = 'export the keys with their revocations into the signers file';
    document.report(['revoked'], 'with signing: gpg no list of revoked keys is read', fix, 'key');
  }
  if (draft.signing !== undefined) return;
  const fix = 'add signing: ssh (or gpg) at the top level, or remove it';
  const report = (path: ConfigPath): void => {
    document.report(path, `${String(path.at(-1))} has no effect without signing`, fix, 'key');
  };
  if (draft.signers !== undefined) report(['signers']);
  if (draft.revoked !== undefined) report(['revoked']);
  for (const { name, signedBy, signedAfter } of draft.environments.values()) {
    if (signedBy.length > 0) report(['environments', name, 'signedBy']);
    if (signedAfter !== undefined) report(['environments', name, 'signedAfter']);
  }
}

/** Pull requests come from branches below `tagflow/`, and are merged by a forge that signs with no key of ours. */
function pullRequests(draft: Draft, document: ConfigDocument): void {
  for (const { name, pullRequest } of draft.environments.values()) {
    if (!pullRequest || draft.signing === undefined) continue;
    const path = ['environments', name, 'pullRequest'];
    const what = 'releases are signed, and what a forge merges has no signature of whoever may release';
    document.report(path, what, 'let somebody who may release push to this branch, or leave signing out');
  }
  if (![...draft.environments.values()].some(({ pullRequest }) => pullRequest)) return;
  for (const { name, branch } of draft.environments.values()) {
    if (branch === undefined || !(fold(branch) === 'tagflow' || fold(branch).startsWith('tagflow/'))) continue;
    const path = ['environments', name, 'branch'];
    document.report(path, `${quote(branch)} is where the branches of pull requests are`, 'use another name');
  }
}

function unknown(
  document: ConfigDocument,
  path: ConfigPath,
  kind: string,
  name: string,
  known: Iterable<string>,
  at: 'key' | 'value' = 'value',
): void {
  const names = [...known];
  const meant = nearest(name, names);
  const listed = names.length > 12 ? `${names.slice(0, 12).join(', ')} and others` : names.join(', ');
  const fix = meant ? `did you mean ${meant}?` : `${kind}s here: ${listed || 'none'}`;
  document.report(path, `there is no ${kind} ${quote(name)}`, fix, at);
}

function repositoriesOf(draft: Draft, environment: DraftEnvironment): readonly Repository[] {
  const of = (image: DraftImage): Repository | undefined =>
    environment.repositories.get(image.name) ?? image.repository;
  return [...draft.images.values()].flatMap((image) => of(image) ?? []);
}

function ownerOf(document: ConfigDocument, environment: string): string {
  return `${environment} (line ${document.lineOf(['environments', environment])})`;
}

// Branches become files and folders, and so do paths: two that differ only by case are one on macOS and Windows.
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function isNested(a: string, b: string): boolean {
  return a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

function isConfigFile(path: string): boolean {
  return path === 'tagflow.yaml' || path.startsWith('tagflow.yaml/');
}
