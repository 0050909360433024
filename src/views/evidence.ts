// Evidence as files: tables for spreadsheets, findings for tools that read SARIF, and a page that says how to verify it all.
import type { ExportedEvidence, LineEvidence, ReleaseEvidence } from '../engine/audit/evidence.ts';
import type { Finding } from '../engine/audit/findings.ts';
import { formatCsv } from './csv.ts';
import { toJson } from './data.ts';
import { time } from './shapes.ts';
import { tableOf } from './view.ts';
import { changesOf } from './words.ts';

/** The files of evidence by path, without the list of their checksums. Equal evidence gives equal bytes. */
export function evidenceFiles(evidence: ExportedEvidence): ReadonlyMap<string, Uint8Array> {
  const { lines, audit } = evidence;
  const texts: readonly (readonly [string, string])[] = [
    ['README.md', readMe(evidence)],
    ['heads.csv', headsTable(evidence)],
    ['releases.csv', releasesTable(lines)],
    ['images.csv', imagesTable(lines)],
    ['findings.csv', findingsTable(audit.findings)],
    ['findings.sarif', toJson(sarif(audit.findings))],
  ];
  return new Map<string, Uint8Array>([
    ...texts.map(([path, text]) => [path, Buffer.from(text)] as const),
    ...lines.flatMap((line) => line.releases.flatMap((one) => recordFiles(line, one))),
    ...lines.flatMap(signerFiles),
  ]);
}

/** The file of a release's record: `records/prd/000007.yaml`. */
function recordFile({ line }: Pick<LineEvidence, 'line'>, { release }: ReleaseEvidence): string {
  return `records/${line}/${String(release.record.sequence).padStart(6, '0')}.yaml`;
}

function recordFiles(line: LineEvidence, one: ReleaseEvidence): readonly (readonly [string, Uint8Array])[] {
  const path = recordFile(line, one);
  return [[path, one.record], ...(one.signature ? [[`${path}.sig`, one.signature] as const] : [])];
}

function signerFiles({ line, signers }: LineEvidence): readonly (readonly [string, Uint8Array])[] {
  if (!signers) return [];
  const { signers: allowed, revoked } = signers;
  return [[`signers/${line}/allowed`, allowed], ...(revoked ? [[`signers/${line}/revoked`, revoked] as const] : [])];
}

function headsTable({ trunk, lines }: ExportedEvidence): string {
  const rows = lines.map(({ line, branch, head }) => [line, branch, head]);
  return csv(['line', 'branch', 'head'], [['(trunk)', trunk.branch, trunk.head], ...rows]);
}

const RELEASES = [
  'line',
  'release',
  'since',
  'until',
  'action',
  'changed',
  'actor',
  'on_behalf_of',
  'signer',
  'reason',
  'job',
  'commit',
  'path',
  'record',
];

function releasesTable(lines: readonly LineEvidence[]): string {
  const rows = lines.flatMap((line) =>
    line.releases.map((one) => {
      const { record, commit, signer, since, until, before } = one.release;
      return [
        line.line,
        String(record.sequence),
        time(since),
        until === undefined ? '' : time(until),
        record.action,
        changesOf(record, before),
        record.actor,
        record.onBehalfOf ?? '',
        signer ?? '',
        record.reason ?? '',
        record.job ?? '',
        commit,
        one.path,
        recordFile(line, one),
      ];
    }),
  );
  return csv(RELEASES, rows);
}

function imagesTable(lines: readonly LineEvidence[]): string {
  const rows = lines.flatMap(({ line, releases }) =>
    releases.flatMap(({ release: { record, since, until } }) =>
      record.images.map(({ name, repository, version, digest }) => [
        line,
        String(record.sequence),
        time(since),
        until === undefined ? '' : time(until),
        name,
        version,
        digest,
        repository,
      ]),
    ),
  );
  return csv(['line', 'release', 'since', 'until', 'image', 'version', 'digest', 'repository'], rows);
}

function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ environment, branch, commit, author, time: at, rule, problem }) => [
    environment,
    branch,
    commit,
    time(at),
    rule,
    author,
    problem,
  ]);
  return csv(['line', 'branch', 'commit', 'time', 'rule', 'author', 'problem'], rows);
}

function csv(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return formatCsv({ parts: [], records: tableOf(columns, rows) });
}

/** SARIF 2.1.0 (OASIS): a result for each finding, at the commit that it is about. */
function sarif(findings: readonly Finding[]): unknown {
  const rules = [...new Set(findings.map(({ rule }) => rule))].toSorted();
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'tagflow', rules: rules.map((id) => ({ id })) } },
        results: findings.map(({ rule, environment, branch, commit, author, problem }) => ({
          ruleId: rule,
          level: 'error',
          message: { text: problem },
          locations: [{ logicalLocations: [{ name: environment, fullyQualifiedName: `${branch}@${commit}` }] }],
          partialFingerprints: { 'tagflow/v1': `${environment} ${commit} ${rule}` },
          properties: { author, branch, commit },
        })),
      },
    ],
  };
}

function readMe({ trunk, lines, audit, problems }: ExportedEvidence): string {
  const releases = lines.reduce((sum, line) => sum + line.releases.length, 0);
  const signed = lines.some(({ signers }) => signers !== undefined);
  const missing = problems.map(({ environment, problem }) => `- ${environment} is missing: ${problem.message}\n`);
  return `# Evidence

What the releases of a repository say: ${releases} releases of ${lines.length} environments, read with the trunk \`${trunk.branch}\` at
\`${trunk.head}\`. The same commits give the same files, byte for byte. \`heads.csv\` has the heads of all branches.

${missing.join('')}
| file | holds |
|---|---|
| \`releases.csv\` | each release: when, what changed, who, why, its commit, and its record below \`records/\` |
| \`images.csv\` | each image of each release, with its digest |
| \`findings.csv\`, \`findings.sarif\` | ${audit.findings.length} commits that break a rule, as \`tagflow check\` lists them |
| \`records/\` | the records as they stand in the commits, with their signatures (\`.sig\`) |
| \`signers/\` | who may sign, as the trunk lists them |
| \`SHA256SUMS\` | the checksums of all other files |

## Verify that no file was changed

\`\`\`sh
sha256sum --check SHA256SUMS
\`\`\`

## Verify that a record is what the repository has

In a clone of the repository, with the columns \`commit\`, \`path\` and \`record\` of a row of \`releases.csv\`:

\`\`\`sh
git show COMMIT:PATH | cmp - EVIDENCE/RECORD
\`\`\`

That the commit is on the branch, and when it came there:

\`\`\`sh
git log --first-parent --format='%H %cI' HEAD-OF-THE-BRANCH | grep COMMIT
\`\`\`
${signed ? SIGNATURES : ''}
## Verify that a registry has the image

\`\`\`sh
crane digest REPOSITORY@DIGEST
\`\`\`
`;
}

const SIGNATURES = `
## Verify who released it

\`PRINCIPAL\` is the column \`signer\`; \`SINCE\` is the column \`since\`, written as \`20261130120000Z\`:

\`\`\`sh
ssh-keygen -Y verify -f signers/LINE/allowed -I PRINCIPAL -n tagflow-release \\
  -O verify-time=SINCE -s RECORD.sig < RECORD
\`\`\`

Where OpenPGP signs, \`gpg --import signers/LINE/allowed\` and \`gpg --verify RECORD.sig RECORD\` do.
`;
