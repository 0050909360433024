// Errors of one environment as values, for reports that name them and continue with the others.
import { type TagflowError, isTagflowError } from '../../model/errors.ts';

/** The value, or undefined and the error when it fails with a record, a tree or a branch that cannot be used: for reports. */
export async function orProblem<T>(work: Promise<T>): Promise<{ value?: T; problem?: TagflowError }> {
  try {
    return { value: await work };
  } catch (error) {
    const codes = ['record-invalid', 'signature-invalid', 'branch-not-found', 'branch-rewound', 'tree-unsafe'] as const;
    if (isTagflowError(error, ...codes)) return { problem: error };
    throw error;
  }
}
