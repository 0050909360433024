// Data of pages, as large and as hostile as a test wants it.
import { createHash } from 'node:crypto';
import type { PageData, PageLine, PageRelease } from '../../src/views/report/page-types.ts';

const HOUR = 3_600_000;
const MADE = Date.UTC(2026, 10, 30);

/** How large. */
export interface PageSize {
  readonly applications: number;
  /** Of each line. */
  readonly releases: number;
  /** Stands wherever a person could have written something. */
  readonly text?: string;
}

/** Data of applications in dev and prd, with as many releases each. Equal sizes give equal data. */
export function pageDataFor({ applications, releases, text = 'SHOP-7 new checkout' }: PageSize): PageData {
  const lines = Array.from({ length: applications }, (_, index) =>
    ['dev', 'prd'].map((environment) =>
      lineFor(environment, applications === 1 ? null : `app-${index}`, releases, text),
    ),
  );
  return {
    schemaVersion: 1,
    made: MADE,
    since: MADE - 90 * 24 * HOUR,
    trunk: 'main',
    lines: lines.flat(),
    journal: [
      {
        kind: 'lock',
        id: '0123456789ab',
        environment: 'prd',
        application: null,
        time: new Date(MADE - 48 * HOUR).toISOString(),
        until: null,
        ends: null,
        by: text,
        reason: text,
      },
    ],
    findings: [
      {
        rule: 'foreign',
        environment: 'prd',
        branch: 'prd',
        commit: hex('finding', 40),
        author: text,
        time: MADE - HOUR,
        problem: text,
      },
    ],
    checkProblem: null,
  };
}

function lineFor(environment: string, application: string | null, releases: number, text: string): PageLine {
  const name = application === null ? environment : `${environment}/${application}`;
  return {
    name,
    environment,
    application,
    branch: environment,
    from: environment === 'prd' ? 'dev' : 'main',
    metrics: null,
    marks: [{ word: 'drift', bad: true }],
    remarks: [`drift: ${text}   fix: tagflow apply ${name}`],
    problem: null,
    releases: Array.from({ length: releases }, (_, index) => releaseFor(name, releases - index, text)),
  };
}

function releaseFor(line: string, number: number, text: string): PageRelease {
  const images = ['django', 'mariadb'].map((name) => {
    // One of the images changes with each release.
    const version = name === 'django' ? `V4.${number}` : `V10.${Math.floor(number / 10)}`;
    return {
      name,
      repository: `registry.example.org/shop/${name}`,
      version,
      digest: `sha256:${hex(`${line} ${name} ${version}`, 64)}`,
    };
  });
  return {
    number,
    commit: hex(`${line} ${number}`, 40),
    since: MADE - (20_000 - number) * HOUR,
    action: number % 10 === 0 ? 'rollback' : 'promote',
    restored: number % 10 === 0 ? number - 2 : null,
    images,
    source: { environment: null, branch: 'main', commit: hex(`main ${number}`, 40) },
    actor: 'ci',
    onBehalfOf: text,
    signer: null,
    job: `https://ci.example.org/jobs/${number}`,
    reason: text,
    gates: [
      { gate: 'downgrade', decision: 'pass', reason: 'no image is older', by: null, why: null },
      { gate: 'held', decision: 'pass', reason: 'no image in this release is on hold', by: null, why: null },
      { gate: 'divergence', decision: 'pass', reason: text, by: null, why: null },
    ],
    held: [],
    verification: null,
  };
}

function hex(seed: string, length: number): string {
  return createHash('sha256').update(seed).digest('hex').slice(0, length);
}
