// What must hold between the parts of a configuration. Each rule reports every breach it finds, and passes over what
// could not be read: that was reported before.
import { JOURNAL_BRANCH } from '../model/journal.ts';
import type { BranchName } from '../model/object-id.ts';
import type { ConfigDocument } from './document.ts';
import type { UncheckedConfig, UncheckedEnvironment, UncheckedLine } from './unchecked.ts';
import { checkLines } from './line-rules.ts';
import { type ConfigPath, quote, unknownName } from './problems.ts';
import { NAME } from './schema.ts';
import { isValues } from './values.ts';

/** Checks every rule. `defaultBranch`: the remote's, which is the trunk where `trunk:` was not written. */
export function checkRules(
  config: UncheckedConfig,
  lines: readonly UncheckedLine[],
  document: ConfigDocument,
  defaultBranch?: BranchName,
): void {
  branches(config, document, defaultBranch);
  journalBranch(config, document, defaultBranch);
  for (const rule of [flow, layouts, applications, renamed, repositories, signing, pullRequests])
    rule(config, document, lines);
  checkLines(config, lines, document);
}

/** Environments in flow order: each after the one it takes from, otherwise as written; none of a cycle. */
export function flowOrder(config: UncheckedConfig): readonly UncheckedEnvironment[] {
  const ordered = new Map<string, UncheckedEnvironment>();
  let waiting = [...config.environments.values()];
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

function flow(config: UncheckedConfig, document: ConfigDocument): void {
  const done = new Set<string>();
  for (const { name, from } of config.environments.values()) {
    if (from !== undefined && !config.environments.has(from)) {
      unknownName(document, ['environments', name, 'from'], {
        kind: 'environment',
        name: from,
        known: config.environments.keys(),
      });
    }
    const cycle = cycleFrom(config, name, done);
    const [first] = cycle;
    if (first === undefined) continue;
    const circle = [...cycle, first].join(' takes from ');
    const path = ['environments', first, 'from'];
    document.report(path, `releases would flow in a cycle: ${circle}`, 'remove one of these from: keys');
  }
}

/** The cycle that a name leads into, the one that is written first in front. `done`: names that were walked from before. */
function cycleFrom(config: UncheckedConfig, name: string, done: Set<string>): readonly string[] {
  const chain = new Set<string>();
  let at: string | undefined = name;
  while (at !== undefined && !done.has(at)) {
    done.add(at);
    chain.add(at);
    at = config.environments.get(at)?.from;
  }
  if (at === undefined || !chain.has(at)) return [];
  const names = [...chain];
  const cycle = names.slice(names.indexOf(at));
  const members = new Set(cycle);
  const start = cycle.indexOf([...config.environments.keys()].find((one) => members.has(one)) ?? at);
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}

function branches(config: UncheckedConfig, document: ConfigDocument, defaultBranch: BranchName | undefined): void {
  if (config.layout === 'folders') return;
  const taken = new Map<string, { readonly branch: string; readonly owner: string }>();
  const trunk = config.trunk ?? defaultBranch;
  if (trunk !== undefined) taken.set(fold(trunk), { branch: trunk, owner: 'the trunk' });
  const journal = config.journal ?? (JOURNAL_BRANCH as BranchName);
  taken.set(fold(journal), { branch: journal, owner: 'the journal' });
  for (const { name, branch } of config.environments.values()) {
    if (branch === undefined) continue;
    const path = ['environments', name, 'branch'];
    const key = fold(branch);
    const fix = 'give each environment a branch of its own';
    const same = taken.get(key);
    if (same?.branch === branch) {
      document.report(path, `the branch ${quote(branch)} is also used for ${same.owner}`, fix);
      continue;
    }
    if (same)
      document.report(
        path,
        `the branch ${quote(branch)} differs only in case from the branch used for ${same.owner}`,
        fix,
      );
    for (const other of taken.values()) {
      if (!isNested(key, fold(other.branch))) continue;
      const what = `Git cannot have both branches ${quote(branch)} and ${quote(other.branch)} (${other.owner})`;
      document.report(path, what, 'rename one of them: a branch name cannot be a folder of another branch');
    }
    taken.set(key, { branch, owner: ownerOf(document, name) });
  }
}

/** Entries are pushed to the journal's branch as they are written: it holds nothing else, and no rule for proposals protects it. */
function journalBranch(
  { journal, layout, branch, trunk }: UncheckedConfig,
  document: ConfigDocument,
  byDefault?: BranchName,
): void {
  if (journal === undefined) return;
  const fix = 'use a branch that contains nothing else: tagflow-journal';
  const mainline = trunk ?? byDefault;
  if (mainline !== undefined && fold(journal) === fold(mainline)) {
    document.report(['journal'], `the branch ${quote(journal)} is the trunk`, fix);
  } else if (layout === 'folders' && branch !== undefined && fold(journal) === fold(branch)) {
    document.report(['journal'], `the branch ${quote(journal)} is the branch of the environments`, fix);
  } else if (fold(journal).startsWith('tagflow/')) {
    document.report(
      ['journal'],
      `${quote(journal)} starts with tagflow/, which is reserved for the branches of pull requests`,
      fix,
    );
  }
}

/** What one layout has and the other does not. */
function layouts({ layout, branch, environments }: UncheckedConfig, document: ConfigDocument): void {
  const isFolders = layout === 'folders';
  if (branch !== undefined && !isFolders) {
    document.report(
      ['branch'],
      'with layout: branches, each environment has its own branch',
      'add layout: folders',
      'key',
    );
  }
  for (const { name, from, carry } of environments.values()) {
    const at = ['environments', name];
    if (isFolders && document.sourceOf([...at, 'branch']) !== undefined) {
      const fix = 'remove it; branch: at the top level sets the branch for all of them';
      document.report([...at, 'branch'], 'with layout: folders, all environments are on one branch', fix, 'key');
    }
    if (carry.length === 0) continue;
    if (!isFolders) {
      const fix = 'remove it: with branches, a release takes the whole tree';
      document.report([...at, 'carry'], 'carry has no effect with layout: branches', fix, 'key');
    } else if (from === undefined) {
      const fix = 'remove it, or say where releases come from: from:';
      document.report([...at, 'carry'], 'this environment has no upstream environment', fix, 'key');
    }
  }
}

/** Images stand at the top level or in applications; and a word on the command line means an environment or an application. */
function applications(config: UncheckedConfig, document: ConfigDocument, lines: readonly UncheckedLine[]): void {
  const { images, environments } = config;
  whereImagesStand(config, document);
  for (const image of images.values()) checkEnvironments(config, document, image.at, image.environments);
  for (const { name, images: own, environments: overrides } of config.applications.values()) {
    const at = ['applications', name];
    for (const environment of overrides.keys()) {
      if (!environments.has(environment)) {
        unknownName(document, [...at, 'environments', environment], {
          kind: 'environment',
          name: environment,
          known: environments.keys(),
          at: 'key',
        });
      }
    }
    for (const { values, at: place } of own) {
      const names = values['environments'];
      if (Array.isArray(names)) checkEnvironments(config, document, place, names.map(String));
    }
  }
  const names = new Set(lines.flatMap(({ application }) => application ?? []));
  for (const name of names) {
    if (!environments.has(name)) continue;
    const at = config.applications.has(name) ? ['applications', name] : ['environments', name];
    document.report(at, `${quote(name)} is both an application and an environment`, 'rename one of them', 'key');
  }
  if (config.applications.size > 0) ownPathsOf(environments, document);
}

function whereImagesStand(config: UncheckedConfig, document: ConfigDocument): void {
  if (config.applications.size === 0) {
    if (isValues(document.value) && !hasKey(document, 'images') && !hasKey(document, 'applications')) {
      const fix = 'for instance: images: {"django":{"repository":"registry.example.com/acme/django"}}';
      document.report(['images'], 'images is missing', fix, 'key');
    }
  } else if (hasKey(document, 'images')) {
    document.report(
      ['images'],
      'images and applications exclude each other',
      'move the images into an application',
      'key',
    );
  }
}

/** Reports paths of environments where applications have their own. */
function ownPathsOf(environments: UncheckedConfig['environments'], document: ConfigDocument): void {
  for (const { name, folders, files } of environments.values()) {
    for (const [key, value] of [
      ['path', folders],
      ['files', files],
    ] as const) {
      if (value === undefined) continue;
      const fix = `write applications.NAME.environments.${name}.${key}, or use {environment} in applications.NAME.${key}`;
      document.report(['environments', name, key], 'with applications, each application has its own paths', fix, 'key');
    }
  }
}

function hasKey({ value }: ConfigDocument, key: string): boolean {
  return isValues(value) && Object.hasOwn(value, key);
}

function checkEnvironments(
  { environments }: UncheckedConfig,
  document: ConfigDocument,
  at: ConfigPath,
  names: readonly string[] | undefined,
): void {
  for (const [index, name] of (names ?? []).entries()) {
    if (!environments.has(name)) {
      unknownName(document, [...at, 'environments', index], {
        kind: 'environment',
        name,
        known: environments.keys(),
      });
    }
  }
}

/** The names that something can have had. */
const OLD_NAME = new RegExp(NAME);

/** What was renamed has its new name, and its old one no more. */
function renamed(config: UncheckedConfig, document: ConfigDocument, lines: readonly UncheckedLine[]): void {
  const applicationNames = new Set(lines.flatMap(({ application }) => application ?? []));
  const imageNames = new Set(
    lines.flatMap(({ application, images }) =>
      [...images.keys()].map((name) => (application === undefined ? name : `${application}/${name}`)),
    ),
  );
  const check = (kind: string, old: string, now: string, known: ReadonlySet<string>): void => {
    const at = ['renamed', `${kind}s`, old];
    const owner = old.includes('/') ? old.slice(0, old.indexOf('/') + 1) : '';
    if (!old.split('/').every((part) => OLD_NAME.test(part))) {
      document.report(at, `${quote(old)} is not a valid former name of a ${kind}`, 'correct or remove it', 'key');
    } else if (known.has(old)) {
      document.report(at, `the ${kind} ${quote(old)} still exists`, 'remove one of them', 'key');
    } else if (!known.has(owner + now)) {
      unknownName(document, at, { kind, name: now, known: [...known].map((name) => name.slice(owner.length)) });
    }
  };
  const environmentNames = new Set(config.environments.keys());
  for (const [old, now] of config.renamed.applications) check('application', old, now, applicationNames);
  for (const [old, now] of config.renamed.environments) check('environment', old, now, environmentNames);
  for (const [old, now] of config.renamed.images) check('image', old, now, imageNames);
}

/** Repositories of an environment's own are of images that it runs, and are there to be written to. */
function repositories(config: UncheckedConfig, document: ConfigDocument, lines: readonly UncheckedLine[]): void {
  for (const environment of config.environments.values()) {
    const at = ['environments', environment.name, 'repositories'];
    if (environment.repositories.size > 0 && !environment.tags) {
      const what =
        'the environment copies images to its own repositories, but with tags: false tagflow writes nothing there';
      document.report(at, what, 'remove it, or tags: false', 'key');
    }
    const own = lines.filter((line) => line.environment === environment);
    const known = own.flatMap(({ application, images }) =>
      [...images.keys()].map((name) => (application === undefined ? name : `${application}/${name}`)),
    );
    const names = new Set(known);
    for (const image of environment.repositories.keys()) {
      if (!names.has(image)) unknownName(document, [...at, image], { kind: 'image', name: image, known, at: 'key' });
    }
  }
}

/** What says whose signatures count says nothing where none is asked for: somebody believes that it does. */
function signing(config: UncheckedConfig, document: ConfigDocument): void {
  if (config.signing === 'gpg' && config.revoked !== undefined) {
    const fix = 'export the keys with their revocations into the signers file';
    document.report(['revoked'], 'with signing: gpg, tagflow reads no list of revoked keys', fix, 'key');
  }
  if (config.signing !== undefined) return;
  const fix = 'add signing: ssh (or gpg) at the top level, or remove it';
  const report = (path: ConfigPath): void => {
    document.report(path, `${String(path.at(-1))} has no effect without signing`, fix, 'key');
  };
  if (config.signers !== undefined) report(['signers']);
  if (config.revoked !== undefined) report(['revoked']);
  for (const { name, signedBy, signedAfter } of config.environments.values()) {
    if (signedBy.length > 0) report(['environments', name, 'signedBy']);
    if (signedAfter !== undefined) report(['environments', name, 'signedAfter']);
  }
}

/** Pull requests come from branches below `tagflow/`. */
function pullRequests(config: UncheckedConfig, document: ConfigDocument): void {
  if (![...config.environments.values()].some(({ pullRequest }) => pullRequest)) return;
  if (config.layout === 'folders') return;
  for (const { name, branch } of config.environments.values()) {
    if (branch === undefined || !(fold(branch) === 'tagflow' || fold(branch).startsWith('tagflow/'))) continue;
    const path = ['environments', name, 'branch'];
    document.report(path, `${quote(branch)} is reserved for the branches of pull requests`, 'use another name');
  }
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
