// Signing under examination: whether this identity's key makes signatures that count for each environment, and will continue to;
// whether the people who may sign are in the signers file. It signs a text that is not a record, and writes nothing.
import type { Instant } from '../../model/effects.ts';
import type { Environment, Trust } from '../../model/pipeline.ts';
import { shortId } from '../../model/object-id.ts';
import { plain } from '../../model/text.ts';
import type { SignatureVerdict } from '../../signing/signing.ts';
import type { RecordReading } from '../context.ts';
import { type Diagnosis, diagnosisOf } from './diagnosis.ts';
import { patternSigners, restrictedSigners } from '../../signing/signing.ts';
import { signRecord, signingOf } from '../read/signatures.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { attempt } from '../../model/attempt.ts';

/** Signed to try a key. No record begins like this. */
const PROBE = Buffer.from('tagflow doctor tries whether this key can be used; this is not a release\n');
/** A key that stops counting before then is worth a word. */
const SOON_DAYS = 30;
const DAY = 86_400_000;

/** What is to be said of signing: nothing where no environment's releases are signed. */
export async function examineSigning(
  context: RecordReading,
  snapshot: Snapshot,
  environments: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  const signed = environments.flatMap(({ trust }) => trust ?? []);
  const [first] = signed;
  if (!first) return [];
  const findings: Diagnosis[] = [];
  const { value: signature, problem: unsigned } = await attempt(signRecord(context, first, PROBE));
  if (unsigned) findings.push(diagnosisOf(unsigned, 'signing', 'signing'));
  for (const environment of environments) {
    const { value, problem } = await attempt(examineEnvironment(context, snapshot, environment, signature));
    findings.push(...(value ?? [diagnosisOf(problem, 'signing', environment.name)]));
  }
  return findings;
}

async function examineEnvironment(
  context: RecordReading,
  snapshot: Snapshot,
  environment: Environment,
  signature: string | undefined,
): Promise<readonly Diagnosis[]> {
  const { name: subject, trust } = environment;
  if (!trust) return [];
  const unlisted = await signingOf(context).unlisted(trust);
  const findings = [
    ...patterns(subject, trust),
    ...restricted(subject, trust),
    ...unlistedSigners(subject, trust, unlisted),
    ...(await wrongStart(context, snapshot, environment)),
  ];
  // With nobody listed no key is right; with none that signs, that was said.
  const nobody = trust.signedBy.length > 0 && unlisted.length === trust.signedBy.length;
  if (signature === undefined || nobody) return findings;
  return [...findings, await examineOwnKey(context, subject, trust, signature)];
}

/** What the key of this identity may do now, and soon. */
async function examineOwnKey(
  context: RecordReading,
  subject: string,
  trust: Trust,
  signature: string,
): Promise<Diagnosis> {
  const verdictAt = async (at: Instant): Promise<SignatureVerdict> =>
    signingOf(context).verify({ payload: PROBE, purpose: 'release', signature, at, trust });
  const now = context.clock.now();
  const verdict = await verdictAt(now);
  if ('problem' in verdict) return wrongKey(subject, trust, verdict.problem);
  const signer = plain(verdict.signer, 200);
  const later = await verdictAt(now + SOON_DAYS * DAY);
  if ('problem' in later) {
    return {
      severity: 'warning',
      check: 'signing',
      subject,
      what: `the key of ${signer} stops counting within ${SOON_DAYS} days`,
      why: later.problem,
      fix: `list the next key in ${trust.file} on the trunk before then`,
      details: { signer },
    };
  }
  const what = `releases are signed by ${signer}, who may release it`;
  return { severity: 'ok', check: 'signing', subject, what, details: { signer } };
}

function wrongKey(subject: string, trust: Trust, why: string): Diagnosis {
  return {
    severity: 'error',
    check: 'signing',
    subject,
    what: `this identity’s key may not release ${subject}`,
    why,
    fix: `sign with another key (user.signingKey, TAGFLOW_SIGNING_KEY), or have this one added to ${trust.file} and environments.${subject}.signedBy on the trunk`,
  };
}

/** A key for a pattern would belong to everybody who matches the pattern, in `signedBy` or not. */
function patterns(subject: string, trust: Trust): Diagnosis[] {
  const found = patternSigners(trust);
  if (found.length === 0) return [];
  return [
    {
      severity: 'error',
      check: 'signing',
      subject,
      what: `${trust.file} lists keys for ${plain(found.join(' and '), 200)}: they count for nobody`,
      why: `a pattern fits whomever environments.${subject}.signedBy names, and would make each of these keys one of theirs`,
      fix: `write each key’s owner out in ${trust.file} on the trunk`,
      details: { patterns: found },
    },
  ];
}

/** Lines that were right while commits were signed. */
function restricted(subject: string, trust: Trust): Diagnosis[] {
  const signers = restrictedSigners(trust).filter(
    (name) => trust.signedBy.length === 0 || trust.signedBy.includes(name),
  );
  if (signers.length === 0) return [];
  const names = plain(signers.join(', '), 200);
  return [
    {
      severity: 'warning',
      check: 'signing',
      subject,
      what: `${trust.file} lists ${names} for other namespaces than tagflow-release: no new release of theirs counts`,
      why: 'signatures of releases are made in the namespace tagflow-release; namespaces="git" is for commits',
      fix: `write namespaces="git,tagflow-release" in these lines of ${trust.file} on the trunk`,
      details: { signers },
    },
  ];
}

function unlistedSigners(subject: string, { signedBy, file }: Trust, unlisted: readonly string[]): Diagnosis[] {
  if (unlisted.length === 0) return [];
  const nobody = unlisted.length === signedBy.length;
  return [
    {
      severity: nobody ? 'error' : 'warning',
      check: 'signing',
      subject,
      what: `${unlisted.join(', ')} may release ${subject} and ${unlisted.length === 1 ? 'has' : 'have'} no key in ${file}${nobody ? ': nobody can release it' : ''}`,
      why: `environments.${subject}.signedBy names them as the signers file has to`,
      fix: `add the key to ${file} on the trunk, or correct environments.${subject}.signedBy`,
      details: { unlisted },
    },
  ];
}

/** A `signedAfter` that is not on the branch excuses no release. */
async function wrongStart(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { branches }: Snapshot,
  { name: subject, branch, trust }: Environment,
): Promise<readonly Diagnosis[]> {
  const head = branches.get(branch);
  if (trust?.signedAfter === undefined || !head) return [];
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  if ((await ledger.unreachable([trust.signedAfter], head)).length === 0) return [];
  return [
    {
      severity: 'warning',
      check: 'signing',
      subject,
      what: `signedAfter names ${shortId(trust.signedAfter)}, which is not on ${branch}`,
      why: 'it excuses no release from being signed: the branch was rewound or recreated, or the id is of another one',
      fix: `set environments.${subject}.signedAfter to a commit of ${branch}, or take it out`,
    },
  ];
}
