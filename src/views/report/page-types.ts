// What the page is given: plain data, as the page reads it. Nothing but types stands here, so that the page knows no engine.

/** An image of a release. */
export interface PageImage {
  readonly name: string;
  readonly repository: string;
  readonly version: string;
  readonly digest: string;
}

/** What an image brought from its source repository; `missing`: why that is not known. */
export interface PageSource {
  readonly image: string;
  /** Which way, and how many: `3 commits`. */
  readonly words: string;
  readonly link: string | null;
  readonly commits: readonly { readonly id: string; readonly subject: string; readonly author: string }[];
  readonly total: number;
  readonly issues: readonly string[];
  readonly missing: string | null;
}

/** What a release changed beside its versions. */
export interface PageChanges {
  /** Unified diffs, line by line; long ones are cut. */
  readonly files: readonly { readonly path: string; readonly patch: readonly string[] }[];
  readonly moreFiles: number;
  readonly problem: string | null;
  /** Null: tagflow.yaml lists no source repositories. */
  readonly sources: readonly PageSource[] | null;
}

/** A release. Moments are milliseconds since 1970. */
export interface PageRelease {
  readonly number: number;
  readonly commit: string;
  readonly since: number;
  readonly action: 'promote' | 'rollback' | 'import';
  /** The release that a rollback restored. */
  readonly restored: number | null;
  readonly images: readonly PageImage[];
  readonly source: { readonly environment: string | null; readonly branch: string; readonly commit: string };
  readonly actor: string;
  readonly onBehalfOf: string | null;
  readonly signer: string | null;
  readonly job: string | null;
  readonly reason: string | null;
  readonly gates: readonly {
    readonly gate: string;
    readonly decision: string;
    readonly reason: string;
    readonly by: string | null;
    readonly why: string | null;
  }[];
  readonly held: readonly PageHold[];
  /** Null: the page has it of the newest releases alone. */
  readonly changes: PageChanges | null;
  readonly verification: {
    readonly result: string;
    readonly time: string;
    readonly steps: readonly { readonly name: string; readonly result: string; readonly seen: string }[];
  } | null;
}

/** A hold that a rollback set: what shall not be released again. */
export interface PageHold {
  /** The release that the rollback left; its number tells one hold of a line from another. */
  readonly release: number;
  /** The images, or the configuration. */
  readonly what: string;
  readonly reason: string | null;
}

/** A sentence about a line: text, and commands to type. */
export type PageRemark = readonly (string | { readonly command: string })[];

/** A mark beside what runs: a word or two, and whether somebody should look. */
export interface PageMark {
  readonly word: string;
  readonly bad: boolean;
}

/** A release line. */
export interface PageLine {
  readonly name: string;
  readonly environment: string;
  readonly application: string | null;
  readonly branch: string;
  readonly from: string;
  /** What its releases say of how it is delivered, as `tagflow metrics -o json` has it; null where its past cannot be read. */
  readonly metrics: PageMetrics | null;
  /** When the freezes of today's configuration held, since its first release. */
  readonly freezes: readonly { readonly start: number; readonly end: number; readonly reason: string | null }[];
  readonly marks: readonly PageMark[];
  /** What to know or to do. */
  readonly remarks: readonly PageRemark[];
  readonly problem: string | null;
  /** Newest first. */
  readonly releases: readonly PageRelease[];
}

/** Delivery metrics; times in seconds, null where not known. */
export interface PageMetrics {
  readonly deployments: readonly number[];
  readonly deploymentsPerWeek: number;
  readonly deploymentIntervalSeconds: number | null;
  readonly changeLeadTimeSeconds: number | null;
  /** The newest that are known. */
  readonly changes: readonly { readonly release: number; readonly seconds: number | null }[];
  /** Releases that brought changes of which the lead time is known. */
  readonly changed: readonly number[];
  readonly leadTimeUnknown: readonly number[];
  readonly failed: readonly { readonly release: number; readonly sign: string; readonly recovered: number | null }[];
  readonly changeFailRate: number | null;
  readonly failedDeploymentRecoveryTimeSeconds: number | null;
  readonly rework: readonly number[];
  readonly deploymentReworkRate: number | null;
}

/** A commit that breaks a rule. */
export interface PageFinding {
  readonly rule: string;
  readonly environment: string;
  readonly branch: string;
  readonly commit: string;
  readonly author: string;
  readonly time: number;
  readonly problem: string;
}

/** An entry of the journal. */
export interface PageEntry {
  readonly kind: string;
  readonly id: string;
  readonly environment: string | null;
  readonly application: string | null;
  readonly time: string;
  readonly until: string | null;
  readonly ends: string | null;
  readonly by: string;
  readonly reason: string | null;
  /** The image that a hold is about; null for other entries. */
  readonly image: string | null;
}

/** Everything that the page shows. */
export interface PageData {
  readonly schemaVersion: 1;
  readonly made: number;
  /** Metrics count releases since then. */
  readonly since: number;
  readonly trunk: string;
  readonly lines: readonly PageLine[];
  readonly journal: readonly PageEntry[];
  /** When the oldest of these entries was written, if the page leaves older ones out. */
  readonly journalSince: string | null;
  /** Null: the audit trail was not checked. */
  readonly findings: readonly PageFinding[] | null;
  readonly checkProblem: string | null;
  /** Why the repository cannot be shown at all; null where it can. */
  readonly problem: { readonly code: string; readonly text: string } | null;
}
