// Data of pages, as large and as hostile as a test wants it.
import { createHash } from 'node:crypto';
import type { PageData, PageLine, PageMetrics, PageRelease } from '../../src/views/report/page-types.ts';

const HOUR = 3_600_000;
const MADE = Date.UTC(2026, 10, 30);

/** How large. */
export interface PageSize {
  readonly applications: number;
  /** Of each line. */
  readonly releases: number;
  /** What applications are called, before their number. */
  readonly name?: string;
  /** Stands wherever a person could have written something. */
  readonly text?: string;
  /** Characters of each reason that nothing can compress. */
  readonly noise?: number;
  /** Recent releases, with metrics: the second one failed. */
  readonly metrics?: boolean;
}

/** Data of applications in dev and prd, with as many releases each. Equal sizes give equal data. */
export function pageDataFor({
  applications,
  releases,
  name = 'app',
  text = 'SHOP-7 new checkout',
  metrics = false,
  noise = 0,
}: PageSize): PageData {
  const lines = Array.from({ length: applications }, (_, index) =>
    ['dev', 'prd'].map((environment) =>
      lineFor(environment, applications === 1 ? null : `${name}-${index}`, { releases, text, metrics, noise }),
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
        image: null,
      },
    ],
    journalSince: null,
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
    problem: null,
  };
}

const METRICS: PageMetrics = {
  deployments: [1, 2, 3, 4],
  deploymentsPerWeek: 4,
  deploymentIntervalSeconds: 3600,
  changeLeadTimeSeconds: 5400,
  changes: [
    { release: 3, seconds: 5400 },
    { release: 4, seconds: 90_000 },
  ],
  changed: [3, 4],
  leadTimeUnknown: [1, 2],
  failed: [{ release: 2, sign: 'rollback', recovered: 3 }],
  changeFailRate: 0.25,
  failedDeploymentRecoveryTimeSeconds: 3600,
  rework: [],
  deploymentReworkRate: 0,
};

function lineFor(
  environment: string,
  application: string | null,
  { releases, text, metrics, noise }: Required<Omit<PageSize, 'applications' | 'name'>>,
): PageLine {
  const first = MADE - (metrics ? releases + 1 : 20_000) * HOUR;
  const name = application === null ? environment : `${environment}/${application}`;
  return {
    name,
    environment,
    application,
    branch: environment,
    from: environment === 'prd' ? 'dev' : 'main',
    metrics: metrics ? METRICS : null,
    freezes: [{ start: first + HOUR, end: first + 2 * HOUR, reason: text }],
    marks: [{ word: 'registry drift', bad: true }],
    remarks: [[`drift: ${text}   fix: `, { command: `tagflow apply ${name.replace('/', ' ')}` }]],
    problem: null,
    releases: Array.from({ length: releases }, (_, index) =>
      releaseFor(name, releases - index, { text, first, noise }),
    ),
  };
}

function releaseFor(
  line: string,
  number: number,
  { text, first, noise }: { text: string; first: number; noise: number },
): PageRelease {
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
    since: first + number * HOUR,
    action: number % 10 === 0 ? 'rollback' : 'promote',
    restored: number % 10 === 0 ? number - 2 : null,
    images,
    source: { environment: null, branch: 'main', commit: hex(`main ${number}`, 40) },
    actor: 'ci',
    onBehalfOf: text,
    signer: null,
    job: `https://ci.example.org/jobs/${number}`,
    reason:
      noise === 0
        ? text
        : Array.from({ length: noise / 50 }, (_, part) => hex(`${line} ${number} ${part}`, 50)).join(' '),
    gates: [
      { gate: 'downgrade', decision: 'pass', reason: 'no image is older', by: null, why: null },
      { gate: 'held', decision: 'pass', reason: 'no image in this release is on hold', by: null, why: null },
      { gate: 'divergence', decision: 'pass', reason: text, by: null, why: null },
    ],
    held: [],
    changes:
      number % 3 === 0
        ? {
            files: [{ path: 'environments/prd/settings.env', patch: ['@@ -1 +1 @@', `-LEVEL=${text}`, '+LEVEL=prd'] }],
            moreFiles: 2,
            problem: null,
            sources: [
              {
                image: 'django',
                words: '1 commit',
                link: 'https://github.com/acme/django/compare/a...b',
                commits: [{ id: hex(`source ${number}`, 40), subject: text, author: text }],
                total: 3,
                issues: [text],
                missing: null,
              },
              { image: 'mariadb', words: '0 commits', link: null, commits: [], total: 0, issues: [], missing: text },
            ],
          }
        : null,
    verification: null,
  };
}

function hex(seed: string, length: number): string {
  return createHash('sha256').update(seed).digest('hex').slice(0, length);
}
