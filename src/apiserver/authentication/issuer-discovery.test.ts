import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { FixedObjectView } from '../fake/object-view.ts';
import type { ApiRequest } from '../request.ts';
import { issuerDiscovery } from './issuer-discovery.ts';
import { ServiceAccounts } from './service-accounts.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyPem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const paths = issuerDiscovery({ keyPem, serverUrl: 'https://10.0.0.1:6443' });

async function get(path: string) {
  const found = paths.find((one) => one.path === path)!;
  const { body, headers } = await found.handle({ method: 'GET' } as ApiRequest, undefined);
  return { value: JSON.parse(String(body)) as Record<string, unknown>, type: headers['content-type'] };
}

test('the configuration names the keys', async () => {
  expect((await get('/.well-known/openid-configuration')).value).toEqual({
    issuer: 'https://kubernetes.default.svc.cluster.local',
    jwks_uri: 'https://10.0.0.1:6443/openid/v1/jwks',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  });
});

test('a token can be checked with nothing but the key that is told, and the private half is not', async () => {
  const view = new FixedObjectView();
  const accounts = new ServiceAccounts({ keyPem, view, clock: new FakeClock(), random: new FakeRandom() });
  const serviceAccount = { name: 'a', uid: 'u' };
  const { token } = accounts.issue({ namespace: 'n', serviceAccount, audiences: ['x'], expirationSeconds: 600 });
  const [header = '', payload = '', signature = ''] = token.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
  const { value, type } = await get('/openid/v1/jwks/');
  expect(type).toBe('application/jwk-set+json');
  const [jwk] = value.keys as Record<string, string>[];
  expect(jwk).toMatchObject({ use: 'sig', kty: 'EC', crv: 'P-256', alg: 'ES256', kid });
  expect(jwk).not.toHaveProperty('d');
  const key = { key: createPublicKey({ key: jwk!, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
  expect(verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
});
