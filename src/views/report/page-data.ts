// The data of the page: from the types of the engine to text and numbers.
import type { Release } from '../../engine/read/past.ts';
import type { RepositoryReport } from '../../engine/audit/report.ts';
import type { EnvironmentStatus, ImageStatus } from '../../engine/status.ts';
import type { ReleaseDetails } from '../../engine/audit/release-details.ts';
import type { LineMetrics } from '../../engine/audit/metrics.ts';
import type { TagflowError } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';
import { sourceWords } from '../sources.ts';
import { versionsOf } from '../changes.ts';
import { metricsShape } from '../metrics.ts';
import { remarks } from '../status.ts';
import type { SayAct } from '../../model/advice.ts';
import { Advice } from '../../model/advice.ts';
import { type TextLine, piecesOf } from '../view.ts';
import type {
  PageChanges,
  PageData,
  PageEntry,
  PageLine,
  PageMark,
  PageMetrics,
  PageRelease,
  PageRemark,
} from './page-types.ts';

/** The data of a page. `say`: the command for what a reader can do. */
export function pageDataOf(report: RepositoryReport, say: SayAct): PageData {
  const pasts = new Map(report.pasts.map((past) => [past.environment.name, past.releases]));
  return {
    schemaVersion: 1,
    made: report.made,
    since: report.since,
    trunk: report.trunk,
    lines: report.states.map((state) => ({
      ...lineOf(report, state),
      remarks: remarks(state).map((text) => remarkOf(text, say)),
      releases: (pasts.get(state.environment) ?? []).map((release) =>
        releaseOf(release, report.details.get(release.commit)),
      ),
    })),
    journal: report.journal.map(entryOf),
    journalSince: report.journalSince ?? null,
    findings:
      report.audit?.findings.map(({ author, problem, ...finding }) => ({
        ...finding,
        author: plain(author),
        problem: plain(problem),
      })) ?? null,
    checkProblem: report.auditProblem?.message ?? null,
    problem: null,
  };
}

function lineOf(report: RepositoryReport, state: EnvironmentStatus): Omit<PageLine, 'remarks' | 'releases'> {
  const { environment: name, branch, from, problem } = state;
  const line = report.pipeline.lines.get(name);
  const measured = report.metrics.find((one) => one.line === name);
  const unread = report.problems.findLast(({ environment }) => environment === name)?.problem;
  return {
    name,
    environment: line?.environment ?? name,
    application: line?.application ?? null,
    branch,
    from,
    metrics: measured ? metricsFor(measured) : null,
    freezes: (report.freezes.get(name) ?? []).map(({ start, end, reason = null }) => ({ start, end, reason })),
    marks: marksOf(state, line?.verify !== undefined),
    problem: unread?.message ?? problem?.message ?? null,
  };
}

/** The data of a page about a repository that cannot be read: it says why. */
export function unreadablePage(problem: TagflowError, { made, since }: Pick<PageData, 'made' | 'since'>): PageData {
  const { code, message, why } = problem;
  const text = why === undefined ? message : `${message}: ${why}`;
  return {
    schemaVersion: 1,
    made,
    since,
    trunk: '',
    lines: [],
    journal: [],
    journalSince: null,
    findings: null,
    checkProblem: null,
    problem: { code, text: plain(text) },
  };
}

/** Changes of a line whose lead time the page draws: the newest. */
const CHANGES = 200;

/** What of a line's metrics the page shows. */
function metricsFor(measured: LineMetrics): PageMetrics {
  const { changes } = measured.leadTime;
  return {
    ...(metricsShape(measured) as PageMetrics),
    changes: changes
      .slice(-CHANGES)
      .map(({ release, took }) => ({ release, seconds: took === undefined ? null : took / 1000 })),
    changed: [...new Set(changes.map(({ release }) => release))],
  };
}

function releaseOf(
  { record, commit, signer, since, verification }: Release,
  details: ReleaseDetails | undefined,
): PageRelease {
  const { source, restored } = record;
  return {
    number: record.sequence,
    commit,
    since,
    action: record.action,
    restored: restored?.sequence ?? null,
    images: record.images.map(({ name, repository, version, digest }) => ({ name, repository, version, digest })),
    source: { environment: source.environment ?? null, branch: source.branch, commit: source.commit },
    actor: record.actor,
    onBehalfOf: record.onBehalfOf ?? null,
    signer: signer ?? null,
    job: record.job ?? null,
    reason: record.reason ?? null,
    gates: record.gates.map(({ gate, decision, reason, by = null, why = null }) => ({
      gate,
      decision,
      reason,
      by,
      why,
    })),
    held: record.held.map(({ release, images, reason = null }) => ({
      release,
      what: images.length > 0 ? versionsOf(images) : `the configuration of release ${release}`,
      reason,
    })),
    changes: details ? changesShape(details) : null,
    verification: verification
      ? { result: verification.result, time: verification.time, steps: verification.steps }
      : null,
  };
}

/** Lines of a file's diff that the page has, and characters of each. */
const MAX_LINES = 120;
const MAX_LINE = 240;

function changesShape({ files, moreFiles, sources }: ReleaseDetails): PageChanges {
  const known = typeof files === 'string' ? [] : files;
  return {
    files: known.map(({ path, patch }) => ({ path: plain(path), patch: patchOf(patch) })),
    moreFiles,
    problem: typeof files === 'string' ? files : null,
    sources:
      sources?.map((source) => ({
        image: source.image,
        words: sourceWords(source),
        link: source.link ?? null,
        commits: source.commits.slice(0, 20).map(({ id, subject, author }) => ({ id, subject, author })),
        total: source.total,
        issues: source.issues.slice(0, 20),
        missing: source.missing ?? null,
      })) ?? null,
  };
}

function patchOf(patch: string): readonly string[] {
  const lines = patch.split('\n').filter((line) => line !== '' && !/^(?:===|--- |\+\+\+ )/.test(line));
  const shown = lines.slice(0, MAX_LINES).map((line) => plain(line.replaceAll('\t', '  '), MAX_LINE));
  return lines.length > MAX_LINES ? [...shown, `… and ${lines.length - MAX_LINES} more lines`] : shown;
}

/** A remark with its commands apart, so that each can be copied. */
function remarkOf(text: TextLine, say: SayAct): PageRemark {
  return piecesOf(text).flatMap((piece) => {
    if (!(piece instanceof Advice)) return plain(typeof piece === 'string' ? piece : piece.text);
    return piece.parts.map((part) => {
      if (typeof part === 'string') return plain(part);
      const command = say(part);
      return command.startsWith('tagflow ') ? { command } : command;
    });
  });
}

function marksOf(state: EnvironmentStatus, isVerified: boolean): readonly PageMark[] {
  const { images, problem, record, locks, held, journalHolds, waiting, verification, asked } = state;
  const some = (test: (image: ImageStatus) => boolean): boolean => images.some(test);
  const isUnknown = ({ branch, registry, live }: ImageStatus): boolean =>
    [branch.state, registry.state, live?.state].includes('unknown');
  const bad: readonly (readonly [string, boolean])[] = [
    ['unreadable', problem !== undefined],
    ['branch drift', some(({ branch }) => branch.state === 'drift')],
    ['registry drift', some(({ registry }) => registry.state === 'drift')],
    ['unapplied', some(({ registry }) => registry.state === 'unapplied')],
    ['not live', some(({ live }) => live?.state === 'drift')],
    ['unknown', some(isUnknown)],
    ['verification failed', verification?.result === 'failed'],
    ['unverified', verification?.result === 'inconclusive'],
  ];
  const neutral: readonly (readonly [string, boolean])[] = [
    ['unverified', isVerified && record !== undefined && !verification],
    ['locked', locks.length > 0],
    ['held', held.length + journalHolds.length > 0],
    ['asked for', asked.length > 0],
    ['waiting', waiting.some((one) => !one.held)],
  ];
  return [
    ...bad.flatMap(([word, is]) => (is ? [{ word, bad: true }] : [])),
    ...neutral.flatMap(([word, is]) => (is ? [{ word, bad: false }] : [])),
  ];
}

function entryOf(entry: RepositoryReport['journal'][number]): PageEntry {
  const { kind, id, environment = null, application = null, time, until = null, ends = null, reason = null } = entry;
  const { image, actor, onBehalfOf } = entry;
  return {
    kind,
    id,
    environment,
    application,
    time,
    until,
    ends,
    by: onBehalfOf ?? actor,
    reason,
    image: image ? [image.name, image.version ?? image.digest].filter((part) => part !== undefined).join(' ') : null,
  };
}
