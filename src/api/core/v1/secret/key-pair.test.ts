import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { selfSigned } from '../../../../client/fake/self-signed.ts';
import { judgeOf } from '../../../../testing/refusals.ts';
import { keyPairProblem } from './key-pair.ts';

const { key, cert } = await selfSigned('127.0.0.1');
const other = await selfSigned('127.0.0.1');
const form = { type: 'pkcs8', format: 'pem' } as const;
const ed25519 = generateKeyPairSync('ed25519').privateKey.export(form).toString();
const block = (type: string, bytes = 'x') =>
  `-----BEGIN ${type}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${type}-----\n`;

test.each([
  ['a pair', cert, key, undefined],
  ['a chain, and words around it', `words\n${cert}\n${other.cert}`, `words\n${key}`, undefined],
  ['parameters before the key', cert, block('EC PARAMETERS') + key, undefined],
  ['no certificate', 'a', key, 'tls: failed to find any PEM data in certificate input'],
  ['no key', cert, '', 'tls: failed to find any PEM data in key input'],
  [
    'one for the other',
    key,
    cert,
    'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
  ],
  [
    'a request',
    block('CERTIFICATE REQUEST'),
    key,
    'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [CERTIFICATE REQUEST]',
  ],
  ['twice the certificate', cert, cert, 'tls: found a certificate rather than a key in the PEM for the private key'],
  [
    'a public key',
    cert,
    block('PUBLIC KEY'),
    'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [PUBLIC KEY]',
  ],
  ['a certificate of noise', block('CERTIFICATE'), key, 'x509: malformed certificate'],
  ['a key of noise', cert, block('PRIVATE KEY'), 'tls: failed to parse private key'],
  ['the key of another', cert, other.key, 'tls: private key does not match public key'],
  ['a key of another kind', cert, ed25519, 'tls: private key type does not match public key type'],
])('%s', (_, certificates, keys, problem) => expect(keyPairProblem(certificates, keys)).toBe(problem));

test('a Secret of the type is warned of, and no other', () => {
  const data = { 'tls.crt': 'YQ==', 'tls.key': 'YQ==' };
  const { create, warnings } = judgeOf('secrets');
  expect(create({ type: 'kubernetes.io/tls', data })).toEqual([]);
  expect(warnings({ type: 'kubernetes.io/tls', data })).toEqual([
    'tls: failed to find any PEM data in certificate input',
  ]);
  expect(warnings({ data })).toEqual([]);
});
