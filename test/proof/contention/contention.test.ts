// A round or two with a few actors, and planted defects that must be found.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../support/git-repository.ts';
import { describeSlow } from '../../support/real.ts';
import { type ContentionOptions, contend } from './contention.ts';
import type { Answer, FaultProxy } from './fault-proxy.ts';

const PROGRAM = join(import.meta.dirname, '../../../src/cli/main.ts');

/** Contends, and gives everything that was told. */
async function tell(options: Partial<ContentionOptions>): Promise<string> {
  const lines: string[] = [];
  const violations = await contend({
    actors: 4,
    rounds: 1,
    seed: 1,
    shared: 1,
    lateMs: 200,
    program: PROGRAM,
    say: (text) => void lines.push(text),
    ...options,
  });
  return [...lines, `${violations} violations`].join('\n');
}

/** A push whose branch is put back after it was acknowledged, as a server does that lost its disk. */
function forgetPush(proxy: FaultProxy, folderOf: () => string): void {
  let done = false;
  proxy.tamper = async (line, forward) => {
    if (done || !line.endsWith('/git-receive-pack')) return forward();
    const before = (await run('git', ['rev-parse', 'refs/heads/stg'], { cwd: folderOf() })).trim();
    const answer = await forward();
    const after = (await run('git', ['rev-parse', 'refs/heads/stg'], { cwd: folderOf() })).trim();
    if (after === before) return answer;
    done = true;
    // The answer has to arrive: what nobody was told can be lost.
    proxy.faulty = false;
    await run('git', ['update-ref', 'refs/heads/stg', before], { cwd: folderOf() });
    return answer;
  };
}

/** A tag that is accepted, not written, and read back as if it were. */
function forgetTag(proxy: FaultProxy, target = 'stg'): void {
  let put: Answer | undefined;
  proxy.tamper = async (line, forward) => {
    if (!line.endsWith(` /v2/acme/app/manifests/${target}`)) return forward();
    if (!line.startsWith('PUT')) return put ? { ...put, status: 200 } : forward();
    const digest = proxy.writes.findLast(({ tag }) => tag.startsWith(`${target}-`))?.digest ?? '';
    put = { status: 201, headers: { 'docker-content-digest': digest }, body: Buffer.alloc(0) };
    return put;
  };
}

describeSlow('contention', ['docker-registry'], () => {
  it('finds every promise kept, and says in figures what it saw', { timeout: 60_000 }, async () => {
    const told = await tell({});
    expect(told).toMatch(
      /contention: 4 actors in 1 processes × 1 rounds, 0 lost acknowledgements, 0 wrong verdicts, 0 duplicate records, 0 other violations\n0 violations$/,
    );
    expect(told).toMatch(/[1-9]\d* releases of [1-9]\d* pushes; exits: /);
  });

  it('finds every promise kept where two applications share a branch', { timeout: 120_000 }, async () => {
    expect(await tell({ grounds: ['lines'] })).toMatch(/\n0 violations$/);
  });

  it('finds a tag of one of them that was read back and is not there', { timeout: 120_000 }, async () => {
    const told = await tell({ grounds: ['lines'], prepare: (proxy) => forgetTag(proxy, 'shop-stg') });
    expect(told).toMatch(/exit-untrue|alias-differs/);
  });

  it('finds a push that was acknowledged and is not there', { timeout: 60_000 }, async () => {
    const told = await tell({ prepare: (proxy, season) => forgetPush(proxy, () => season.repository) });
    expect(told).toMatch(/acknowledged-lost/);
    expect(told).toMatch(/[1-9]\d* lost acknowledgements/);
  });

  it('finds a tag that was read back and is not there', { timeout: 60_000 }, async () => {
    const told = await tell({ prepare: (proxy) => forgetTag(proxy) });
    expect(told).toMatch(/exit-untrue|alias-differs/);
    expect(told).not.toMatch(/\n0 violations$/);
  });
});
