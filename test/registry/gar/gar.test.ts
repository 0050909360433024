// The adapter for Artifact Registry beyond the port's contract: what goes over the wire, how many calls, and what the service's
// refusals mean.
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { stoppingContract } from '../../contract/stopping.ts';
import { failureOf } from '../../support/failure.ts';
import {
  createGarUnderTest,
  failedWith,
  failing,
  GAR_HOST,
  GAR_PATH,
  garRepository,
  type GarServer,
  type GarSettings,
  type GarUnderTest,
  PACKAGE,
  startGar,
  TOKEN,
  clientGiving,
} from '../../support/gar.ts';
import { errorAnswer } from '../../support/http-registry.ts';
import { textOf } from '../../support/oci.ts';
import { sampleIndex } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const V2 = parseTag('V2.0');
const STG = parseTag('stg');
const NEW = parseTag('stg-1');
const REPOSITORY = garRepository();
const NAME = `${GAR_HOST}/${GAR_PATH}`;
const FIRST = sampleIndex('V1.0').digest;
const SECOND = sampleIndex('V2.0').digest;
const IMMUTABLE: GarSettings = { dockerConfig: { immutableTags: true } };

const running: { close(): void; server: GarServer }[] = [];
afterEach(async () => {
  for (const { close, server } of running.splice(0)) {
    close();
    await server.stop();
  }
});
/** `stg` names V1.0, and V2.0 is there to be promoted. */
const promoting = async (
  settings: GarSettings = {},
  options: Parameters<typeof createGarUnderTest>[1] & { readonly pageSize?: number } = {},
): Promise<GarUnderTest & { server: GarServer }> => {
  const server = await startGar(options);
  server.publish(GAR_PATH, sampleIndex('V1.0'), V1);
  server.publish(GAR_PATH, sampleIndex('V1.0'), STG);
  server.publish(GAR_PATH, sampleIndex('V2.0'), V2);
  server.configure('images', settings);
  const under = createGarUnderTest(server, options);
  running.push({ server, close: under.close });
  return { server, ...under };
};
const callsOf = (server: GarServer, method: string) => server.calls.filter((call) => call.method === method);

describe('on the wire', () => {
  it('a tag that is there is moved by UpdateTag, with the mask `version`', async () => {
    const { server, registry } = await promoting();
    await registry.tag(REPOSITORY, SECOND, STG);
    expect(callsOf(server, 'UpdateTag').map(({ request }) => request)).toEqual([
      {
        tag: { name: `${PACKAGE}/tags/stg`, version: `${PACKAGE}/versions/${SECOND}` },
        updateMask: { paths: ['version'] },
      },
    ]);
  });

  it('a new tag is made by CreateTag', async () => {
    const { server, registry } = await promoting();
    await registry.tag(REPOSITORY, SECOND, NEW);
    expect(callsOf(server, 'CreateTag').map(({ request }) => request)).toEqual([
      {
        parent: PACKAGE,
        tagId: 'stg-1',
        tag: { name: `${PACKAGE}/tags/stg-1`, version: `${PACKAGE}/versions/${SECOND}` },
      },
    ]);
  });

  it('a tag is never deleted on its way, nor a manifest sent', async () => {
    const { server, registry } = await promoting();
    for (const digest of [SECOND, FIRST, SECOND]) await registry.tag(REPOSITORY, digest, STG);
    await registry.tag(REPOSITORY, SECOND, NEW);
    expect(server.methods).not.toContain('DeleteTag');
    expect(server.docker.lines.filter((line) => !line.startsWith('GET '))).toEqual([]);
  });

  it('every call carries the token, and names the project it is counted against', async () => {
    const makeClient = async () => ({ ...(await clientGiving(TOKEN)()), quotaProjectId: 'acme-billing' });
    const { server, registry } = await promoting({}, { makeClient });
    await registry.tag(REPOSITORY, SECOND, STG);
    expect(server.calls.length).toBeGreaterThan(2);
    for (const { headers } of server.calls) {
      expect(headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'x-goog-user-project': 'acme-billing' });
    }
  });

  it('the bytes of an image come from the Docker endpoint', async () => {
    const { server, registry } = await promoting();
    expect(await registry.resolve(REPOSITORY, V1)).toMatchObject({ digest: FIRST });
    expect(server.methods).toEqual([]);
    expect(server.docker.lines.at(-1)).toBe(`GET /v2/${GAR_PATH}/manifests/V1.0`);
  });

  it('a list is asked for by the thousand, and comes page by page', async () => {
    const { server, registry } = await promoting({}, { pageSize: 2 });
    expect([...(await registry.listTags(REPOSITORY))].sort()).toEqual(['V1.0', 'V2.0', 'stg']);
    expect(server.calls.map(({ request }) => request)).toMatchObject([
      { parent: PACKAGE, pageSize: 1000, pageToken: '' },
      { pageToken: 'page-2' },
    ]);
  });

  it('case 27: a list whose pages lead in a circle ends', async () => {
    const { server, registry } = await promoting();
    server.intercept('ListTags', () => ({ tags: [], nextPageToken: 'again' }), 99);
    const error = await failureOf(registry.listTags(REPOSITORY));
    expect(error).toMatchObject({ code: 'registry-answer-invalid', why: expect.stringContaining('already read') });
    expect(server.methods).toHaveLength(2);
  });

  it('a list of what the API does not know is asked of the Docker endpoint: it may be virtual', async () => {
    const { server, registry } = await promoting();
    server.intercept('ListTags', failing('NOT_FOUND'));
    expect(await registry.listTags(REPOSITORY)).toEqual(['V1.0', 'V2.0', 'stg']);
  });
});

describe('the number of calls', () => {
  it('is two for a new tag of an image that was resolved', async () => {
    const { server, registry } = await promoting();
    await registry.resolve(REPOSITORY, V2);
    await registry.tag(REPOSITORY, SECOND, NEW);
    expect(server.methods).toEqual(['GetTag', 'CreateTag']);
  });

  it('has the repository’s settings once more when tags are moved, however many', async () => {
    const { server, registry } = await promoting();
    await registry.resolve(REPOSITORY, V2);
    await registry.tag(REPOSITORY, SECOND, STG);
    await registry.tag(REPOSITORY, FIRST, STG);
    expect(server.methods).toEqual(['GetTag', 'GetRepository', 'UpdateTag', 'GetTag', 'UpdateTag']);
  });

  it('has the image once more when it was not seen in this run', async () => {
    const { server, registry } = await promoting();
    await registry.tag(REPOSITORY, SECOND, NEW);
    expect(server.methods).toEqual(['GetTag', 'GetVersion', 'CreateTag']);
  });

  it('case 9: is one when the tag is right already', async () => {
    const { server, registry } = await promoting();
    expect(await registry.tag(REPOSITORY, FIRST, STG)).toEqual({ changed: false, previous: FIRST });
    expect(server.methods).toEqual(['GetTag']);
  });

  it('is one for a peek, and none of the Docker endpoint', async () => {
    const { server, registry } = await promoting();
    expect(await registry.peek(REPOSITORY, STG)).toBe(FIRST);
    expect(server.methods).toEqual(['GetTag']);
    expect(server.docker.requests).toEqual([]);
  });
});

describe('immutable tags', () => {
  it('case 10: one that is right already is left alone, also when asked to rewrite', async () => {
    const { server, registry } = await promoting(IMMUTABLE);
    const unchanged = { changed: false, previous: FIRST };
    expect(await registry.tag(REPOSITORY, FIRST, STG)).toEqual(unchanged);
    expect(await registry.tag(REPOSITORY, FIRST, STG, { rewrite: true })).toEqual(unchanged);
    expect(server.writes).toBe(0);
  });

  it('case 11: refuse to be moved before any write, and the fix names the repository', async () => {
    const { server, registry } = await promoting(IMMUTABLE);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({
      code: 'tag-immutable',
      message: `${NAME}:stg cannot be moved: the tag is immutable`,
      why: expect.stringContaining('dockerConfig.immutableTags'),
      fix: expect.stringMatching(/update images --project=acme-prod --location=europe-west1 --no-immutable-tags$/),
      details: { from: FIRST, to: SECOND },
    });
    expect(server.methods).not.toContain('UpdateTag');
  });

  it('case 11: a new tag is put anyway', async () => {
    const { registry } = await promoting(IMMUTABLE);
    expect(await registry.tag(REPOSITORY, SECOND, NEW)).toEqual({ changed: true, previous: undefined });
  });

  it('case 11: who may not read the settings learns from the write, once', async () => {
    const { server, registry } = await promoting(IMMUTABLE);
    server.intercept('GetRepository', failing('PERMISSION_DENIED'), 9);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({ code: 'tag-immutable', why: expect.stringContaining('FAILED_PRECONDITION') });
    expect(callsOf(server, 'UpdateTag')).toHaveLength(1);
    expect(callsOf(server, 'GetRepository')).toHaveLength(1);
  });

  it('who may not read the settings still moves tags', async () => {
    const { server, registry } = await promoting();
    server.intercept('GetRepository', failing('PERMISSION_DENIED'));
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
  });

  it('a refusal in a mutable repository is not one of immutability', async () => {
    const { server, registry } = await promoting();
    server.intercept('UpdateTag', failing('FAILED_PRECONDITION'));
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({ code: 'forbidden', why: expect.stringContaining('FAILED_PRECONDITION') });
  });

  it.each([
    ['VIRTUAL_REPOSITORY', 'INVALID_ARGUMENT', /is virtual$/],
    ['REMOTE_REPOSITORY', 'FAILED_PRECONDITION', /is remote$/],
  ] as const)('a tag in a %s cannot be put, and the error says why', async (mode, status, what) => {
    const { server, registry } = await promoting({ mode });
    server.intercept('CreateTag', failing(status));
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, NEW));
    expect(error).toMatchObject({ code: 'not-supported', message: expect.stringMatching(what) });
  });
});

describe('writes whose outcome is open', () => {
  it.each(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNKNOWN', 'ABORTED', 'CANCELLED'] as const)(
    'case 15: an answer lost as %s after the tag was moved is success, and not sent again',
    async (status) => {
      const { server, registry } = await promoting();
      server.intercept('UpdateTag', (_record, next) => {
        next();
        throw failedWith(status);
      });
      expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
      expect(callsOf(server, 'UpdateTag')).toHaveLength(1);
    },
  );

  it('case 15: a move that was lost on the way is sent again', async () => {
    const { server, registry } = await promoting();
    server.intercept('UpdateTag', failing('UNAVAILABLE'), 2);
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
    expect(server.tags(GAR_PATH).get('stg')).toBe(SECOND);
  });

  it('case 15: a new tag whose answer was lost is success', async () => {
    const { server, registry } = await promoting();
    server.intercept('CreateTag', (_record, next) => {
      next();
      throw failedWith('UNAVAILABLE');
    });
    expect(await registry.tag(REPOSITORY, SECOND, NEW)).toEqual({ changed: true, previous: undefined });
  });

  it('case 15: a new tag that landed only after it was looked for is ours anyway', async () => {
    const { server, registry } = await promoting();
    server.intercept('CreateTag', failing('UNAVAILABLE'));
    server.intercept('CreateTag', () => {
      server.tags(GAR_PATH).set(NEW, SECOND);
      throw failedWith('ALREADY_EXISTS');
    });
    expect(await registry.tag(REPOSITORY, SECOND, NEW)).toEqual({ changed: true, previous: undefined });
  });

  it('case 15: when the tag cannot be read either, it says that nothing is known', async () => {
    const { server, registry } = await promoting();
    server.intercept('UpdateTag', () => {
      server.intercept('GetTag', failing('UNAVAILABLE'), 99);
      throw failedWith('UNAVAILABLE');
    });
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      why: expect.stringContaining('it is unknown whether'),
    });
  });
});

describe('other writers', () => {
  it('one who makes the tag meanwhile, on another image, has it moved', async () => {
    const { server, registry } = await promoting();
    server.intercept('CreateTag', (_record, next) => {
      server.tags(GAR_PATH).set(NEW, FIRST);
      return next();
    });
    expect(await registry.tag(REPOSITORY, SECOND, NEW)).toMatchObject({ changed: true });
    expect(server.tags(GAR_PATH).get(NEW)).toBe(SECOND);
    expect(server.methods.slice(-1)).toEqual(['UpdateTag']);
  });

  it('one who makes the tag meanwhile, on the same image, has done the work', async () => {
    const { server, registry } = await promoting();
    server.intercept('CreateTag', (_record, next) => {
      server.tags(GAR_PATH).set(NEW, SECOND);
      return next();
    });
    expect(await registry.tag(REPOSITORY, SECOND, NEW)).toEqual({ changed: false, previous: SECOND });
  });

  it('one who deletes the tag meanwhile has it made again', async () => {
    const { server, registry } = await promoting();
    server.intercept('UpdateTag', (_record, next) => {
      server.tags(GAR_PATH).delete('stg');
      return next();
    });
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toMatchObject({ changed: true });
    expect(server.tags(GAR_PATH).get('stg')).toBe(SECOND);
  });

  it('one who never rests ends it, and no success is claimed', async () => {
    const { server, registry } = await promoting();
    server.intercept('CreateTag', failing('ALREADY_EXISTS'), 99);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, NEW));
    expect(error).toMatchObject({ code: 'registry-unavailable', fix: expect.stringContaining('what else writes') });
    expect(callsOf(server, 'CreateTag')).toHaveLength(6);
  });

  it.each(['stg', 'stg-1'])(
    'case 41: a clean-up that took the image first is found by the write of %s',
    async (tag) => {
      const { server, registry } = await promoting();
      await registry.resolve(REPOSITORY, V2);
      server.removeImage(GAR_PATH, SECOND);
      const error = await failureOf(registry.tag(REPOSITORY, SECOND, parseTag(tag)));
      expect(error).toMatchObject({ code: 'digest-not-found', message: expect.stringContaining(SECOND) });
      expect(server.tags(GAR_PATH).get('stg')).toBe(FIRST);
    },
  );
});

describe('failures that pass', () => {
  it.each([
    ['case 17', 'UNAVAILABLE'],
    ['case 17', 'INTERNAL'],
    ['case 17', 'DEADLINE_EXCEEDED'],
    ['case 16', 'RESOURCE_EXHAUSTED'],
  ] as const)('%s: a read is repeated after %s', async (_case, status) => {
    const { server, registry } = await promoting();
    server.intercept('GetTag', failing(status), 3);
    expect(await registry.peek(REPOSITORY, V1)).toBe(FIRST);
    expect(server.methods).toHaveLength(4);
  });

  it('case 16: a write over the quota is sent again after the pause that was asked for', async () => {
    const { server, registry, clock } = await promoting();
    server.intercept('UpdateTag', failing('RESOURCE_EXHAUSTED', 'quota', { retrySeconds: 17 }));
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toMatchObject({ changed: true });
    expect(clock.sleeps.filter((sleep) => sleep > 0)).toEqual([17_000]);
  });

  it('case 16: a pause beyond the time there is ends at once, with an error that a retry helps', async () => {
    const { server, registry } = await promoting();
    server.intercept('GetTag', failing('RESOURCE_EXHAUSTED', 'quota', { retrySeconds: 3600 }));
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'registry-unavailable', retryable: true });
    expect(server.methods).toHaveLength(1);
  });

  it('case 16: a quota that does not recover ends', async () => {
    const { server, registry } = await promoting();
    server.intercept('GetTag', failing('RESOURCE_EXHAUSTED'), 99);
    expect(await failureOf(registry.peek(REPOSITORY, V1))).toMatchObject({ code: 'registry-unavailable' });
    expect(server.methods.length).toBeLessThanOrEqual(20);
  });

  it('a service that does not come back ends, after bounded tries', async () => {
    const { server, registry } = await promoting();
    server.intercept('GetTag', failing('UNAVAILABLE'), 99);
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'registry-unavailable', why: expect.stringContaining('GetTag') });
    expect(server.methods).toHaveLength(6);
  });

  it('case 18: a token that is no more is renewed once, and the call sent again', async () => {
    const makeClient = clientGiving('ya29.revoked', TOKEN);
    const { server, registry } = await promoting({}, { makeClient });
    expect(await registry.peek(REPOSITORY, V1)).toBe(FIRST);
    expect(server.methods).toHaveLength(2);
  });
});

describe('failures that stay', () => {
  it.each([
    ['GetTag', 'artifactregistry.tags.get', 'reader'],
    ['UpdateTag', 'artifactregistry.tags.update', 'writer'],
  ])(
    'case 19: %s without permission names %s and the role, and is not tried again',
    async (method, permission, role) => {
      const { server, registry } = await promoting();
      server.intercept(method, failing('PERMISSION_DENIED', 'denied', { reason: 'IAM_PERMISSION_DENIED' }), 9);
      const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
      expect(error).toMatchObject({
        code: 'forbidden',
        message: `permission ${permission} is denied on ${NAME}`,
        fix: expect.stringContaining(
          `add-iam-policy-binding images --project=acme-prod --location=europe-west1 --role=roles/artifactregistry.${role}`,
        ),
        details: { permission, reason: 'IAM_PERMISSION_DENIED' },
      });
      expect(callsOf(server, method)).toHaveLength(1);
    },
  );

  it.each([
    ['SERVICE_DISABLED', /gcloud services enable artifactregistry/],
    ['ACCESS_TOKEN_SCOPE_INSUFFICIENT', /cloud-platform/],
    ['USER_PROJECT_DENIED', /set-quota-project/],
    ['SECURITY_POLICY_VIOLATED', /perimeter/],
    ['BILLING_DISABLED', /billing/],
  ])('case 19: the reason %s has a fix of its own, whatever the words', async (reason, fix) => {
    const { server, registry } = await promoting();
    server.intercept('GetTag', failing('PERMISSION_DENIED', 'some words or other', { reason }));
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'forbidden', fix: expect.stringMatching(fix) });
  });

  it('case 19: a token that is refused twice is named, without a loop', async () => {
    const { server, registry } = await promoting({}, { makeClient: clientGiving('ya29.canary-of-nobody') });
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({
      code: 'unauthorized',
      fix: expect.stringContaining('gcloud auth application-default'),
    });
    expect(server.methods).toHaveLength(2);
    // The service repeats the token in its message.
    expect(error.why).toContain('[redacted]');
    expect(textOf(error)).not.toContain('canary-of-nobody');
  });

  it('case 42: a token in Google’s own words does not show, not even the half of it that a cut would leave', async () => {
    const { server, registry } = await promoting();
    server.intercept('GetTag', failing('PERMISSION_DENIED', `${'x'.repeat(365)} ${TOKEN} and more`));
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error.why).toContain('[redacted]');
    expect(textOf(error)).not.toContain(TOKEN.slice(0, 8));
  });

  it.each(['INVALID_ARGUMENT', 'UNIMPLEMENTED', 'OUT_OF_RANGE', 'DATA_LOSS'] as const)(
    'a read that is answered with %s is not an answer of Artifact Registry',
    async (status) => {
      const { server, registry } = await promoting();
      server.intercept('GetTag', failing(status));
      const error = await failureOf(registry.peek(REPOSITORY, V1));
      expect(error).toMatchObject({ code: 'registry-answer-invalid', why: expect.stringContaining(status) });
    },
  );

  it('case 19: a read of bytes that is denied gets Google’s fix, not docker login', async () => {
    const { server, registry } = await promoting();
    server.docker.intercept(/manifests/, () => errorAnswer(403, 'DENIED', 'Permission denied'));
    const error = await failureOf(registry.resolve(REPOSITORY, V1));
    expect(error).toMatchObject({
      code: 'forbidden',
      fix: expect.stringMatching(/roles\/artifactregistry\.reader.*downloadArtifacts/),
    });
    expect(error.fix).not.toContain('docker login');
  });

  it('case 38: a sha512 digest is refused before anything is asked', async () => {
    const { server, registry } = await promoting();
    const digest = digestOf('x', 'sha512');
    for (const asked of [registry.resolve(REPOSITORY, digest), registry.tag(REPOSITORY, digest, STG)]) {
      const error = await failureOf(asked);
      expect(error).toMatchObject({ code: 'not-supported', why: expect.stringContaining('sha256') });
    }
    expect(server.methods).toEqual([]);
    expect(server.docker.requests).toEqual([]);
  });

  it.each([
    ['no version', { name: `${PACKAGE}/tags/stg`, version: '' }],
    ['a version that is not a digest', { version: `${PACKAGE}/versions/1.0` }],
    ['a version that is ill encoded', { version: `${PACKAGE}/versions/sha256%3` }],
  ])('a tag with %s is not an answer of Artifact Registry', async (_what, answer) => {
    const { server, registry } = await promoting();
    server.intercept('GetTag', () => answer);
    expect(await failureOf(registry.peek(REPOSITORY, V1))).toMatchObject({ code: 'registry-answer-invalid' });
  });

  it('case 7: a move that was done to another image is a mismatch', async () => {
    const { server, registry } = await promoting();
    server.intercept('UpdateTag', () => ({ version: `${PACKAGE}/versions/${FIRST}` }));
    expect(await failureOf(registry.tag(REPOSITORY, SECOND, STG))).toMatchObject({ code: 'digest-mismatch' });
  });

  it('an address where nothing listens is unavailable, by its name', async () => {
    const { server, registry } = await promoting();
    await server.stop();
    running[0]!.server = await startGar();
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      message: expect.stringContaining(new URL(server.url).host),
      why: expect.stringContaining('UNAVAILABLE'),
    });
  });

  it('silence ends by the time limit of one try', async () => {
    const { server, registry } = await promoting({}, { requestTimeoutMs: 60 });
    server.intercept('GetTag', () => 'hang', 99);
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'registry-unavailable', why: expect.stringContaining('0.06 s') });
  });

  it('a repository of another registry is a defect, not a question to Google', async () => {
    const { server, registry } = await promoting();
    const error = await failureOf(registry.peek(garRepository('acme/app', `${GAR_HOST}.evil.example`), V1));
    expect(error).toMatchObject({ code: 'internal' });
    expect(server.methods).toEqual([]);
  });
});

describe('case 43: a run that is asked to stop', () => {
  const stopping = async (stopGraceMs?: number) => {
    const controller = new AbortController();
    const { signal } = controller;
    return { controller, ...(await promoting({}, { signal, ...(stopGraceMs !== undefined && { stopGraceMs }) })) };
  };

  stoppingContract({
    open: async (graceMs) => {
      const { server, controller, registry } = await stopping(graceMs);
      return {
        registry,
        controller,
        calls: () => server.methods,
        stopDuring: (call, then) => {
          server.intercept(call, (_record, next) => {
            controller.abort();
            return then === 'answer' ? next() : 'hang';
          });
        },
      };
    },
    repository: REPOSITORY,
    read: { call: 'GetTag', tag: V1 },
    write: { call: 'CreateTag', name: 'CreateTag', tag: NEW, digest: SECOND, previous: undefined },
  });
});

describe('removing a tag', () => {
  const removing = async (settings: GarSettings = {}) => promoting(settings);

  it('is DeleteTag, and nothing else is deleted', async () => {
    const { server, registry } = await removing();
    expect(await registry.removeTag(REPOSITORY, STG, FIRST)).toEqual({ outcome: 'removed' });
    expect(server.methods).toEqual(['GetRepository', 'GetTag', 'DeleteTag']);
    expect(callsOf(server, 'DeleteTag').map(({ request }) => request)).toEqual([{ name: `${PACKAGE}/tags/stg` }]);
    expect(server.docker.requests).toEqual([]);
  });

  it('is not supported where tags are immutable, which is asked once', async () => {
    const { server, registry } = await removing(IMMUTABLE);
    for (const tag of [STG, V1]) {
      expect(await registry.removeTag(REPOSITORY, tag, FIRST)).toMatchObject({
        outcome: 'unsupported',
        why: expect.stringContaining('immutable'),
      });
    }
    expect(server.methods).toEqual(['GetRepository']);
  });

  it('whose answer was lost is settled by reading the tag', async () => {
    const { server, registry } = await removing();
    server.intercept('DeleteTag', (_record, next) => {
      next();
      throw failedWith('UNAVAILABLE');
    });
    expect(await registry.removeTag(REPOSITORY, STG, FIRST)).toEqual({ outcome: 'removed' });
    expect(callsOf(server, 'DeleteTag')).toHaveLength(1);
  });

  it('that was lost on the way is sent again', async () => {
    const { server, registry } = await removing();
    server.intercept('DeleteTag', failing('UNAVAILABLE'));
    expect(await registry.removeTag(REPOSITORY, STG, FIRST)).toEqual({ outcome: 'removed' });
    expect(server.tags(GAR_PATH).has('stg')).toBe(false);
  });

  it('that was lost leaves alone what somebody else has put meanwhile', async () => {
    const { server, registry } = await removing();
    server.intercept('DeleteTag', () => {
      server.tags(GAR_PATH).set('stg', SECOND);
      throw failedWith('UNAVAILABLE');
    });
    expect(await registry.removeTag(REPOSITORY, STG, FIRST)).toEqual({ outcome: 'moved', actual: SECOND });
    expect(server.tags(GAR_PATH).get('stg')).toBe(SECOND);
  });

  it('without permission names the role that may', async () => {
    const { server, registry } = await removing();
    server.intercept('DeleteTag', failing('PERMISSION_DENIED'));
    const error = await failureOf(registry.removeTag(REPOSITORY, STG, FIRST));
    expect(error).toMatchObject({ code: 'forbidden', fix: expect.stringContaining('artifactregistry.repoAdmin') });
  });
});
