// The first tagflow.yaml of a repository, drafted from what was found in it. Pure: text out, nothing written.
import { isTagflowError } from '../model/errors.ts';
import { isBranchName } from '../model/object-id.ts';
import { type Repository, ownershipKey, parseRepository } from '../model/reference.ts';
import { readVersion } from '../model/version.ts';
import { parsePath } from './paths.ts';
import { escaped } from './problems.ts';
import { MAX_NAME } from './schema.ts';

/** What `tagflow init` found in a repository. */
export interface Findings {
  /** The remote's default branch, when known. */
  readonly trunk?: string | undefined;
  /** Image names as manifests write them, without tag and digest; repetitions and names without a registry may be among them. */
  readonly images: readonly string[];
  /** Folders that look like environments, relative to the repository's root: `environments/dev`. */
  readonly folders: readonly string[];
}

interface Named {
  readonly name: string;
  readonly repository: Repository;
}

interface Folder {
  readonly name: string;
  readonly path: string;
}

const USUAL = ['environments/dev', 'environments/stg', 'environments/prd'];
// How far a release is on its way, by the words people use in folder names. Others stand in between, as found.
const STAGES: readonly (readonly string[])[] = [
  ['dev', 'devel', 'develop', 'development', 'sandbox'],
  ['ci', 'test', 'testing', 'int', 'integration', 'sit'],
  ['qa', 'uat', 'acceptance'],
  ['stg', 'stage', 'staging', 'preprod', 'preproduction', 'pre'],
  ['prd', 'prod', 'production', 'live'],
];
const EXAMPLE = 'registry.example.com/acme/app';

/**
 * The text of a commented tagflow.yaml for what was found; `parseConfig` accepts it. Images without a registry host are
 * listed in a comment. Environments are put in the order their names suggest, each taking from the one before.
 */
export function draftConfig(found: Findings): string {
  const { images, leftOut } = nameImages(found.images);
  const folders = nameFolders(found.folders);
  const trunk = found.trunk !== undefined && isBranchName(found.trunk) ? found.trunk : undefined;
  return [
    '# Every key: docs/reference/configuration.md. tagflow reads this file from the head of the trunk.',
    'version: 1',
    trunk === undefined
      ? "# trunk: main                    # default: the remote's default branch"
      : `trunk: ${scalar(trunk)}`,
    '',
    '# The images that releases are made of, and where their versions are published.',
    'images:',
    ...imageLines(images),
    ...leftOut.map((name) => `  # left out, as it names no registry host: ${escaped(name, 120)}`),
    '',
    '# The environments, in the order releases flow. Branch and tag are the name, unless said otherwise.',
    'environments:',
    ...environmentLines(folders, trunk),
    '',
  ].join('\n');
}

function imageLines(images: readonly Named[]): readonly string[] {
  if (images.length === 0) return [`  app:`, `    repository: ${EXAMPLE}   # no image was found: write yours here`];
  return images.flatMap(({ name, repository }, index) => [
    `  ${scalar(name)}:`,
    `    repository: ${scalar(repository.name)}`,
    ...(index === 0
      ? ['    # versions: semver             # v1.2, V1.2, 1.2.3; or { pattern: …, order: numeric }']
      : []),
  ]);
}

function environmentLines(folders: readonly Folder[], trunk: string | undefined): readonly string[] {
  const branches = branchesOf(folders, trunk);
  const tags = tagsOf(folders);
  return folders.flatMap(({ name, path }, index) => {
    const from = folders[index - 1]?.name;
    const branch = branches[index];
    const tag = tags[index];
    const last = index === folders.length - 1;
    return [
      `  ${scalar(name)}:`,
      ...(from === undefined ? [] : [`    from: ${scalar(from)}`]),
      ...(branch === undefined || branch === name ? [] : [`    branch: ${scalar(branch)}`]),
      ...(tag === undefined || tag === name ? [] : [`    tag: ${scalar(tag)}`]),
      `    path: ${scalar(path)}`,
      ...(last
        ? [
            `    # keep: [${scalar(`${path.replace(/[^\w/.-]/g, '*')}/secrets/**`)}]   # paths whose content this branch owns`,
          ]
        : []),
    ];
  });
}

/** A key for each repository: its last part, with as many parts before it as it takes to tell it from the others. */
function nameImages(texts: readonly string[]): {
  readonly images: readonly Named[];
  readonly leftOut: readonly string[];
} {
  const repositories = new Map<string, Repository>();
  const leftOut = new Set<string>();
  for (const text of texts) {
    const repository = attempt(text);
    if (!repository) leftOut.add(text);
    else if (!repositories.has(ownershipKey(repository))) repositories.set(ownershipKey(repository), repository);
  }
  const taken = new Set<string>();
  const images = [...repositories.values()].map((repository) => {
    const parts = (repository.kind === 'remote' ? repository.path : repository.directory).split(/[/\\]/);
    let name = '';
    for (let count = 1; count <= parts.length && (name === '' || taken.has(name)); count += 1) {
      name = toName(parts.slice(-count).join('-'), 'app');
    }
    return { name: unique(name, taken), repository };
  });
  return { images, leftOut: [...leftOut].toSorted() };
}

/** A name for each folder, in flow order. Folders around another, and twins but for case, are passed over. */
function nameFolders(texts: readonly string[]): readonly Folder[] {
  const paths: string[] = [];
  for (const text of texts) {
    const parsed = parsePath(text);
    if ('value' in parsed && fold(parsed.value) !== 'tagflow.yaml') paths.push(parsed.value);
  }
  const folded = paths.map(fold);
  const kept = paths.filter((path, index) => {
    const around = folded.some((other) => other.startsWith(`${folded[index]}/`));
    return !around && folded.indexOf(fold(path)) === index && !fold(path).startsWith('tagflow.yaml/');
  });
  const taken = new Set<string>();
  return (kept.length > 0 ? kept : USUAL)
    .map((path) => ({ name: unique(toName(path.split('/').at(-1) ?? '', 'env'), taken), path }))
    .map((folder, index) => ({ folder, index, stage: stageOf(folder.name) }))
    .toSorted((a, b) => a.stage - b.stage || a.index - b.index)
    .map(({ folder }) => folder);
}

/** Branches: the names, but where the trunk has that name, or lies in a folder of that name. */
function branchesOf(folders: readonly Folder[], trunk: string | undefined): readonly string[] {
  const names = new Set(folders.map(({ name }) => name));
  // On a case-insensitive disk two branches that differ by case are one.
  const around = trunk?.toLowerCase() ?? '';
  const isTrunk = (branch: string): boolean => around === branch || around.startsWith(`${branch}/`);
  return folders.map(({ name }) =>
    isTrunk(name) ? suffixed(name, (branch) => names.has(branch) || isTrunk(branch)) : name,
  );
}

/** Target tags: the names, but where a name reads as a version or as a release of another environment. */
function tagsOf(folders: readonly Folder[]): readonly string[] {
  const names = new Set(folders.map(({ name }) => name));
  return folders.map(({ name }) => {
    const release = /^(.*)-[0-9]+$/.exec(name)?.[1];
    const version = [name, `${name}-1`].some((tag) => readVersion(tag, { kind: 'semver' }));
    if (!version && (release === undefined || !names.has(release))) return name;
    // Behind a version more text would make a pre-release of it.
    const tag = suffixed(version ? `env-${name}` : name, (candidate) => names.has(candidate));
    names.add(tag);
    return tag;
  });
}

function suffixed(name: string, isTaken: (candidate: string) => boolean): string {
  let candidate = name;
  do candidate += '-env';
  while (isTaken(candidate));
  return candidate;
}

function stageOf(name: string): number {
  const words = name.split(/[._-]/);
  const stage = STAGES.findIndex((known) => words.some((word) => known.includes(word)));
  // Unknown names come after the stages of testing and before production.
  return stage < 0 ? STAGES.length - 1.5 : stage;
}

function attempt(text: string): Repository | undefined {
  try {
    return parseRepository(text);
  } catch (error) {
    if (isTagflowError(error)) return undefined;
    throw error;
  }
}

function toName(text: string, otherwise: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const name = words
    .join('-')
    .slice(0, MAX_NAME - 4)
    .replace(/-+$/, '');
  // `a.lock` was made `a-lock` above; nothing that is left can be refused as a name or a branch.
  return name === '' || name === 'head' ? otherwise : name;
}

function unique(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let count = 2; taken.has(candidate); count += 1) candidate = `${name}-${count}`;
  taken.add(candidate);
  return candidate;
}

/** Text as a YAML scalar: in quotes unless nothing could take it for anything but text. */
function scalar(text: string): string {
  return /^[A-Za-z][A-Za-z0-9_./-]*(?::[0-9]+[A-Za-z0-9_./-]*)?$/.test(text) && !RESERVED.test(text)
    ? text
    : JSON.stringify(text);
}

const RESERVED = /^(?:true|false|yes|no|on|off|null|y|n)$/i;

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Whether a folder's name is one that people give to environments: `dev`, `staging`, `production`. */
export function isStageName(name: string): boolean {
  return STAGES.some((words) => words.includes(name.toLowerCase()));
}
