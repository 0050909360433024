// The words that people use for environments, in names of folders, files and branches.

// How far a release is on its way. Others stand in between, as found.
const STAGES: readonly (readonly string[])[] = [
  ['dev', 'devel', 'develop', 'development', 'sandbox', 'sbox'],
  ['ci', 'test', 'testing', 'int', 'integration', 'sit', 'ithc'],
  ['qa', 'uat', 'acceptance', 'demo'],
  ['stg', 'stage', 'staging', 'preprod', 'preproduction', 'pre'],
  ['prd', 'prod', 'production', 'live'],
];

/** Words for a cluster on a developer's own machine: such an environment stands beside the first stage, and upstream of none. */
const LOCAL = new Set(['local', 'localhost', 'kind', 'minikube', 'k3d']);

/** Words that mean other things as well: alone they make no environment. */
const WEAK = new Set(['ci', 'test', 'testing', 'int', 'integration', 'pre', 'live', 'sandbox', 'demo', 'acceptance']);

/** Folders that hold environments, whatever these are called. */
const HOLDERS = new Set(['env', 'envs', 'environment', 'environments', 'stages', 'overlays']);

/** Folders beside environments that are not environments. */
const NO_ENVIRONMENT = /^(?:[._].*|bases?|common|shared|components?|templates?|defaults?|lib|modules?|variants?)$/i;

/** Words of a file's name beside that of its environment. */
const FILE_WORDS = new Set(
  'values value docker compose config configuration overrides override env image images tags versions app release output patch'.split(
    ' ',
  ),
);

/** How far an environment of that name is on its way: 0 for the first. */
export function stageOf(name: string): number {
  const stage = stageIn(name);
  if (stage !== undefined) return stage;
  // Other unknown names come after the stages of testing and before production.
  return wordsIn(name).some((word) => LOCAL.has(word)) ? 0 : STAGES.length - 1.5;
}

/** The stage in the flow, by a word of the name; undefined if no word shows it. */
export function stageIn(name: string): number | undefined {
  const words = wordsIn(name);
  const stage = STAGES.findIndex((known) => words.some((word) => known.includes(word)));
  return stage < 0 ? undefined : stage;
}

/** Whether a folder's name is one that people give to environments: `dev`, `staging`, `production`. */
export function isStageName(name: string): boolean {
  return STAGES.some((words) => words.includes(name.toLowerCase()));
}

/** Whether a name can mean nothing but an environment. */
export function isStrong(name: string): boolean {
  return wordsIn(name).some((word) => isStageName(word) && !WEAK.has(word));
}

/** Whether a name is one of production: beside another environment it means nothing else, not even `live`. */
export function isLastStage(name: string): boolean {
  return stageIn(name) === STAGES.length - 1;
}

/** Whether folders of this name hold environments. */
export function isHolder(name: string): boolean {
  return HOLDERS.has(name.toLowerCase());
}

/** Whether a folder beside environments is not one. */
export function isBeside(name: string): boolean {
  return NO_ENVIRONMENT.test(name);
}

/** A file's name with the environment in it taken out: `values-{environment}.yaml` and `prod-eu`. */
export interface FileStage {
  readonly template: string;
  readonly environment: string;
}

/** Where a file's name says the environment; undefined where it says none. */
export function fileStage(name: string): FileStage | undefined {
  const [, stem = '', ending = ''] = /^(.*?)(\.(?:ya?ml|json|env))?$/i.exec(name) ?? [];
  const parts = stem.split(/([-._])/);
  const first = parts.findIndex((part) => isStageName(part));
  if (first < 0) return undefined;
  // `prod-eu` and `staging-us` are environments; in `prod-values` the environment ends at the word of the file.
  let last = first + 1;
  while (last < parts.length && !FILE_WORDS.has(parts[last + 1] ?? '')) last += 2;
  const before = parts.slice(0, first).join('');
  const after = parts.slice(last).join('');
  if (first > 0 && !/^(?:\.|.*[A-Za-z0-9][-._])$/.test(before)) return undefined;
  return { template: `${before}{environment}${after}${ending}`, environment: parts.slice(first, last).join('') };
}

function wordsIn(name: string): readonly string[] {
  return name.toLowerCase().split(/[._-]/);
}
