// The step `prometheus` against a real Prometheus that scrapes a small exporter: what it answers is a yes, a no, or nothing.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseDigest } from '../../src/model/digest.ts';
import { parseObjectId } from '../../src/model/object-id.ts';
import { parseTag } from '../../src/model/reference.ts';
import type { PrometheusStep } from '../../src/model/verification.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import type { Answer, Probe, VerifyTarget } from '../../src/verify/verify.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { describeReal } from '../support/real.ts';
import { type SmallServer, startSmallServer } from '../support/verifier.ts';

const version = parseTag('V4.2');
const digest = parseDigest(`sha256:${'42'.repeat(32)}`);
const TARGET: VerifyTarget = {
  environment: 'prd',
  application: undefined,
  images: [{ name: 'django', repository: 'registry.example.org/shop/django', version, digest }],
  release: { sequence: 7, commit: parseObjectId('0123456789012345678901234567890123456789') },
  async *files() {
    yield* [];
  },
  statuses: async () => [],
};

describeReal('a real Prometheus', ['prometheus'], () => {
  let exporter: SmallServer;
  let prometheus: Prometheus;
  let probe: Probe;
  /** What the exporter says of V4.2. */
  let errors = '0.001';

  beforeAll(async () => {
    exporter = await startSmallServer((_, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(`# TYPE errors gauge\nerrors{version="V4.2"} ${errors}\nerrors{version="V4.0"} 0.9\n`);
    });
    prometheus = await startPrometheus(exporter.origin);
    const signal = new AbortController().signal;
    probe = createVerifier({ env: {}, signal, directory: '/' }).open(TARGET);
  }, 60_000);
  afterAll(async () => {
    await probe?.close();
    await prometheus?.stop();
    await exporter?.stop();
  });

  const asked = async (query: string, more: Partial<PrometheusStep> = {}): Promise<Answer> => {
    const bounds = { min: undefined, max: 0.01, duringMs: 0, token: false } as const;
    return probe.ask({ kind: 'prometheus', name: 'errors', url: prometheus.origin, query, ...bounds, ...more }, 5000);
  };
  /** Asks until it is scraped. */
  const comes = async (query: string, answer: Answer): Promise<void> =>
    vi.waitFor(async () => expect(await asked(query)).toEqual(answer), { timeout: 30_000, interval: 100 });

  describe('of the version that was released', () => {
    const QUERY = 'errors{version="{version}"}';

    test('passes within bounds, and fails once the exporter says more', async () => {
      await comes(QUERY, { said: 'yes', seen: '0.001' });
      expect(await asked(QUERY, { max: undefined, min: 1 })).toEqual({ said: 'no', seen: '0.001 is below 1' });
      errors = '0.5';
      await comes(QUERY, { said: 'no', seen: '0.5 is above 0.01' });
    }, 60_000);

    test('judges a scalar and an aggregate alike', async () => {
      await comes('scalar(errors{version="V4.0"}) - 0.9', { said: 'yes', seen: '0' });
      await comes('count(errors) - 2', { said: 'yes', seen: '0' });
    }, 60_000);
  });

  test.each([
    ['no such series', 'nothing_of_the_kind', /^the query has no data$/],
    ['a value that is not a number', '0 * errors / 0', /^a value is not a number \(NaN\)$/],
    ['a query that is not one', 'sum((', /^Prometheus says: .*parse error/],
    ['a string', '"hello"', /no result of an instant query/],
  ])(
    '%s is no answer',
    async (_what, query, seen) => {
      await comes('count(errors) - 2', { said: 'yes', seen: '0' });
      expect(await asked(query)).toEqual({ said: 'nothing', seen: expect.stringMatching(seen) });
    },
    60_000,
  );
});
