// What somebody who may write to one branch can put there to stop everybody: few bytes to make, and very much to read.
import type { TestPipeline } from './pipeline.ts';

type Git = TestPipeline['repository']['git'];

const RECORD = '.tagflow/releases/dev.yaml';
const AUTHOR = ['-c', 'user.name=eve', '-c', 'user.email=eve@example.org'] as const;

async function blobOf(git: Git, text: string): Promise<string> {
  return (await git(['hash-object', '-w', '--stdin'], text)).trim();
}

async function treeOf(git: Git, lines: readonly string[]): Promise<string> {
  return (await git(['mktree', '--missing'], lines.map((line) => `${line}\n`).join(''))).trim();
}

/** Puts a tree in the place of environments/dev/NAME of the branch dev. */
async function putOnDev({ repository: { git } }: TestPipeline, name: string, entry: string): Promise<void> {
  const without = async (at: string, gone: string): Promise<string[]> =>
    (await git(['ls-tree', at])).split('\n').filter((line) => line !== '' && !line.endsWith(`\t${gone}`));
  const dev = await treeOf(git, [...(await without('dev:environments/dev', name)), `${entry}\t${name}`]);
  const environments = await treeOf(git, [...(await without('dev:environments', 'dev')), `040000 tree ${dev}\tdev`]);
  const root = await treeOf(git, [
    ...(await without('dev', 'environments')),
    `040000 tree ${environments}\tenvironments`,
  ]);
  await moveDev(git, (await git([...AUTHOR, 'commit-tree', root, '-p', 'dev', '-m', 'tidy up'])).trim());
}

async function moveDev(git: Git, commit: string): Promise<void> {
  await git(['update-ref', 'refs/heads/dev', commit]);
}

/** Folders in folders, each with ten entries that are the same: 10^(levels + 1) paths in a dozen objects. */
async function bomb(git: Git, levels: number, leaves = 10): Promise<string> {
  const blob = await blobOf(git, 'x: 1\n');
  const name = (index: number): string => String(index).padStart(6, '0');
  let tree = await treeOf(
    git,
    Array.from({ length: leaves }, (_, index) => `100644 blob ${blob}\tf${name(index)}.yaml`),
  );
  for (let level = 0; level < levels; level += 1) {
    const below = tree;
    tree = await treeOf(
      git,
      Array.from({ length: 10 }, (_, index) => `040000 tree ${below}\td${index}`),
    );
  }
  return tree;
}

/** Commits in one go, by git fast-import. */
async function importCommits(git: Git, branch: string, commits: readonly string[]): Promise<void> {
  await git(['fast-import', '--quiet', '--force'], `${commits.join('')}done\n`);
  await git(['update-ref', `refs/heads/${branch}`, `refs/heads/import`]);
  await git(['update-ref', '-d', 'refs/heads/import']);
}

function importedCommit(index: number, from: string | undefined, files: string, message = 'x'): string {
  const parent = index === 0 && from !== undefined ? `from ${from}\n` : '';
  return `commit refs/heads/import\ncommitter e <e@example.org> ${1_700_000_000 + index} +0000\ndata ${message.length}\n${message}\n${parent}${files}`;
}

const inline = (path: string, text: string): string => `M 100644 inline ${path}\ndata ${text.length}\n${text}\n`;

/** A hostile content, by what it is. */
export interface HostileContent {
  readonly name: string;
  plant(pipeline: TestPipeline): Promise<void>;
  /** How much memory a command may take of it, in MB, where that is more than usual: what is parsed of manifests stays in memory. */
  readonly megabytes?: number;
}

async function manyRecords(
  { repository: { git } }: TestPipeline,
  count: number,
  text: (index: number) => string,
): Promise<void> {
  const dev = (await git(['rev-parse', 'dev'])).trim();
  const commits = Array.from({ length: count }, (_, index) => importedCommit(index, dev, inline(RECORD, text(index))));
  await importCommits(git, 'dev', commits);
}

/** Every hostile content. */
export const HOSTILE: readonly HostileContent[] = [
  {
    name: 'a tree of 10^9 paths',
    plant: async (pipeline) => putOnDev(pipeline, 'bomb', `040000 tree ${await bomb(pipeline.repository.git, 8)}`),
  },
  {
    name: '300,000 manifests in folders that are the same',
    plant: async (pipeline) =>
      putOnDev(pipeline, 'many', `040000 tree ${await bomb(pipeline.repository.git, 2, 3_000)}`),
  },
  {
    name: '300,000 manifests in one folder',
    plant: async (pipeline) =>
      putOnDev(pipeline, 'wide', `040000 tree ${await bomb(pipeline.repository.git, 0, 300_000)}`),
  },
  {
    name: 'folders within folders, 1,500 deep',
    async plant(pipeline) {
      const { git } = pipeline.repository;
      await git(
        ['fast-import', '--quiet', '--force'],
        importedCommit(0, undefined, `M 100644 ${await blobOf(git, 'x: 1\n')} ${'d/'.repeat(1500)}f.yaml\n`),
      );
      await putOnDev(pipeline, 'deep', `040000 tree ${(await git(['rev-parse', 'import^{tree}'])).trim()}`);
      await git(['update-ref', '-d', 'refs/heads/import']);
    },
  },
  {
    name: 'manifests of 200 MB together',
    async plant(pipeline) {
      const { git } = pipeline.repository;
      const blobs = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => blobOf(git, `# ${index}\n${'x'.repeat(20e6)}`)),
      );
      const tree = await treeOf(
        git,
        blobs.map((blob, index) => `100644 blob ${blob}\tf${index}.yaml`),
      );
      await putOnDev(pipeline, 'large', `040000 tree ${tree}`);
    },
  },
  {
    name: 'names of 4,000 letters',
    async plant(pipeline) {
      const { git } = pipeline.repository;
      const blob = await blobOf(git, 'x: 1\n');
      const lines = Array.from(
        { length: 3_000 },
        (_, index) => `100644 blob ${blob}\t${String(index).padStart(5, '0').padEnd(4_000, 'n')}`,
      );
      await putOnDev(pipeline, 'names', `040000 tree ${await treeOf(git, lines)}`);
    },
  },
  {
    name: 'a commit with a message of 60 MB',
    async plant({ repository: { git } }) {
      const message = 'm'.repeat(60e6);
      await moveDev(git, (await git([...AUTHOR, 'commit-tree', 'dev^{tree}', '-p', 'dev'], message)).trim());
    },
  },
  {
    name: 'a commit with 20,000 parents',
    async plant({ repository: { git } }) {
      const [tree, dev] = (await git(['rev-parse', 'dev^{tree}', 'dev'])).trim().split('\n');
      const parents = Array.from({ length: 20_000 }, () => `parent ${dev}\n`).join('');
      const who = 'eve <eve@example.org> 1700000000 +0000';
      const text = `tree ${tree}\n${parents}author ${who}\ncommitter ${who}\n\nmerge\n`;
      await moveDev(git, (await git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], text)).trim());
    },
  },
  {
    name: 'a record of 60 MB',
    plant: async ({ repository }) => void (await repository.commit('dev', { [RECORD]: `# x\n${'y'.repeat(60e6)}` })),
  },
  {
    name: 'a record of 200,000 levels',
    plant: async ({ repository }) =>
      void (await repository.commit('dev', { [RECORD]: `schema: ${'['.repeat(200_000)}` })),
  },
  {
    name: 'seven records of 60 MB',
    plant: async (pipeline) => manyRecords(pipeline, 7, (index) => `# ${index}\n${'y'.repeat(60e6)}`),
  },
  {
    name: 'forty records with very many keys',
    plant: async (pipeline) => {
      const keys = Array.from({ length: 9_000 }, (_, index) => `  i${index}: {repository: a}`).join('\n');
      await manyRecords(pipeline, 40, (index) => `schema: 2\nimages:\n${keys}\n# ${index}\n`);
    },
  },
  {
    name: '5,000 records that are not',
    plant: async (pipeline) => manyRecords(pipeline, 5_000, (index) => `schema: 2\nsequence: ${index}\n`),
  },
  {
    name: 'manifests that spell a thousand million items',
    async plant({ repository }) {
      const letters = Array.from('abcdefghij');
      const laugh = letters.map(
        (letter, index) =>
          `${letter}: &${letter} [${Array.from({ length: 9 }, () => (index === 0 ? 'x' : `*${letters[index - 1]}`)).join(', ')}]`,
      );
      const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join(', ');
      const merged = Array.from({ length: 1_000 }, (_, index) => `b${index}: {<<: *a}`).join('\n');
      await repository.commit('dev', {
        'environments/dev/laugh.yaml': `${laugh.join('\n')}\n`,
        'environments/dev/merge.yaml': `a: &a {${keys}}\n${merged}\n`,
        'environments/dev/deep.yaml': `a: ${'{a: '.repeat(50_000)}1${'}'.repeat(50_000)}\n`,
        'environments/dev/flow.yaml': '['.repeat(200_000),
      });
    },
  },
  {
    name: 'a file by hand in which every line changed',
    async plant({ repository }) {
      const lines = (letter: string): string =>
        Array.from({ length: 40_000 }, (_, index) => `${letter}${index}: 1\n`).join('');
      await repository.commit('dev', { 'environments/base/generated.yaml': lines('a') });
      await repository.commit('stg', { 'environments/base/generated.yaml': lines('b') });
    },
  },
  {
    name: 'a hundred commits by hand that each change thousands of lines',
    async plant({ repository: { git } }) {
      const lines = (word: string): string =>
        Array.from({ length: 4_000 }, (_, index) => `k${index}: ${index % 8 === 0 ? word : 'v'}\n`).join('');
      const dev = (await git(['rev-parse', 'dev'])).trim();
      const path = 'environments/base/django.yaml';
      const commits = Array.from({ length: 100 }, (_, index) =>
        importedCommit(index, dev, inline(path, lines(`own${index}`))),
      );
      await importCommits(git, 'dev', commits);
    },
  },
  {
    name: 'thirty commits by hand that each change 50,000 manifests',
    megabytes: 450,
    async plant({ repository: { git } }) {
      const dev = (await git(['rev-parse', 'dev'])).trim();
      const blobs = await Promise.all(Array.from({ length: 30 }, async (_, commit) => blobOf(git, `k: ${commit}\n`)));
      const commits = blobs.map((blob, index) => {
        const files = Array.from(
          { length: 50_000 },
          (_, file) => `M 100644 ${blob} environments/dev/wide/d${file % 100}/f${file}.yaml\n`,
        );
        return importedCommit(index, dev, files.join(''));
      });
      await importCommits(git, 'dev', commits);
    },
  },
  {
    name: 'manifests of 30 MB that name an image',
    megabytes: 450,
    async plant({ repository }) {
      const text = (file: number): string => {
        const lines = Array.from({ length: 40_000 }, (_, line) => `k${line}: django # ${'x'.repeat(5)}\n`);
        return `# ${file}\n${lines.join('')}`;
      };
      const files = Array.from({ length: 30 }, (_, file) => [`environments/dev/m${file}.yaml`, text(file)] as const);
      await repository.commit('dev', Object.fromEntries(files));
      // Otherwise Git compares them with one another, on the server's side, in every fetch.
      await repository.git(['repack', '-adq']);
    },
  },
  {
    name: 'names that globs with many stars nearly match',
    async plant({ repository }) {
      const path = `environments/${'a'.repeat(200)}/${'ab'.repeat(60)}.yml`;
      await repository.commit('dev', { [path]: 'x: 1\n' });
      await repository.commit('dev', {
        'environments/dev/kustomization.yaml': `resources: [${Array.from({ length: 200 }, (_, index) => `"../${'*a'.repeat(40)}${index}.yaml"`).join(', ')}]\n`,
      });
    },
  },
];
