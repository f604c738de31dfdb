import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseRequest } from '../../apiserver/pki/certificate-request.ts';
import { certificateRequest } from './certificate-request.ts';

test('the request is one that the signer reads, and carries the public half of the key', async () => {
  const { keyPem, requestPem } = certificateRequest({ commonName: 'system:node:node-1', organization: 'system:nodes' });
  const parsed = await parseRequest(requestPem);
  expect(parsed.subject).toEqual({ commonName: 'system:node:node-1', organizations: ['system:nodes'] });
  expect(parsed.sans).toEqual([]);
  const spki = { format: 'der', type: 'spki' } as const;
  expect(parsed.publicKey.export(spki)).toEqual(createPublicKey(createPrivateKey(keyPem)).export(spki));
});

test('a long name needs a length of two bytes', async () => {
  const commonName = `system:node:${'n'.repeat(200)}`;
  const { requestPem } = certificateRequest({ commonName, organization: 'system:nodes' });
  expect((await parseRequest(requestPem)).subject.commonName).toBe(commonName);
});
