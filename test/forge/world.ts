// A world of the forge contract over the wire: the forge server, and the real adapters that speak to it.
import type { Forge } from '../../src/forge/forge.ts';
import { createGithub, type ForgeOptions } from '../../src/forge/github.ts';
import { createGitlab } from '../../src/forge/gitlab.ts';
import type { ForgeKind } from '../../src/model/pipeline.ts';
import { createAgents } from '../../src/http/agents.ts';
import { createRedactor } from '../../src/http/redact.ts';
import type { ForgeWorld } from '../contract/forge.ts';
import { type InstantClock, createInstantClock } from '../support/clock.ts';
import { FORGE_TOKENS, type ForgeServer, startForgeServer } from '../support/forge-server.ts';

/** A world whose wire can be looked at. */
export interface WireWorld extends ForgeWorld {
  readonly server: ForgeServer;
  readonly clock: InstantClock;
  /** The adapter with other settings. */
  with(options: Partial<ForgeOptions>): Forge;
}

/** The path of the requests that open, as the server sees it. */
export const OPENING = { github: /^POST .*\/pulls$/, gitlab: /^POST .*\/merge_requests$/ } as const;

/** A world with `main` in it. */
export async function createWireWorld(kind: ForgeKind): Promise<WireWorld> {
  const server = await startForgeServer();
  await server.repository.commit('main', { 'tagflow.yaml': 'a: 1\n' });
  const clock = createInstantClock();
  const agents = createAgents({ env: {} });
  const redactor = createRedactor();
  for (const token of Object.values(FORGE_TOKENS)) redactor.add(token);
  const make = (options: Partial<ForgeOptions> = {}): Forge =>
    (kind === 'github' ? createGithub : createGitlab)({
      api: new URL(`${server.origin}/api/${kind === 'github' ? 'v3' : 'v4'}`),
      project: 'acme/app',
      token: { value: FORGE_TOKENS.writer, kind: 'access', from: 'TAGFLOW_FORGE_TOKEN' },
      redact: redactor.redact,
      agentOf: agents.pick,
      clock,
      random: () => 0.5,
      ...options,
    });
  return {
    server,
    clock,
    with: make,
    forge: ({ user = 'writer', signal } = {}) =>
      make({ token: { value: FORGE_TOKENS[user], kind: 'access', from: 'TAGFLOW_FORGE_TOKEN' }, signal }),
    async commit(branch, files, from = 'main') {
      const head = (await server.repository.head(branch)) ?? (await server.repository.head(from))!;
      return server.repository.commit(branch, files, { parents: [head] });
    },
    head: async (branch) => server.repository.head(branch),
    merge: server.merge,
    closeByHand: server.closeByHand,
    openFromFork: server.openFromFork,
    openMany: server.openMany,
    kept: server.kept,
    reportStatus: server.reportStatus,
    review: server.review,
    protect: server.protect,
    hideRules: server.hideRules,
    loseNextOpening() {
      server.intercept(
        OPENING[kind],
        async (_request, next) => {
          await next();
          return 'drop' as const;
        },
        1,
      );
    },
    async stop() {
      agents.close();
      await server.stop();
    },
  };
}
