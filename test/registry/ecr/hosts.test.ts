// Case 25: which hosts are private registries of Amazon ECR, and which only look like one.
import { describe, expect, it } from 'vitest';
import { parseRepository } from '../../../src/model/reference.ts';
import { parseEcrHost } from '../../../src/registry/hosts.ts';
import { LOOK_ALIKES } from '../../support/ecr.ts';

const PLAIN = { registryId: '123456789012', fips: false, dualStack: false };

describe('a host of Amazon ECR', () => {
  it.each([
    ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', { ...PLAIN, region: 'eu-west-1' }],
    ['123456789012.dkr.ecr.us-gov-west-1.amazonaws.com', { ...PLAIN, region: 'us-gov-west-1' }],
    ['123456789012.dkr.ecr.ap-southeast-5.amazonaws.com', { ...PLAIN, region: 'ap-southeast-5' }],
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', { ...PLAIN, region: 'cn-north-1' }],
    ['123456789012.dkr.ecr-fips.us-east-1.amazonaws.com', { ...PLAIN, region: 'us-east-1', fips: true }],
    ['123456789012.dkr-ecr.eu-west-1.on.aws', { ...PLAIN, region: 'eu-west-1', dualStack: true }],
    ['123456789012.dkr-ecr-fips.us-east-1.on.aws', { ...PLAIN, region: 'us-east-1', fips: true, dualStack: true }],
  ])('%s tells its account and region', (host, expected) => {
    expect(parseEcrHost(host)).toEqual(expected);
  });

  it('may be written in capitals: host names are compared in lower case', () => {
    const repository = parseRepository('123456789012.DKR.ECR.EU-WEST-1.AMAZONAWS.COM/acme/app');
    expect(repository.kind === 'remote' && parseEcrHost(repository.host)).toMatchObject({ region: 'eu-west-1' });
  });
});

describe('case 25: a look-alike is not an Amazon ECR host', () => {
  it.each([
    ...LOOK_ALIKES,
    '12345678901.dkr.ecr.eu-west-1.amazonaws.com',
    '1234567890123.dkr.ecr.eu-west-1.amazonaws.com',
    'x123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr.evil.example',
    '123456789012.dkr.ecr.eu-west-1.evil.amazonaws.com',
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com.',
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com:443',
    '123456789012.dkr.ecr.cn-north-1.amazonaws.com',
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com\n',
    '123456789012.dkrxecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr.eu-west-1.amazonawsxcom',
    '123456789012.DKR.ecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr..amazonaws.com',
    '123456789012.dkr-ecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr.eu-west-1.on.aws',
    '٠١٢٣٤٥٦٧٨٩٠١.dkr.ecr.eu-west-1.amazonaws.com',
    'public.ecr.aws',
    'ecr-public.aws.com',
    'api.ecr.eu-west-1.amazonaws.com',
    '127.0.0.1:5000',
  ])('%j', (host) => {
    expect(parseEcrHost(host)).toBeUndefined();
  });

  it('a letter that only becomes ASCII in lower case is not a host at all', () => {
    // U+212A, KELVIN SIGN.
    expect(() => parseRepository('123456789012.d\u212Ar.ecr.eu-west-1.amazonaws.com/acme/app')).toThrow(/not a/);
  });
});
