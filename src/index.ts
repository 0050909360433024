// tagflow as a library: the use cases, the ports they work on, and the values they speak in. Nothing here prints.
export { apply, type Applied } from './engine/release/apply.ts';
export { type Audit, check, type Checked, type CheckRequest } from './engine/audit/check.ts';
export type { Finding, Rule } from './engine/audit/findings.ts';
export { createBranches, type MissingBranches, missingBranches } from './engine/branches.ts';
export type { ConfigFile, Context, RegistryContext, Who } from './engine/context.ts';
export type { Diagnosis, Severity } from './engine/doctor/diagnosis.ts';
export { diff, type Difference } from './engine/diff.ts';
export { doctor, type Machine } from './engine/doctor/doctor.ts';
export { history, type Release, show, type ShowAt, type Span, where } from './engine/read/history.ts';
export type { Outcome, Planned, Proposed, Refused, Released, TagStatus, Unchanged } from './engine/release/outcome.ts';
export type { RunOptions } from './engine/release/execute.ts';
export { promote } from './engine/release/promote.ts';
export { rollback } from './engine/release/rollback.ts';
export { type EnvironmentStatus, status } from './engine/status.ts';
export { retag, type Retagged } from './engine/retag.ts';
export type { Forge, PullRequest, PullRequestDraft } from './forge/forge.ts';
export { createSigning, type SigningOptions } from './signing/keys.ts';
export type { SignatureClaim, SignatureVerdict, Signing } from './signing/signing.ts';
export { CONFIG_FILE, parseConfig } from './config/config.ts';
export { createGitLedger, type GitLedgerOptions } from './ledger/git.ts';
export type {
  Commit,
  CommitDraft,
  CommitSignature,
  Heads,
  Ledger,
  PushVerdict,
  TreeEdit,
  TreeEntry,
} from './ledger/ledger.ts';
export { type Digest, digestOf, isDigest, parseDigest } from './model/digest.ts';
export type { Clock, Instant, Progress, ReportProgress, Random } from './model/effects.ts';
export { type ErrorCode, ERRORS, EXIT, isTagflowError, TagflowError } from './model/errors.ts';
export type { BranchName, ObjectId } from './model/object-id.ts';
export type { Environment, ForgeKind, Image, Pipeline, SigningMethod, SigningRules, Trust } from './model/pipeline.ts';
export { type Plan, type PromoteRequest, type RollbackRequest, parsePlan, planDigest } from './model/plan.ts';
export {
  formatReference,
  parseReference,
  parseRepository,
  type Reference,
  type Repository,
  type Tag,
} from './model/reference.ts';
export type { CleanUpPolicy, CleanUpRule, RepositoryFacts, StoredImage } from './model/repository-facts.ts';
export { formatRecord, parseRecord } from './model/release-record.ts';
export type { GateDecision, Hold, ReleaseImage, ReleaseRecord } from './model/release.ts';
export { compareVersions, parseVersion, type Version, type VersionScheme } from './model/version.ts';
export { createCopier, type CopierOptions } from './registry/copy/copy.ts';
export { createLayoutRegistry } from './registry/layout/layout.ts';
export { createOciRegistry } from './registry/oci/oci.ts';
export type {
  AbleRegistry,
  BlobDescriptor,
  ContentSource,
  ContentStore,
  ContentTarget,
  CopyImage,
  CopyRequest,
  CopySummary,
  Descriptor,
  Manifest,
  Registry,
  RepositoryInspector,
  TagOptions,
  TagRemoval,
  TagRemover,
  TagResult,
} from './registry/registry.ts';
