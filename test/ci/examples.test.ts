// The files for Jenkins, Tekton and Kubernetes that people copy: what their scripts run in a shell, whatever the values are, and
// after which exit codes they try again.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../src/cli/program.ts';
import { captureIo } from '../support/io.ts';

const folder = join(import.meta.dirname, '../../docs/ci');
const HOSTILE = `V1"; touch /tmp/owned; $(id) 'x' *`;

const TASK = parse(readFileSync(join(folder, 'tekton-task.yaml'), 'utf8')) as {
  spec: { steps: readonly [{ script: string; env: readonly { name: string; value: string }[] }] };
};
const JENKINS = readFileSync(join(folder, 'Jenkinsfile'), 'utf8');
const SCRIPTS = {
  tekton: TASK.spec.steps[0].script,
  jenkins: /sh '''([^]*?)'''/.exec(JENKINS)?.[1] ?? '',
};
type Script = keyof typeof SCRIPTS;

/** Runs a script with a tagflow that ends with these codes, one after the other: its exit code, and what tagflow was called with. */
function play(
  name: Script,
  values: { environment: string; images: string },
  codes: readonly number[],
  hooks: Readonly<Record<string, string>> = {},
) {
  const work = mkdtempSync(join(tmpdir(), 'tagflow-example-'));
  onTestFinished(() => rmSync(work, { recursive: true }));
  const at = (file: string): string => join(work, file);
  const spy = [
    'sleep() { :; }',
    `tagflow() { printf '[%s]' "$@" >>"${at('calls')}"; printf '\\n' >>"${at('calls')}"`,
    `set -- ${codes.join(' ')}; shift "$(($(wc -l <"${at('calls')}") - 1))"`,
    `printf 'TAGFLOW_DIGEST=sha256:a\\nTAGFLOW_COMMIT=b\\n' >"${at('env')}"; return "$1"; }`,
  ].join('\n');
  const variables = {
    PATH: process.env['PATH'] ?? '',
    TAGFLOW_JOB_ENVIRONMENT: values.environment,
    TAGFLOW_JOB_IMAGES: values.images,
    TARGET: values.environment,
    IMAGES: values.images,
    TAGFLOW_DOTENV: at('env'),
    TAGFLOW_JOB_DIGEST: at('digest'),
    TAGFLOW_JOB_COMMIT: at('commit'),
    ...hooks,
  };
  let code = 0;
  writeFileSync(at('calls'), '');
  try {
    execFileSync('sh', ['-c', `${spy}\n${SCRIPTS[name]}`], { env: variables, cwd: work, stdio: 'pipe' });
  } catch (error) {
    code = (error as { status: number }).status;
  }
  return { code, calls: readFileSync(at('calls'), 'utf8').trim().split('\n'), at };
}

describe.each(['tekton', 'jenkins'] as const)('the script for %s', (name) => {
  it('promotes, and splits images at blanks alone', () => {
    const { code, calls } = play(name, { environment: HOSTILE, images: 'web=V1 * $(id)' }, [0]);
    expect([code, calls]).toEqual([0, [`[promote][${HOSTILE}][web=V1][*][$(id)]`]]);
  });

  it.each([
    { codes: [5, 7, 0], ends: 0, calls: 3 },
    { codes: [8, 8, 8, 0], ends: 8, calls: 3 },
    { codes: [3, 0], ends: 3, calls: 1 },
    { codes: [6, 0], ends: 6, calls: 1 },
  ])('after $codes it ends with $ends', ({ codes, ends, calls }) => {
    const played = play(name, { environment: 'prd', images: '' }, codes);
    expect([played.code, played.calls]).toEqual([ends, Array.from({ length: calls }, () => '[promote][prd]')]);
  });
});

describe.each(['tekton', 'jenkins'] as const)('hooks of the script for %s', (name) => {
  const HOOKS = {
    TAGFLOW_JOB_BEFORE: 'echo before >>hooks',
    TAGFLOW_JOB_AFTER: 'echo "after $TAGFLOW_DIGEST" >>hooks',
    TAGFLOW_JOB_ON_FAILURE: 'echo "failed $TAGFLOW_JOB_EXIT" >>hooks; exit 1',
  };
  const played = (codes: readonly number[], hooks: object = {}) => {
    const { code, at } = play(name, { environment: HOSTILE, images: '' }, codes, { ...HOOKS, ...hooks });
    return [code, existsSync(at('hooks')) ? readFileSync(at('hooks'), 'utf8').trim().split('\n') : []];
  };

  it('run before and after it, with its facts as variables', () => {
    expect(played([5, 0])).toEqual([0, ['before', 'after sha256:a']]);
  });

  it('run on failure, and the exit code stays that of tagflow', () => {
    expect(played([3])).toEqual([3, ['before', 'failed 3']]);
    expect(played([8, 8, 8])).toEqual([8, ['before', 'failed 8']]);
  });

  it('that fail before it let nothing happen, and after it fail the job', () => {
    expect(played([0], { TAGFLOW_JOB_BEFORE: 'exit 5' })).toEqual([1, []]);
    expect(played([0], { TAGFLOW_JOB_AFTER: 'exit 5' })).toEqual([1, ['before']]);
  });
});

describe('what the examples allow', () => {
  it('programs of the trunk may judge releases', () => {
    expect(TASK.spec.steps[0].env).toContainEqual({ name: 'TAGFLOW_RUN', value: '1' });
    expect(JENKINS).toMatch(/^ {4}TAGFLOW_RUN = '1'$/m);
  });
});

describe('the task of Tekton', () => {
  it('writes its results', () => {
    const { at } = play('tekton', { environment: 'prd', images: '' }, [0]);
    expect([readFileSync(at('digest'), 'utf8'), readFileSync(at('commit'), 'utf8')]).toEqual(['sha256:a', 'b']);
  });

  it('puts no parameter into its script', () => {
    expect(SCRIPTS.tekton).not.toContain('$(params');
    expect(SCRIPTS.tekton).not.toContain('$(results');
  });
});

describe('the CronJob', () => {
  const job = parse(readFileSync(join(folder, 'kubernetes-cronjob.yaml'), 'utf8')) as {
    spec: {
      concurrencyPolicy: string;
      jobTemplate: {
        spec: {
          podFailurePolicy: {
            rules: readonly [{ action: string; onExitCodes: { operator: string; values: readonly number[] } }];
          };
          template: {
            spec: { restartPolicy: string; containers: readonly [{ image: string; args: readonly string[] }] };
          };
        };
      };
    };
  };
  const { podFailurePolicy, template } = job.spec.jobTemplate.spec;
  const [container] = template.spec.containers;

  it('runs what tagflow understands, by digest and one at a time', () => {
    const [name, option] = container.args;
    const command = createProgram(captureIo([]).io).commands.find((each) => each.name() === name);
    expect(command?.options.map(({ long }) => long)).toContain(option);
    expect(container.image).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(job.spec.concurrencyPolicy).toBe('Forbid');
  });

  it('fails permanently after codes that another try does not help; Kubernetes wants restartPolicy Never for that', () => {
    const [rule] = podFailurePolicy.rules;
    expect([rule.action, rule.onExitCodes.operator, template.spec.restartPolicy]).toEqual([
      'FailJob',
      'NotIn',
      'Never',
    ]);
    expect(rule.onExitCodes.values).toEqual(expect.arrayContaining([5, 7, 8]));
    for (const code of [1, 2, 3, 4, 6]) expect(rule.onExitCodes.values).not.toContain(code);
  });
});
