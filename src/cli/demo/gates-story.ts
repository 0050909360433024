// The demo's story about what stops a release: a deploy that checks itself and goes back, a lock, a freeze with an override, and
// two approvals. The last needs ssh-keygen.
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EXIT } from '../../model/errors.ts';
import { machineClock } from '../../compose/clock.ts';
import { type Sandbox, changeOnTrunk, momentOf } from './sandbox.ts';
import { type Actor, type SceneMoment, type Scene, job } from './story.ts';

const PEOPLE = ['ana', 'ben', 'chen'] as const;
const ANA: Actor = { name: 'ana' };
const BEN: Actor = { name: 'ben' };

/** The smoke test of the story: V4.2 is the version that fails. */
const SMOKE = `# Looks at the release that has just come: TAGFLOW_IMAGES says which it is.
case "$TAGFLOW_IMAGES" in
  *'"V4.2"'*) echo 'the checkout answers 500'; exit 1 ;;
esac
echo 'the checkout works'
`;

/** What production asks for, from one chapter to the next. */
type Chapter = 'open' | 'frozen' | 'approved';

/** Days from now until production thaws. */
const FROZEN_DAYS = 20;

function configuration(chapter: Chapter, isSigned: boolean): string {
  const thaw = new Date(momentOf(machineClock.now(), -FROZEN_DAYS)).toISOString().slice(0, 10);
  const gates = {
    open: '',
    frozen: `    gates:
      freezes:
        - { from: '2020-01-01T00:00', until: '${thaw}T00:00', zone: Europe/Berlin, reason: year end }
`,
    approved: `    gates:
      approvals: { count: 2, by: [ana@example.com, ben@example.com] }
`,
  };
  const rights = `    overrides: { freezes: [ana@example.com] }
    journalBy: { unlock: [ana@example.com], approve: [ana@example.com, ben@example.com] }
`;
  return `version: 1
${isSigned ? 'signing: ssh\nsigners: signers\n' : ''}images:
  django:
    repository: oci:registry/django
  mariadb:
    repository: oci:registry/mariadb
environments:
  dev: {}
  stg:
    from: dev
    verify:
      timeout: 4s
      onFailure: rollback
      steps:
        - { name: smoke, command: [sh, verify/smoke.sh] }
  prd:
    from: stg
${gates[chapter]}${isSigned ? rights : ''}`;
}

/** The story, in order. Without `ssh-keygen` nothing is signed, and the chapter that needs it is left out. */
export function gatesStory(isSigned: boolean): readonly Scene[] {
  const configure =
    (chapter: Chapter, message: string) =>
    async (sandbox: Sandbox, { daysAgo, by }: SceneMoment): Promise<void> => {
      const change = { path: 'tagflow.yaml', text: configuration(chapter, isSigned), message };
      await changeOnTrunk(sandbox, { ...change, author: by.name, daysAgo });
    };
  return [
    ...(isSigned ? [{ change: listSigners, daysAgo: 40, by: ANA }] : []),
    { change: addSmokeTest, daysAgo: 39.9, by: ANA },
    { change: configure('open', 'tagflow: stg checks itself'), daysAgo: 39.8, by: ANA },
    { run: ['init', '--yes'], daysAgo: 39.7, by: ANA },
    { say: 'A first release. On stg a smoke test of the trunk checks whether it runs.' },
    { run: ['promote', 'dev', 'django=V4.0', 'mariadb=V10.6'], daysAgo: 39.5, by: job('ana', 71) },
    { run: ['promote', 'stg', '--verify'], daysAgo: 39.4, by: job('ana', 72) },
    { run: ['promote', 'prd', '--reason', 'go live'], daysAgo: 39.3, by: job('ben', 73) },
    { say: 'The next version fails its smoke test. Nobody does anything: stg goes back by itself.' },
    { run: ['promote', 'dev', 'django=V4.2'], daysAgo: 12, by: job('chen', 203) },
    {
      run: ['promote', 'stg', '--verify'],
      exit: EXIT.verification,
      daysAgo: 11.9,
      by: job('chen', 204),
    },
    { run: ['history', 'stg'], daysAgo: 11.8, by: ANA },
    { say: 'The database of production is full. A lock stops the line at once, without a pull request.' },
    { run: ['promote', 'dev', 'mariadb=V10.11'], daysAgo: 8, by: job('chen', 211) },
    { run: ['promote', 'stg', 'mariadb=V10.11', '--verify'], daysAgo: 7.9, by: job('chen', 212) },
    { run: ['lock', 'prd', '--reason', 'INC-412 database is full'], daysAgo: 7.8, by: BEN },
    { run: ['promote', 'prd'], exit: EXIT.refused, daysAgo: 7.7, by: job('chen', 213) },
    { run: ['unlock', 'prd', '--reason', 'INC-412 is over'], daysAgo: 7.6, by: ANA },
    { say: 'The year ends, and production is frozen. A fix that cannot wait goes through, on the record.' },
    { change: configure('frozen', 'tagflow: freeze production'), daysAgo: 5, by: ANA },
    { run: ['promote', 'prd'], exit: EXIT.refused, daysAgo: 4.9, by: job('chen', 220) },
    {
      run: ['promote', 'prd', '--override', 'freezes', '--reason', 'INC-413 backups fail'],
      daysAgo: 4.8,
      by: ANA,
    },
    ...(isSigned ? approvals(configure) : [{ say: LEFT_OUT }]),
    { run: ['status'], daysAgo: 0, by: ANA },
    { run: ['journal'], daysAgo: 0, by: ANA },
  ];
}

const LEFT_OUT =
  'Two approvals: left out, as there is no ssh-keygen here. Approvals are signed, and OpenSSH 8.9 or newer signs.';

function approvals(configure: (chapter: Chapter, message: string) => SceneChange): readonly Scene[] {
  return [
    { say: 'From now on two people have to agree to what goes to production.' },
    { change: configure('approved', 'tagflow: two approvals for production'), daysAgo: 3, by: ANA },
    {
      run: ['promote', 'dev', 'mariadb=V10.6', '--allow-downgrade', '--reason', 'INC-414'],
      daysAgo: 2.9,
      by: job('chen', 230),
    },
    {
      run: ['promote', 'stg', 'mariadb=V10.6', '--allow-downgrade', '--verify', '--reason', 'INC-414'],
      daysAgo: 2.8,
      by: job('chen', 231),
    },
    {
      run: ['promote', 'prd', '--allow-downgrade', '--reason', 'INC-414'],
      exit: EXIT.refused,
      daysAgo: 2.7,
      by: job('chen', 232),
    },
    { run: ['approve', 'prd', '--reason', 'looked at the dump'], daysAgo: 2.6, by: ANA },
    { run: ['approve', 'prd'], daysAgo: 2.5, by: BEN },
    { run: ['promote', 'prd', '--allow-downgrade', '--reason', 'INC-414'], daysAgo: 2.4, by: job('chen', 233) },
  ];
}

type SceneChange = Extract<Scene, { readonly change: unknown }>['change'];

/** Where the key of a person of the story is. */
export function keyFileOf({ directory }: Sandbox, { name }: Actor): string {
  return join(directory, 'keys', name);
}

/** Makes a key for each person. Resolves to whether there is an ssh-keygen that does. */
export async function makeKeys(sandbox: Sandbox): Promise<boolean> {
  const { directory, env } = sandbox;
  await mkdir(join(directory, 'keys'), { recursive: true });
  try {
    for (const name of PEOPLE) {
      const args = ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', keyFileOf(sandbox, { name })];
      await promisify(execFile)('ssh-keygen', args, { env: { PATH: env['PATH'] ?? '' } });
    }
    return true;
  } catch {
    return false;
  }
}

async function listSigners(sandbox: Sandbox, { daysAgo, by }: SceneMoment): Promise<void> {
  const lines = await Promise.all(
    PEOPLE.map(async (name) => `${name}@example.com ${await readFile(`${keyFileOf(sandbox, { name })}.pub`, 'utf8')}`),
  );
  const change = { path: 'signers', text: lines.join(''), message: 'tagflow: who signs releases' };
  await changeOnTrunk(sandbox, { ...change, author: by.name, daysAgo });
}

async function addSmokeTest(sandbox: Sandbox, { daysAgo, by }: SceneMoment): Promise<void> {
  await mkdir(join(sandbox.directory, 'verify'), { recursive: true });
  const change = { path: 'verify/smoke.sh', text: SMOKE, message: 'verify: a smoke test' };
  await changeOnTrunk(sandbox, { ...change, author: by.name, daysAgo });
}
