// The demo's story where environments are folders of one branch: two applications, each released on its own and both together.
import { EXIT } from '../../model/errors.ts';
import { type Scene, changeOnApp } from './story.ts';

const ANA = { name: 'ana' };

/** The story, in order. */
export const FOLDERS_STORY: readonly Scene[] = [
  { say: 'Environments are folders on main, and two applications are side by side: shop and db.' },
  {
    run: ['promote', 'dev', 'shop', 'db', 'shop/django=V4.0', 'db/mariadb=V10.6', '--reason', 'first release'],
    daysAgo: 90,
    by: { name: 'ana', pipeline: 71 },
  },
  { say: 'All applications go on together: one commit, one push, a record for each.' },
  { run: ['promote', 'stg', '--all'], daysAgo: 89, by: { name: 'ana', pipeline: 72 } },
  { run: ['promote', 'prd', '--all', '--reason', 'go live'], daysAgo: 88, by: { name: 'ben', pipeline: 74 } },
  { say: 'The shop has a new version. It moves alone; somebody commits to main in between, and nothing minds.' },
  {
    run: ['promote', 'dev', 'shop', 'django=V4.2', '--reason', 'SHOP-7 new checkout'],
    daysAgo: 24,
    by: { name: 'chen', pipeline: 203 },
  },
  { change: changeOnApp, daysAgo: 23.5, by: { name: 'chen' } },
  { run: ['promote', 'stg', 'shop'], daysAgo: 23, by: { name: 'chen', pipeline: 204 } },
  { run: ['promote', 'prd', '--all', '--reason', 'SHOP-7'], daysAgo: 21, by: { name: 'ana', pipeline: 211 } },
  { run: ['status', 'prd'], daysAgo: 20.95, by: ANA },
  { say: 'The checkout fails in production. The shop goes back; the database does not.' },
  { run: ['rollback', 'prd', 'shop', '--reason', 'INC-412 checkout 500s'], daysAgo: 20.9, by: ANA },
  { say: 'Automation would put it straight back; it is refused until somebody lifts the hold.' },
  { run: ['promote', 'prd', 'shop'], exit: EXIT.refused, daysAgo: 20.8, by: { name: 'ana', pipeline: 212 } },
  { run: ['history', 'prd'], daysAgo: 0, by: ANA },
  { run: ['check', '--no-registry'], daysAgo: 0, by: ANA },
];
