// The steps of a release as they happen, reported through the context: for logs, and for `-v`.
import { shortDigest } from '../../model/digest.ts';
import type { Clock, ReportProgress, Step } from '../../model/effects.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Plan, planDigest } from '../../model/plan.ts';
import type { GateDecision, ReleaseRecord } from '../../model/release.ts';
import { counted } from '../../model/text.ts';
import type { Verification } from '../../verify/verify.ts';
import type { Refused, TagStatus } from './outcome.ts';

/** Reports the steps of one run on one release line, each with the time since the one before. */
export class ReleaseSteps {
  readonly #notify: ReportProgress;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #line: Pick<Step, 'environment' | 'application'>;
  #since: number;

  constructor(
    { notify, clock }: { readonly notify: ReportProgress; readonly clock: Pick<Clock, 'elapsed'> },
    line: Pick<Step, 'environment' | 'application'>,
  ) {
    this.#notify = notify;
    this.#clock = clock;
    this.#line = line;
    this.#since = clock.elapsed();
  }

  planned(plan: Plan): void {
    const { sequence, images, gates } = plan;
    const changes = images.map(
      ({ name, version, before }) => `${name} ${before ? `${before.version} → ` : ''}${version}`,
    );
    const facts = {
      plan: planDigest(plan),
      images: images.map(({ name, version, digest: image, before }) => ({
        name,
        version,
        digest: image,
        before: before?.version ?? null,
      })),
    };
    const text = `planned release ${sequence} of ${this.#line.environment}: ${changes.join(', ')}`;
    this.#report(text, { name: 'planned', release: sequence, facts });
    this.#gates(gates, sequence);
  }

  refused({ gates, refusals }: Refused): void {
    this.#gates(gates);
    const codes: readonly ErrorCode[] = refusals.map(({ code }) => code);
    const reasons = refusals.map(({ text }) => text.what).join('; ');
    this.#report(`refused: ${reasons}`, { name: 'refused', facts: { codes } });
  }

  unchanged({ sequence }: ReleaseRecord): void {
    const text = `${this.#line.environment} has this release already (release ${sequence})`;
    this.#report(text, { name: 'unchanged', release: sequence, facts: {} });
  }

  copied({ sequence, copies }: Pick<Plan, 'sequence' | 'copies'>): void {
    if (copies.length === 0) return;
    const facts = { copies: copies.map(({ image, from, to }) => ({ image, from, to })) };
    const text = `${counted(copies.length, 'image')} copied, or there already`;
    this.#report(text, { name: 'copied', release: sequence, facts });
  }

  committed(plan: Pick<Plan, 'branch' | 'sequence'>, commit: ObjectId): void {
    const { branch, sequence } = plan;
    const facts = { commit, branch };
    this.#report(`committed ${shortId(commit)} to ${branch}`, { name: 'committed', release: sequence, facts });
  }

  proposed(
    { sequence }: Pick<Plan, 'sequence'>,
    commit: ObjectId,
    { number, url }: { number: number; url: string },
  ): void {
    const facts = { commit, number, url };
    this.#report(`asked for in pull request ${number}: ${url}`, { name: 'proposed', release: sequence, facts });
  }

  /** The tags of a release, and that they were all seen to. */
  tagged({ sequence }: Pick<ReleaseRecord, 'sequence'>, tags: readonly TagStatus[]): void {
    for (const { image, repository, tag, digest, status, error } of tags) {
      const facts = { image, repository, tag, digest, status, error: error?.code ?? null };
      const moved = `tag ${image}:${tag} ${WORDS[status]} ${shortDigest(digest)}`;
      this.#report(moved, { name: 'tagged', release: sequence, facts }, false);
    }
    const failed = tags.filter(({ status }) => status === 'failed').length;
    const text =
      failed === 0 ? `all tags of release ${sequence} are verified` : `${counted(failed, 'tag')} not verified`;
    this.#report(text, { name: 'applied', release: sequence, facts: { tags: tags.length, failed } });
  }

  /** What a verification found, and each of its steps. */
  verified(sequence: number, { result, steps }: Verification): void {
    const seen = steps.map(({ name, result: said, seen: what }) => `${name}: ${said}: ${what}`).join('; ');
    const text = `verification of release ${sequence} ${result}: ${seen}`;
    this.#report(text, { name: 'verified', release: sequence, facts: { result, steps } });
  }

  #gates(gates: readonly GateDecision[], release?: number): void {
    for (const decision of gates) {
      const { gate, decision: verdict, reason, until = null, by = null, why = null } = decision;
      const facts = { gate, decision: verdict, reason, until, by, why };
      this.#report(
        `gate ${gate}: ${verdict}: ${reason}`,
        { name: 'gate', ...(release !== undefined && { release }), facts },
        false,
      );
    }
  }

  #report(text: string, { name, facts, ...of }: Pick<Step, 'name' | 'release' | 'facts'>, isTimed = true): void {
    const now = this.#clock.elapsed();
    const step: Step = {
      name,
      ...this.#line,
      ...of,
      ...(isTimed && { durationMs: Math.round(now - this.#since) }),
      facts,
    };
    if (isTimed) this.#since = now;
    this.#notify({ level: 'step', text, step });
  }
}

const WORDS: Readonly<Record<TagStatus['status'], string>> = {
  right: 'is',
  moved: 'moved to',
  failed: 'failed to move to',
};
