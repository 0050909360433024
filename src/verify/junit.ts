// What a file of test results in JUnit's XML says: how many tests, and which failed. Only names of elements and attributes are
// looked at; nothing is resolved or loaded.

/** Test results. */
export interface TestResults {
  readonly tests: number;
  /** Names of tests that failed or ended in an error. */
  readonly failed: readonly string[];
}

const TAG = /<(\/?)([A-Za-z_][\w.-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g;
const NAME = /\sname\s*=\s*(?:"([^"]*)"|'([^']*)')/;

/** The results in a text; undefined where it is not JUnit XML. */
export function readJunit(text: string): TestResults | undefined {
  // Output of tests stands in these, and may hold anything.
  const bare = text.replaceAll(/<!\[CDATA\[[\s\S]*?\]\]>|<!--[\s\S]*?-->/g, '');
  if (!/<testsuites?[\s/>]/.test(bare)) return undefined;
  let tests = 0;
  let current: string | undefined;
  const failed = new Set<string>();
  for (const [, closing, element, attributes = '', empty] of bare.matchAll(TAG)) {
    if (element === 'testcase') {
      const [, double, single] = NAME.exec(attributes) ?? [];
      if (!closing) tests += 1;
      current = closing || empty ? undefined : unescape(double ?? single ?? `test ${tests}`);
    } else if ((element === 'failure' || element === 'error') && !closing) {
      failed.add(current ?? 'a test suite');
    }
  }
  return { tests, failed: [...failed] };
}

function unescape(text: string): string {
  const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => characters[name] ?? '');
}
