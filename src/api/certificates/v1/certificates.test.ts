import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const pem = '-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n';
const spec = {
  request: Buffer.from(pem).toString('base64'),
  signerName: 'example.com/signer',
  usages: ['client auth', 'digital signature'],
};

test.each<[string, Body, string[]]>([
  ['right', {}, []],
  ['no request', { request: '' }, ['spec.request: Invalid value: "": PEM block type must be CERTIFICATE REQUEST']],
  ['a usage twice', { usages: ['any', 'any'] }, ['spec.usages[1]: Duplicate value: "any"']],
  [
    'for an hour of need',
    { expirationSeconds: 60 },
    ['spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)'],
  ],
  [
    'nobody to sign',
    { signerName: 'signer' },
    [
      'spec.signerName: Invalid value: "signer": must be a fully qualified domain and path of the form "example.com/signer-name"',
    ],
  ],
])('%s', (_what, more, messages) => {
  expect(judgeOf('certificatesigningrequests').create({ spec: { ...spec, ...more } })).toEqual(messages);
});
