// tagflow as a library. `createTagflow` is the way in; the rest are the types and values that it takes and gives. Nothing here
// prints, and nothing reads the variables of the process: docs/reference/library.md.
export {
  createTagflow,
  openRegistries,
  type HistoryResult,
  type MetricsResult,
  type PromoteOptions,
  type RegistryOptions,
  type RollbackOptions,
  type Tagflow,
  type TagflowOptions,
  type WhereResult,
} from './compose/tagflow.ts';
export type { OpenRegistries } from './compose/registries.ts';

// What the methods give.
export type { Audit, Checked, CheckRequest } from './engine/audit/check.ts';
export type { CarriedChange, Delivery, FailedDeployment, Period } from './engine/audit/delivery.ts';
export type { ExportedEvidence, LineEvidence, ReleaseEvidence } from './engine/audit/evidence.ts';
export type { LeadTime, LineMetrics, MetricsRequest } from './engine/audit/metrics.ts';
export type { Finding, Rule } from './engine/audit/findings.ts';
export type { ReportRequest, RepositoryReport } from './engine/audit/report.ts';
export type { ConfigFile, Who } from './engine/context.ts';
export type { Diagnosis, Severity } from './engine/doctor/diagnosis.ts';
export type { Difference } from './engine/diff.ts';
export type { Approved } from './engine/journal/approvals.ts';
export type { HoldRequest } from './engine/journal/holds.ts';
export type { LockRequest } from './engine/journal/locks.ts';
export type { HistoryFilter, ShowAt } from './engine/read/history.ts';
export type { Release } from './engine/read/past.ts';
export type { Span } from './engine/read/where.ts';
export type { EnvironmentProblem } from './engine/read/problem.ts';
export type { Applied } from './engine/release/apply.ts';
export type {
  Outcome,
  Planned,
  Proposed,
  Refused,
  Released,
  Several,
  TagStatus,
  Unchanged,
} from './engine/release/outcome.ts';
export type { SeveralRequest } from './engine/release/promote-several.ts';
export type { Retagged } from './engine/retag.ts';
export type { FollowUp } from './engine/verification/follow-up.ts';
export type { LiveCheck, LiveImage } from './engine/verification/live.ts';
export type { LiveRelease, WaitLiveOptions } from './engine/verification/wait-live.ts';
export type { Verified, VerifyOptions } from './engine/verification/verify.ts';
export type { EnvironmentStatus } from './engine/status.ts';
export type { ImageVersions } from './engine/read/versions.ts';

// Errors.
export type { Act, Advice, SayAct } from './model/advice.ts';
export { type ErrorCode, ERRORS, EXIT, isTagflowError, TagflowError } from './model/errors.ts';

// Values: what they are, and how they are read from text and written to it.
export { CONFIG_FILE, parseConfig } from './config/config.ts';
export { type Digest, digestOf, isDigest, parseDigest } from './model/digest.ts';
export type { Clock, Instant, Progress, ReportProgress } from './model/effects.ts';
export type { JournalEntry } from './model/journal.ts';
export type { BranchName, ObjectId } from './model/object-id.ts';
export type { Environment, Image, Pipeline } from './model/pipeline.ts';
export { type Plan, parsePlan, planDigest } from './model/plan.ts';
export {
  formatReference,
  parseReference,
  parseRepository,
  parseTag,
  type Reference,
  type Repository,
  type Tag,
} from './model/reference.ts';
export { formatRecord, parseRecord } from './model/release-record.ts';
export type { GateDecision, Hold, ReleaseImage, ReleaseRecord } from './model/release.ts';
export { compareVersions, parseVersion, type Version, type VersionScheme } from './model/version.ts';
export type { AbleRegistry, Descriptor, Registry, TagResult } from './registry/registry.ts';
