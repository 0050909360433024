// Evidence as files: tables for spreadsheets, findings for tools that read SARIF, and a page that says how to verify it all.
import type { ExportedEvidence, LineEvidence, ReleaseEvidence } from '../engine/audit/evidence.ts';
import type { Finding } from '../engine/audit/findings.ts';
import { formatCsv } from './csv.ts';
import { readMe } from './evidence-read-me.ts';
import { recordFileOf } from './findings.ts';
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
    ['RECORDS', recordList(lines)],
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

/**
 * A row for each record, for a loop of a shell: its file, where a repository has it, its line, who signed it and when, as ssh-keygen
 * takes a time. No word has a space; `-`: OpenSSH did not sign it.
 */
function recordList(lines: readonly LineEvidence[]): string {
  const rows = lines.flatMap((line) =>
    line.releases.map((one) => {
      const { commit, signer, since } = one.release;
      const isSsh = one.signature && line.signers?.method === 'ssh' && signer !== undefined && !/\s/.test(signer);
      return `${recordFile(line, one)} ${commit}:${one.path} ${line.line} ${isSsh ? signer : '-'} ${time(since).replaceAll(/[-:T]/g, '')}\n`;
    }),
  );
  return rows.join('');
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
          locations: [
            {
              // Tools that show results beside files, as GitHub's code scanning, take none without a file.
              physicalLocation: {
                artifactLocation: { uri: encodeURI(recordFileOf(environment)) },
                region: { startLine: 1 },
              },
              logicalLocations: [{ name: environment, fullyQualifiedName: `${branch}@${commit}` }],
            },
          ],
          partialFingerprints: { 'tagflow/v1': `${environment} ${commit} ${rule}` },
          properties: { author, branch, commit },
        })),
      },
    ],
  };
}
