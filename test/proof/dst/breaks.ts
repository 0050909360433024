import type { Context } from '../../../src/engine/context.ts';
import type { Command, Told } from './commands.ts';
import type { OpenProcess } from './process.ts';
import type { World } from './world.ts';

/** A defect that is built into the harness. */
export interface Break {
  wrap(opened: OpenProcess, world: World): OpenProcess;
  readonly run?: (context: Context, command: Command) => Promise<readonly Told[]>;
}
