// The Amazon ECR adapter beyond the port's contract: what goes over the wire, how many calls, and what ECR's refusals mean.
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import type { ErrorCode } from '../../../src/model/errors.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { stoppingContract } from '../../contract/stopping.ts';
import { createInstantClock } from '../../support/clock.ts';
import {
  ACCOUNT,
  createEcrUnderTest,
  ECR_HOST,
  ecrRepository,
  type EcrServer,
  KEYS,
  refusedWith,
  startEcr,
  type TagRule,
} from '../../support/ecr.ts';
import { failureOf } from '../../support/failure.ts';
import { textOf } from '../../support/oci.ts';
import { DOCKER_LIST, sampleDockerList, sampleIndex, sampleSingle } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const V2 = parseTag('V2.0');
const STG = parseTag('stg');
const REPOSITORY = ecrRepository();
const PATH = 'acme/app';
const ALL_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

const running: EcrServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
const start = async (options?: Parameters<typeof startEcr>[0]): Promise<EcrServer> => {
  const server = await startEcr(options);
  running.push(server);
  return server;
};
/** `stg` names V1.0, and V2.0 is there to be promoted. */
const promoting = async (rule: TagRule = { imageTagMutability: 'MUTABLE' }) => {
  const server = await start();
  server.publish(PATH, sampleIndex('V1.0'), V1);
  server.publish(PATH, sampleIndex('V1.0'), STG);
  server.publish(PATH, sampleIndex('V2.0'), V2);
  server.createRepository(PATH, rule);
  return { server, ...createEcrUnderTest(server.url) };
};
const FIRST = sampleIndex('V1.0').digest;
const SECOND = sampleIndex('V2.0').digest;

/** A rule that makes all tags immutable but those of the filters. */
const exceptFor = (filters: string[]): TagRule => ({ imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION', filters });
/** What a resolve of V1.0 is refused with when the answer holds this image. */
const answering = async (image: object) => {
  const { server, registry } = await promoting();
  server.intercept('BatchGetImage', () => ({ status: 200, body: { images: [image], failures: [] } }));
  return failureOf(registry.resolve(REPOSITORY, V1));
};
/** An adapter that can be told to stop. */
const stopping = async (graceMs?: number) => {
  const { server } = await promoting();
  const controller = new AbortController();
  const options = { signal: controller.signal, ...(graceMs !== undefined && { stopGraceMs: graceMs }) };
  return { server, controller, ...createEcrUnderTest(server.url, options) };
};

describe('on the wire', () => {
  it('a read asks the account’s registry for all four media types', async () => {
    const { server, registry } = await promoting();
    await registry.resolve(REPOSITORY, V1);
    expect(server.requests.map(({ operation, input }) => ({ operation, input }))).toEqual([
      {
        operation: 'BatchGetImage',
        input: {
          registryId: ACCOUNT,
          repositoryName: PATH,
          imageIds: [{ imageTag: 'V1.0' }],
          acceptedMediaTypes: ALL_TYPES,
        },
      },
    ]);
  });

  it('case 2: a write puts the manifest verbatim, with its media type, tag and digest', async () => {
    const server = await start();
    const list = sampleDockerList();
    server.publish(PATH, list, V1);
    const { registry } = createEcrUnderTest(server.url);
    await registry.tag(REPOSITORY, list.digest, STG);
    expect(server.requests.at(-1)).toMatchObject({
      operation: 'PutImage',
      input: {
        registryId: ACCOUNT,
        repositoryName: PATH,
        imageManifest: new TextDecoder().decode(list.bytes),
        imageManifestMediaType: DOCKER_LIST,
        imageTag: 'stg',
        imageDigest: list.digest,
      },
    });
  });

  it('a list asks for tagged images, a thousand at a time, page by page', async () => {
    const server = await start({ pageSize: 2 });
    for (const tag of ['a', 'b', 'c', 'd', 'e']) server.publish(PATH, sampleSingle(), tag);
    server.publish(PATH, sampleSingle('untagged'));
    expect(await createEcrUnderTest(server.url).registry.listTags(REPOSITORY)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(server.requests.map(({ input }) => input)).toMatchObject([
      { maxResults: 1000, filter: { tagStatus: 'TAGGED' } },
      { nextToken: '2' },
      { nextToken: '4' },
    ]);
  });

  it('case 27: a list whose pages lead in a circle ends', async () => {
    const server = await start();
    const page = { status: 200, body: { imageIds: [{ imageTag: 'a' }], nextToken: 'again' } };
    server.intercept('ListImages', () => page, 99);
    const error = await failureOf(createEcrUnderTest(server.url).registry.listTags(REPOSITORY));
    expect(error).toMatchObject({ code: 'registry-answer-invalid', why: expect.stringContaining('already read') });
    expect(server.operations).toHaveLength(2);
  });
});

describe('the number of calls', () => {
  it('is two for a resolve and a first tag beyond the resolve itself', async () => {
    const { server, registry } = await promoting();
    await registry.resolve(REPOSITORY, V2);
    await registry.tag(REPOSITORY, SECOND, parseTag('stg-1'));
    expect(server.operations).toEqual(['BatchGetImage', 'BatchGetImage', 'PutImage']);
  });

  it('has the repository’s rule once more when tags are moved, however many', async () => {
    const { server, registry } = await promoting();
    await registry.resolve(REPOSITORY, V2);
    await registry.tag(REPOSITORY, SECOND, STG);
    await registry.tag(REPOSITORY, FIRST, STG);
    expect(server.operations.filter((operation) => operation === 'DescribeRepositories')).toHaveLength(1);
    expect(server.operations).toHaveLength(6);
  });

  it('case 9: is one when the tag is right already', async () => {
    const { server, registry } = await promoting();
    expect(await registry.tag(REPOSITORY, FIRST, STG)).toEqual({ changed: false, previous: FIRST });
    expect(server.operations).toEqual(['BatchGetImage']);
  });

  it('is one for a peek, and its manifest is not read again', async () => {
    const { server, registry } = await promoting();
    await registry.peek(REPOSITORY, V2);
    await registry.tag(REPOSITORY, SECOND, parseTag('stg-1'));
    expect(server.operations).toEqual(['BatchGetImage', 'BatchGetImage', 'PutImage']);
  });
});

describe('immutable tags', () => {
  it('case 10: one that is right already is left alone', async () => {
    const { server, registry } = await promoting({ imageTagMutability: 'IMMUTABLE' });
    expect(await registry.tag(REPOSITORY, FIRST, STG)).toEqual({ changed: false, previous: FIRST });
    expect(server.writes).toBe(0);
  });

  it('case 10: a rewrite of one that is right already succeeds, and says that nothing was written', async () => {
    const { registry } = await promoting({ imageTagMutability: 'IMMUTABLE' });
    expect(await registry.tag(REPOSITORY, FIRST, STG, { rewrite: true })).toEqual({ changed: false, previous: FIRST });
  });

  it('case 10: one that another writer put meanwhile, to the same image, is success', async () => {
    const { server, registry } = await promoting({ imageTagMutability: 'IMMUTABLE' });
    const tag = parseTag('stg-1');
    server.intercept('PutImage', (_record, next) => {
      server.publish(PATH, sampleIndex('V2.0'), tag);
      return next();
    });
    expect(await registry.tag(REPOSITORY, SECOND, tag)).toEqual({ changed: false, previous: SECOND });
  });

  it.each([
    ['IMMUTABLE', { imageTagMutability: 'IMMUTABLE' }, /IMMUTABLE_WITH_EXCLUSION, with a WILDCARD filter "stg"/],
    ['IMMUTABLE_WITH_EXCLUSION', exceptFor(['dev', 'prd*']), /add a WILDCARD filter "stg"/],
    [
      'MUTABLE_WITH_EXCLUSION',
      { imageTagMutability: 'MUTABLE_WITH_EXCLUSION', filters: ['s*'] },
      /remove the filter "s\*"/,
    ],
  ] as const)('case 11: %s refuses to move one, before any write, and says which filter to change', async (...row) => {
    const [setting, rule, fix] = row;
    const { server, registry } = await promoting(rule);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({
      code: 'tag-immutable',
      message: `${ECR_HOST}/acme/app:stg cannot be moved: the tag is immutable`,
      why: expect.stringContaining(setting),
      fix: expect.stringMatching(fix),
      details: { from: FIRST, to: SECOND, mutability: setting },
    });
    expect(server.operations).not.toContain('PutImage');
  });

  it('case 11: a tag that the rule leaves out is moved', async () => {
    const { registry } = await promoting(exceptFor(['stg']));
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
  });

  it('case 11: a new tag is put in an immutable repository', async () => {
    const { registry } = await promoting({ imageTagMutability: 'IMMUTABLE' });
    expect(await registry.tag(REPOSITORY, SECOND, parseTag('stg-1'))).toMatchObject({ changed: true });
  });

  it('case 11: who may not read the rule learns from the write, once', async () => {
    const { server, registry } = await promoting({ imageTagMutability: 'IMMUTABLE' });
    server.intercept('DescribeRepositories', () => refusedWith('AccessDeniedException'), 9);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({
      code: 'tag-immutable',
      why: expect.stringContaining('ImageTagAlreadyExistsException'),
      fix: expect.stringContaining('IMMUTABLE_WITH_EXCLUSION'),
    });
    expect(server.operations.filter((operation) => operation === 'PutImage')).toHaveLength(1);
    expect(server.operations.filter((operation) => operation === 'DescribeRepositories')).toHaveLength(1);
  });

  it('who may not read the rule still moves tags', async () => {
    const { server, registry } = await promoting();
    server.intercept('DescribeRepositories', () => refusedWith('AccessDeniedException'));
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
  });
});

describe('writes whose outcome is open', () => {
  it('case 15: an answer that was lost after the tag was put is success, and not put again', async () => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', (_record, next) => {
      next();
      return 'drop';
    });
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
    expect(server.operations.filter((operation) => operation === 'PutImage')).toHaveLength(1);
  });

  it('case 15: a write that was lost on the way is put again', async () => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', () => 'drop', 2);
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
    expect(server.tags(PATH)['stg']).toBe(SECOND);
  });

  it('case 15: a write that landed only after the tag was read is ours anyway', async () => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', () => 'drop');
    server.intercept('PutImage', (_record, next) => {
      next();
      return next();
    });
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toEqual({ changed: true, previous: FIRST });
  });

  it('case 15: when the tag cannot be read either, it says that nothing is known', async () => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', () => {
      server.intercept('BatchGetImage', () => 'drop', 99);
      return 'drop';
    });
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      why: expect.stringContaining('it is unknown whether'),
    });
  });

  it('a write that never becomes true ends, and does not claim success', async () => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', () => refusedWith('ImageAlreadyExistsException'), 99);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({ code: 'registry-unavailable', why: expect.stringContaining('another writer') });
  });
});

describe('failures that pass', () => {
  it.each([
    ['a 500 in the API’s form', () => refusedWith('ServerException', 'try later', 500)],
    ['a 503 of something before it', () => ({ status: 503, body: {}, raw: '<html>busy</html>' })],
    ['a connection that was cut', () => 'drop' as const],
    ['throttling', () => refusedWith('ThrottlingException', 'Rate exceeded')],
    ['too many requests', () => refusedWith('TooManyRequestsException', 'Rate exceeded')],
    ['a 429 by another name', () => refusedWith('SlowDownPlease', 'Rate exceeded', 429)],
  ])('case 17: a read is repeated after %s', async (_what, fault) => {
    const { server, registry } = await promoting();
    server.intercept('BatchGetImage', fault, 3);
    expect(await registry.resolve(REPOSITORY, V1)).toMatchObject({ digest: FIRST });
    expect(server.operations).toHaveLength(4);
  });

  it('case 16: a write that was throttled is put again after a pause', async () => {
    const { server, registry, clock } = await promoting();
    server.intercept('PutImage', () => refusedWith('ThrottlingException', 'Rate exceeded'), 2);
    expect(await registry.tag(REPOSITORY, SECOND, STG)).toMatchObject({ changed: true });
    expect(clock.sleeps.filter((sleep) => sleep > 0)).toHaveLength(2);
  });

  it('case 16: throttling that does not end is an error that a retry helps', async () => {
    const { server, registry } = await promoting();
    server.intercept('BatchGetImage', () => refusedWith('ThrottlingException', 'Rate exceeded'), 99);
    const error = await failureOf(registry.resolve(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'registry-unavailable', retryable: true });
    expect(server.operations.length).toBeLessThanOrEqual(20);
  });

  it('a limit of the account is tried again a little, then named', async () => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', () => refusedWith('LimitExceededException', 'too many tags'), 99);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({ code: 'forbidden', fix: expect.stringContaining('1000 tags') });
    expect(server.operations.filter((operation) => operation === 'PutImage')).toHaveLength(3);
  });

  it('a clock that is wrong is set by the server’s, and the call is signed again', async () => {
    const { server, registry } = await promoting();
    const headers = { date: new Date(Date.now() + 20 * 60_000).toUTCString() };
    server.intercept('BatchGetImage', () => ({ ...refusedWith('InvalidSignatureException', 'not yet', 403), headers }));
    expect(await registry.resolve(REPOSITORY, V1)).toMatchObject({ digest: FIRST });
  });
});

describe('failures that stay', () => {
  it('case 19: a missing permission names action and repository, and is not tried again', async () => {
    const { server, registry } = await promoting();
    const said = `User: arn:aws:iam::${ACCOUNT}:user/ci is not authorized to perform: ecr:PutImage`;
    server.intercept('PutImage', () => refusedWith('AccessDeniedException', said), 9);
    const error = await failureOf(registry.tag(REPOSITORY, SECOND, STG));
    expect(error).toMatchObject({
      code: 'forbidden',
      message: `permission ecr:PutImage is denied on ${ECR_HOST}/acme/app`,
      why: expect.stringContaining(said),
      fix: expect.stringContaining(`arn:aws:ecr:eu-west-1:${ACCOUNT}:repository/acme/app`),
      details: { action: 'ecr:PutImage', repository: 'acme/app' },
    });
    expect(server.operations.filter((operation) => operation === 'PutImage')).toHaveLength(1);
  });

  it.each([
    ['expired', 'ExpiredTokenException', /log in to AWS again/],
    ['unknown', 'UnrecognizedClientException', /AWS_ACCESS_KEY_ID/],
    ['wrong', 'InvalidSignatureException', /AWS_SECRET_ACCESS_KEY/],
    ['missing', 'MissingAuthenticationTokenException', /AWS_ACCESS_KEY_ID/],
  ])('case 19: credentials that are %s are named, once', async (_what, type, fix) => {
    const { server, registry } = await promoting();
    server.intercept('BatchGetImage', () => refusedWith(type, 'no', 403), 9);
    const error = await failureOf(registry.resolve(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'unauthorized', fix: expect.stringMatching(fix) });
    expect(server.operations).toHaveLength(1);
  });

  it('case 42: no secret shows when AWS repeats what was signed', async () => {
    const server = await start();
    const credentials = { ...KEYS, secretAccessKey: 'canary/wrong+secret' };
    const error = await failureOf(createEcrUnderTest(server.url, { credentials }).registry.resolve(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'unauthorized', why: expect.stringContaining('InvalidSignatureException') });
    for (const secret of [KEYS.sessionToken, credentials.secretAccessKey]) expect(textOf(error)).not.toContain(secret);
  });

  it('case 42: a secret in AWS’s own words does not show, not even the half of it that a cut would leave', async () => {
    const { server, registry } = await promoting();
    const said = `${'x'.repeat(360)} ${KEYS.sessionToken} ${KEYS.secretAccessKey}`;
    server.intercept('BatchGetImage', () => refusedWith('AccessDeniedException', said));
    const error = await failureOf(registry.resolve(REPOSITORY, V1));
    expect(error.why).toContain('[redacted]');
    expect(textOf(error)).not.toContain(KEYS.sessionToken.slice(0, 8));
  });

  it.each<[string, ErrorCode, object]>([
    ['a key that may not be used', 'forbidden', { failureCode: 'KmsError' }],
    ['a cached registry that denies', 'forbidden', { failureCode: 'UpstreamAccessDenied' }],
    ['a cached registry that is down', 'registry-unavailable', { failureCode: 'UpstreamUnavailable' }],
    ['a failure without a code', 'registry-answer-invalid', {}],
  ])('%s is %s', async (_what, code, failure) => {
    const { server, registry } = await promoting();
    server.intercept('BatchGetImage', () => ({ status: 200, body: { images: [], failures: [failure] } }));
    expect(await failureOf(registry.resolve(REPOSITORY, V1))).toMatchObject({ code });
  });

  it.each<[string, ErrorCode]>([
    ['ImageDigestDoesNotMatchException', 'digest-mismatch'],
    ['ReferencedImagesNotFoundException', 'digest-not-found'],
    ['LayersNotFoundException', 'digest-not-found'],
    ['RepositoryNotFoundException', 'digest-not-found'],
    ['KmsException', 'forbidden'],
    ['BlockedByOrganizationPolicyException', 'forbidden'],
    ['InvalidParameterException', 'registry-answer-invalid'],
  ])('PutImage answered with %s is %s, and the tag stays', async (type, code) => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', () => refusedWith(type));
    expect(await failureOf(registry.tag(REPOSITORY, SECOND, STG))).toMatchObject({ code });
    expect(server.tags(PATH)['stg']).toBe(FIRST);
  });

  it('case 38: a sha512 digest is refused, never looked up as something else', async () => {
    const { registry } = await promoting();
    const error = await failureOf(registry.resolve(REPOSITORY, digestOf('x', 'sha512')));
    expect(error).toMatchObject({ code: 'not-supported', why: expect.stringContaining('sha256') });
  });

  it('an answer that is not JSON is not an answer of ECR', async () => {
    const { server, registry } = await promoting();
    server.intercept('BatchGetImage', () => ({ status: 200, body: {}, raw: '<html>log in</html>' }));
    const error = await failureOf(registry.resolve(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'registry-answer-invalid', fix: expect.stringContaining('AWS_ENDPOINT_URL') });
  });

  it('an address where nothing listens is unavailable, by its name', async () => {
    const server = await start();
    await server.stop();
    running.pop();
    const error = await failureOf(createEcrUnderTest(server.url).registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      message: `cannot reach ${new URL(server.url).host}`,
      why: expect.stringContaining('refused'),
    });
  });

  it('silence ends by the time limit of one try', async () => {
    const { server } = await promoting();
    const { registry } = createEcrUnderTest(server.url, { requestTimeoutMs: 40 });
    server.intercept('BatchGetImage', () => 'hang', 99);
    const error = await failureOf(registry.peek(REPOSITORY, V1));
    expect(error).toMatchObject({ code: 'registry-unavailable', why: expect.stringContaining('0.04 s') });
  });
});

describe('bytes that are not what they are called', () => {
  const index = sampleIndex();
  const image = {
    imageId: { imageDigest: index.digest, imageTag: 'V1.0' },
    imageManifest: new TextDecoder().decode(index.bytes),
    imageManifestMediaType: index.mediaType,
  };

  it.each<[string, ErrorCode, object]>([
    ['case 7: another digest', 'digest-mismatch', { imageId: { imageDigest: SECOND } }],
    ['case 7: no digest', 'registry-answer-invalid', { imageId: { imageTag: 'V1.0' } }],
    ['case 5: another media type than its own', 'media-type-conflict', { imageManifestMediaType: ALL_TYPES[1] }],
    [
      'case 36: schema 1',
      'not-supported',
      { imageManifestMediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
    ],
  ])('%s is %s', async (_what, code, change) => {
    expect(await answering({ ...image, ...change })).toMatchObject({ code });
  });

  it('case 8: a digest that is answered with another image is a mismatch', async () => {
    const { server, registry } = await promoting();
    server.intercept('BatchGetImage', () => ({ status: 200, body: { images: [image] } }));
    expect(await failureOf(registry.resolve(REPOSITORY, SECOND))).toMatchObject({ code: 'digest-mismatch' });
  });

  it('case 7: a write that was stored as something else is a mismatch', async () => {
    const { server, registry } = await promoting();
    server.intercept('PutImage', () => ({ status: 200, body: { image } }));
    expect(await failureOf(registry.tag(REPOSITORY, SECOND, STG))).toMatchObject({ code: 'digest-mismatch' });
  });
});

describe('case 43: a run that is asked to stop', () => {
  stoppingContract({
    open: async (graceMs) => {
      const { server, controller, registry } = await stopping(graceMs);
      return {
        registry,
        controller,
        calls: () => server.operations,
        stopDuring: (call, then) => {
          server.intercept(call, (_record, next) => {
            controller.abort();
            return then === 'answer' ? next() : 'hang';
          });
        },
      };
    },
    repository: REPOSITORY,
    read: { call: 'BatchGetImage', tag: V1 },
    write: { call: 'PutImage', name: 'ecr:PutImage', tag: STG, digest: SECOND, previous: FIRST },
  });

  it('starts no write that waits for its turn', async () => {
    const clock = createInstantClock();
    const server = await start();
    server.publish(PATH, sampleSingle(), V1);
    const controller = new AbortController();
    const { registry } = createEcrUnderTest(server.url, { clock, signal: controller.signal });
    const { digest } = sampleSingle();
    server.intercept(
      'PutImage',
      (record, next) => {
        if (record.input['imageTag'] === 'stg-3') controller.abort();
        return next();
      },
      99,
    );
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, async (_, at) => registry.tag(REPOSITORY, digest, parseTag(`stg-${at}`))),
    );
    // Those of the 16 under way, and the few that took their places before the stop.
    expect(server.writes).toBeLessThanOrEqual(20);
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(refused.length).toBeGreaterThanOrEqual(20);
    for (const reason of refused) expect(reason).toMatchObject({ code: 'interrupted' });
  });
});
