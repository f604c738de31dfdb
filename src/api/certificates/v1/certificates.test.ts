import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';
import { builtinResources } from '../../registry.ts';
import type { CertificateSigningRequest } from './types.generated.ts';

/** Of CN=x, with an Ed25519 key. */
const request = [
  'MIGLMD8CAQAwDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMhANG959PjdPE1C5wfl+Dj',
  'x7D1gg3Nc+HxsO3ox9+sPLIOoAAwBQYDK2VwA0EAdAc+7u94PMK4VSXPVXhNmpE1',
  'MIDMUXgupbOEFoqF/TuqT1pTzRHN5Q9scc/4HPCaHP06Mmx2WgVoWrtontNRAA==',
];
/** Signed with that key, for a hundred years. */
const certificate = [
  'MIIBLjCB4aADAgECAhQxrS1Lk3DGrOq3jkwc+rncadYa1jAFBgMrZXAwDDEKMAgG',
  'A1UEAwwBeDAgFw0yNjExMjIwMzE5NDFaGA8yMTI2MTAyOTAzMTk0MVowDDEKMAgG',
  'A1UEAwwBeDAqMAUGAytlcAMhANG959PjdPE1C5wfl+Djx7D1gg3Nc+HxsO3ox9+s',
  'PLIOo1MwUTAdBgNVHQ4EFgQUAFdDBE3bEaQCIXUl39Nn2j07Uf4wHwYDVR0jBBgw',
  'FoAUAFdDBE3bEaQCIXUl39Nn2j07Uf4wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD',
  'QQDrF34O4eE3p1kPGCvYy70mVfM2+SQdE0ISMlgTvZvecsWUGlivFfQTq/57YAnr',
  '7nDNfj7/4w6XCurb23qRMxcE',
];
const pem = (type: string, lines: readonly string[]) =>
  Buffer.from(`-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----\n`).toString('base64');
const spec = {
  request: pem('CERTIFICATE REQUEST', request),
  signerName: 'example.com/signer',
  usages: ['client auth', 'digital signature'],
};
const judge = judgeOf('certificatesigningrequests');

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
  [
    'the signer of old',
    { signerName: 'kubernetes.io/legacy-unknown' },
    [
      'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
    ],
  ],
])('%s', (_what, more, messages) => expect(judge.create({ spec: { ...spec, ...more } })).toEqual(messages));

test.each<[string, string, string]>([
  ['a certificate', pem('CERTIFICATE', certificate), 'PEM block type must be CERTIFICATE REQUEST'],
  ['signed with another key', changed(request[2]!, 'T', 'U'), 'x509: Ed25519 verification failure'],
  ['cut off', pem('CERTIFICATE REQUEST', request.slice(0, 2)), 'asn1: syntax error: data truncated'],
  ['nothing', pem('CERTIFICATE REQUEST', []), 'asn1: syntax error: sequence truncated'],
])('a request: %s', (_, value, why) => {
  expect(judge.create({ spec: { ...spec, request: value } })).toEqual([
    `spec.request: Invalid value: "${value}": ${why}`,
  ]);
});

function changed(line: string, from: string, to: string): string {
  return pem('CERTIFICATE REQUEST', [request[0]!, request[1]!, line.replace(from, to)]);
}

const approved = { type: 'Approved', status: 'True' };
const both = 'Approved and Denied conditions are mutually exclusive';

test.each<[string, Body, Body, string[]]>([
  ['a certificate', {}, { certificate: pem('CERTIFICATE', certificate) }, []],
  ['words about it', {}, { conditions: [{ type: 'Checked', status: 'False' }] }, []],
  [
    'no certificate',
    {},
    { certificate: 'eA==' },
    ['status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block'],
  ],
  [
    'a key',
    {},
    { certificate: pem('PRIVATE KEY', certificate) },
    [
      'status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"',
    ],
  ],
  [
    'headers',
    {},
    { certificate: pem('CERTIFICATE', ['Proc-Type: 4,CLEAR', '', ...certificate]) },
    ['status.certificate: Invalid value: "<certificate data>": no PEM block headers are permitted'],
  ],
  [
    'half a certificate',
    {},
    { certificate: pem('CERTIFICATE', certificate.slice(0, 2)) },
    ['status.certificate: Invalid value: "<certificate data>": x509: malformed certificate'],
  ],
  [
    'another certificate',
    { certificate: 'eA==' },
    { certificate: pem('CERTIFICATE', certificate) },
    ['status.certificate: Forbidden: updates may not modify existing certificate content'],
  ],
  [
    'an approval',
    {},
    { conditions: [approved] },
    ['status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
  ],
  [
    'an approval taken back',
    { conditions: [approved] },
    {},
    ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'],
  ],
  [
    'what cannot be untrue',
    {},
    { conditions: [{ type: 'Failed', status: 'Maybe' }, { type: 'Failed' }] },
    [
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "True"',
      'status.conditions[1].status: Required value',
      'status.conditions[1].type: Duplicate value: "Failed"',
    ],
  ],
  [
    'both',
    { conditions: [approved] },
    { conditions: [{ ...approved, type: 'Denied' }, approved] },
    [
      `status.conditions: Invalid value: "Approved": ${both}`,
      'status.conditions: Forbidden: updates may not add a condition of type "Denied"',
    ],
  ],
])('/status: %s', (_what, before, after, messages) => {
  expect(judge.updateStatus({ spec }, before, after)).toEqual(messages);
});

const { strategy } = builtinResources().find(({ resource }) => resource === 'certificatesigningrequests')!;
const withStatus = (status: Body) =>
  ({ metadata: { name: 'x' }, spec, status }) as unknown as CertificateSigningRequest;

test('/status leaves an approval as it was said, and /approval the certificate', () => {
  const old = withStatus({ certificate: 'eA==', conditions: [{ ...approved, reason: 'Known' }] });
  const told = withStatus({ certificate: 'eQ==', conditions: [{ ...approved, reason: 'Other' }] });
  strategy.prepareForStatusUpdate!(told, old);
  expect(told.status).toEqual({ certificate: 'eQ==', conditions: [{ ...approved, reason: 'Known' }] });

  const decided = withStatus({ certificate: 'eQ==', conditions: [{ ...approved, reason: 'Other' }] });
  strategy.subresources!.approval!.prepareForUpdate!(decided, old);
  expect(decided.status).toEqual({ certificate: 'eA==', conditions: [{ ...approved, reason: 'Other' }] });
});
