// The clouds' own packages are large: they are loaded on first use, and may be missing where tagflow was not installed by npm.
import { TagflowError } from '../model/errors.ts';

/** What `load` imports: the package `name`, which `service` is spoken to by. Throws `not-supported` when it is not there. */
export async function loadPackage<T>(
  service: 'Amazon ECR' | 'Artifact Registry',
  name: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new TagflowError('not-supported', {
      what: `tagflow cannot speak to ${service} here: a package that it needs for that is not installed`,
      why: `the package ${name} was not found beside tagflow`,
      fix: `install tagflow by npm, which brings it, or add it: npm install ${name}`,
      cause,
    });
  }
}
