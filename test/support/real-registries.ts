// The registries of others that the adapter's contracts are run over, and how they differ.
import { startDockerRegistry } from './docker-registry.ts';
import { startZot } from './zot.ts';

interface RealRegistry {
  /** The program it takes. */
  readonly program: string;
  readonly name: string;
  /** It cannot be installed everywhere: where it is missing, nothing fails. */
  readonly optional: boolean;
  /** What happens when a tag is removed: docker-registry 2.8 takes digests only, and an image goes with them. */
  readonly removal: 'removed' | 'unsupported';
  /** Whether an image stays when its only tag moves away from it. */
  readonly keepsUntagged: boolean;
  start(): Promise<{ readonly host: string; stop(): Promise<void> }>;
}

/** All of them. `.ci/run` installs the first, and builds the second where Go is new enough. */
export const REAL_REGISTRIES: readonly RealRegistry[] = [
  {
    program: 'docker-registry',
    name: 'docker-registry 2.8.2',
    optional: false,
    removal: 'unsupported',
    keepsUntagged: true,
    start: () => startDockerRegistry({ delete: true }),
  },
  {
    program: 'distribution',
    name: 'distribution 3.0',
    optional: true,
    removal: 'removed',
    keepsUntagged: true,
    start: () => startDockerRegistry({ program: 'distribution', delete: true }),
  },
  { program: 'zot', name: 'zot 2.1', optional: true, removal: 'removed', keepsUntagged: false, start: startZot },
];
