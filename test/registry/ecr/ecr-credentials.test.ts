// Passwords for the Docker endpoints of Amazon ECR, as the adapter that copies blobs asks for them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CredentialSource } from '../../../src/registry/credentials/credentials.ts';
import {
  createEcrUnderTest,
  ECR_HOST,
  type EcrServer,
  KEYS,
  LOOK_ALIKES,
  refusedWith,
  startEcr,
} from '../../support/ecr.ts';
import { createInstantClock } from '../../support/clock.ts';
import { failureOf } from '../../support/failure.ts';

const HOUR = 3_600_000;
const clock = createInstantClock();
let server: EcrServer;
let asked: string[];
let source: CredentialSource;
beforeEach(async () => {
  server = await startEcr({ clock });
  asked = [];
  source = createEcrUnderTest(server.url, { clock }).registry.credentialsOr({
    async find(host) {
      asked.push(host);
      return { kind: 'password', username: 'other', password: 'canary' };
    },
  });
});
afterEach(async () => {
  await server.stop();
});

const password = async (): Promise<string> => {
  const credential = await source.find(ECR_HOST, 'acme/app');
  if (credential?.kind !== 'password') throw new Error('no password');
  expect(credential.username).toBe('AWS');
  return credential.password;
};

describe('the password of a Docker endpoint', () => {
  it('comes from GetAuthorizationToken, and from no other source', async () => {
    expect(await password()).toBe('canary-docker-password-1');
    expect(asked).toEqual([]);
  });

  it('is asked for once, however many want it', async () => {
    await Promise.all([password(), password(), password()]);
    await password();
    expect(server.operations).toEqual(['GetAuthorizationToken']);
  });

  it('is used for most of its 12 hours, then renewed once for all', async () => {
    await password();
    clock.advance(9 * HOUR);
    expect(await password()).toBe('canary-docker-password-1');
    clock.advance(HOUR);
    expect(await Promise.all([password(), password()])).toEqual([
      'canary-docker-password-2',
      'canary-docker-password-2',
    ]);
  });

  it('is asked for again after a failure', async () => {
    server.intercept('GetAuthorizationToken', () => refusedWith('AccessDeniedException', 'not authorized'));
    const error = await failureOf(password());
    expect(error).toMatchObject({ code: 'forbidden', message: expect.stringContaining('ecr:GetAuthorizationToken') });
    expect(await password()).toMatch(/^canary-docker-password/);
  });

  it.each([
    ['nothing', []],
    ['no password', [{ authorizationToken: Buffer.from('AWS').toString('base64') }]],
    ['a line break in it', [{ authorizationToken: Buffer.from('AWS:a\nb').toString('base64') }]],
  ])('that is %s is not a password', async (_what, authorizationData) => {
    server.intercept('GetAuthorizationToken', () => ({ status: 200, body: { authorizationData } }));
    expect(await failureOf(password())).toMatchObject({ code: 'registry-answer-invalid' });
  });
});

describe('case 25: other hosts', () => {
  it.each(['ghcr.io', 'public.ecr.aws', ...LOOK_ALIKES])(
    '%s is left to the other source, and AWS is not asked',
    async (host) => {
      expect(await source.find(host, 'acme/app')).toMatchObject({ username: 'other' });
      expect(server.operations).toEqual([]);
      expect(JSON.stringify(await source.find(host, 'acme/app'))).not.toContain(KEYS.accessKeyId);
    },
  );
});
