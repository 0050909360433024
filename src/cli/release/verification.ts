// The end of a verification: printed, and as an exit code.
import { EXIT } from '../../model/errors.ts';
import type { Verified } from '../../engine/verification/verify.ts';
import type { VerifySeveral } from '../../engine/verification/several.ts';
import { failureOf } from '../../views/failure.ts';
import { verificationFailures, verificationView, verificationsView } from '../../views/verification.ts';
import type { Session } from '../session/session.ts';

/** Prints what a verification found and resolves to the exit code. */
export function finishVerification(session: Session, verified: Verified): number {
  session.print(verificationView(verified));
  return failVerification(session, verified);
}

/** Reports a verification that did not pass, and resolves to the exit code. */
export function failVerification(session: Session, verified: Verified): number {
  const failures = verificationFailures(verified);
  // Data has the result in it, on stdout.
  session.fail(failures, 'table');
  return failures[0]?.exit ?? EXIT.ok;
}

/** Verifies the releases of several applications, prints what was found, and resolves to the exit code. */
export async function verifyAll(session: Session, asked: VerifySeveral): Promise<number> {
  const { verifySeveral } = await import('../../engine/verification/several.ts');
  const found = await verifySeveral(await session.context(), asked);
  session.print(verificationsView(found));
  const failures = found.flatMap(({ verified: { value, problem } }) =>
    problem ? [failureOf(problem)] : verificationFailures(value),
  );
  // Data has all of it, on stdout.
  session.fail(failures, 'table');
  return failures[0]?.exit ?? EXIT.ok;
}
