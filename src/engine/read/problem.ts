// Errors of one environment as values, for reports that name them and continue with the others.
import { type TagflowError, isTagflowError } from '../../model/errors.ts';

/** Why the past of one environment could not be read, while the others were. */
export interface EnvironmentProblem {
  readonly environment: string;
  readonly problem: TagflowError;
}

/** The value, or undefined and the error, whatever went wrong with one environment; an interrupt and a defect are thrown. */
export async function orFailure<T>(work: Promise<T>): Promise<{ value?: T; problem?: TagflowError }> {
  try {
    return { value: await work };
  } catch (error) {
    if (isTagflowError(error) && error.code !== 'interrupted' && error.code !== 'internal') return { problem: error };
    throw error;
  }
}

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
