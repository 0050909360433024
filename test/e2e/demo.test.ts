// The demo's stories, played by the real commands: months of releases, and what stops one, with ssh-keygen and without.
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli, succeeded } from '../support/cli.ts';
import { run } from '../support/git-repository.ts';
import { describeReal } from '../support/real.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gates-demo-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** What every telling of what stops a release has. */
function expectStory(output: string): void {
  expect(output).toMatch(/✗ failed release 2 of stg\nrolled back: release 3 restores release 1/);
  expect(output).toMatch(/refused: prd is locked/);
  expect(output).toMatch(/refused: prd is frozen/);
  expect(output).toMatch(/^\$ tagflow promote prd --override freezes/m);
}

it('plays both stories without ssh-keygen, says what is left out, and what it leaves can be played with', async () => {
  const bin = join(folder, 'bin');
  await run('mkdir', ['-p', bin]);
  for (const program of ['git', 'sh']) {
    const [path = ''] = (await run('which', [program])).trim().split('\n');
    await symlink(path, join(bin, program));
  }
  const result = await runCli(['demo', 'shop'], { cwd: folder, env: { PATH: bin } });
  const output = succeeded(result);
  expect(output).toMatch(/^\$ tagflow rollback prd --reason "INC-412 checkout 500s"$/m);
  expect(output).toMatch(/refused: django V4\.2 is on hold for prd/);
  expectStory(output);
  expect(output).toMatch(/Two approvals: left out, as there is no ssh-keygen here/);
  expect(output).not.toMatch(/tagflow approve/);
  const left = succeeded(await runCli(['-C', 'shop', 'status', '--exit-code'], { cwd: folder }));
  expect(left).toMatch(/^prd +django +V4\.0 .*✓ in sync +✓ in sync$/m);
  const pins = await readFile(join(folder, 'shop/environments/prd/kustomization.yaml'), 'utf8');
  expect(pins).toBe(await readFile(join(import.meta.dirname, '../../environments/prd/kustomization.yaml'), 'utf8'));
}, 240_000);

describeReal('with keys', ['ssh-keygen'], () => {
  it('two people approve, and the release goes through', async () => {
    const output = succeeded(await runCli(['demo', 'signed', '--story', 'gates'], { cwd: folder }));
    expectStory(output);
    expect(output).toMatch(/refused: prd needs 2 approvals of this release, and has 0/);
    expect(output).toMatch(
      /approve prd {3}id [0-9a-f]{12}[\s\S]*approve prd {3}id [0-9a-f]{12}[\s\S]*committed [0-9a-f]{7} to prd/,
    );
  }, 240_000);
});
