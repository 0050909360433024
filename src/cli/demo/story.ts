// The demo's story: months of a shop's releases, told by the commands that made them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../../model/errors.ts';
import { type Sandbox, changeOnTrunk } from './sandbox.ts';

/** Who acts: a person, and the job that acts for them where it is one. */
export interface Actor {
  readonly name: string;
  readonly pipeline?: number;
}

/** A moment of the story, in days before now. */
export interface SceneMoment {
  readonly daysAgo: number;
  readonly by: Actor;
}

/** A line of the story: what is going on, the command that shows it (`exit` where it is not 0), or a change on the trunk. */
export type Scene =
  | { readonly say: string }
  | ({ readonly run: readonly string[]; readonly exit?: number } & SceneMoment)
  | ({ readonly change: (sandbox: Sandbox, moment: SceneMoment) => Promise<void> } & SceneMoment);

const SETTINGS = 'environments/base/django.yaml';
const ANA: Actor = { name: 'ana' };

/** A person whose pipeline acts for them. */
export function job(name: string, pipeline: number): Actor {
  return { name, pipeline };
}

/** The story, in order. It ends where docs/tutorial.md begins. */
export const STORY: readonly Scene[] = [
  { say: 'In spring the shop moves to tagflow. The environment branches do not exist yet: init makes them.' },
  { run: ['init', '--yes'], daysAgo: 181, by: ANA },
  { say: 'A first release goes through all environments. Each promotion is one commit, and tags that are read back.' },
  {
    run: ['promote', 'dev', 'django=V4.0', 'mariadb=V10.6', '--reason', 'first release'],
    daysAgo: 180.2,
    by: job('ana', 71),
  },
  { run: ['promote', 'stg'], daysAgo: 180.1, by: job('ana', 72) },
  { run: ['promote', 'prd', '--reason', 'go live'], daysAgo: 178, by: job('ben', 74) },
  {
    say: 'Months later, a developer changes the configuration on the trunk, and django V4.2 is out: both travel together.',
  },
  { change: probeDatabase, daysAgo: 24.4, by: { name: 'chen' } },
  {
    run: ['promote', 'dev', 'django=V4.2', '--reason', 'SHOP-7 new checkout'],
    daysAgo: 24.3,
    by: job('chen', 203),
  },
  { run: ['promote', 'stg'], daysAgo: 23, by: job('chen', 204) },
  { run: ['diff', 'stg', 'prd'], daysAgo: 21.1, by: ANA },
  { run: ['promote', 'prd', '--reason', 'SHOP-7 new checkout'], daysAgo: 21, by: job('ana', 211) },
  { run: ['status'], daysAgo: 20.95, by: ANA },
  { say: 'The checkout fails in production. One command brings back the images and the configuration they ran with.' },
  { run: ['rollback', 'prd', '--reason', 'INC-412 checkout 500s'], daysAgo: 20.9, by: ANA },
  { say: 'Automation would put it straight back; it is refused until somebody lifts the hold.' },
  { run: ['promote', 'prd'], exit: EXIT.refused, daysAgo: 20.8, by: job('ana', 212) },
  { say: 'Today somebody asks what ran where, since when, by whom, and why.' },
  { run: ['history', 'prd'], daysAgo: 0, by: ANA },
  { run: ['where', 'django@V4.2'], daysAgo: 0, by: ANA },
  { run: ['status'], daysAgo: 0, by: ANA },
];

async function probeDatabase(sandbox: Sandbox, { daysAgo, by }: SceneMoment): Promise<void> {
  const before = await readFile(join(sandbox.directory, SETTINGS), 'utf8');
  const text = before.replace('path: /healthz\n', 'path: /healthz?deep=1\n');
  const message = 'django: probe the database as well';
  await changeOnTrunk(sandbox, { path: SETTINGS, text, message, author: by.name, daysAgo });
}

/** A change on the trunk that no release line owns. */
export async function changeOnApp(sandbox: Sandbox, { daysAgo, by }: SceneMoment): Promise<void> {
  const path = 'apps/shop/README.md';
  const text = 'The shop. Releases: tagflow history prd shop\n';
  await changeOnTrunk(sandbox, { path, text, message: 'shop: say where releases are', author: by.name, daysAgo });
}
