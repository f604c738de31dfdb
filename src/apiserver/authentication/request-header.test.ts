import { expect, test } from 'vitest';
import type { CertificateAuthority } from '../client-certificate.ts';
import { isRequestHeader, requestHeaderUser, usualRequestHeaders } from './request-header.ts';

const config = { ...usualRequestHeaders, allowedNames: ['front-proxy-client'] };
const shown = (commonName: string, ...verifiedBy: CertificateAuthority[]) => ({
  commonName,
  organizations: [],
  raw: new Uint8Array(),
  verifiedBy,
});
const proxy = shown('front-proxy-client', 'requestHeader');
const jane = { 'x-remote-user': 'jane' };

test.each([
  ['a proxy names the user', proxy, jane, { name: 'jane', groups: [] }],
  [
    'with all that is known of them',
    proxy,
    {
      ...jane,
      'x-remote-uid': '7',
      'x-remote-group': 'dev, ops, x, system:masters',
      'x-remote-extra-scopes': 'a',
      'x-remote-extra-acme.com%2Fproject': 'x',
      'x-remote-extra-100%': 'y',
      'x-remote-extra-constructor': 'z',
    },
    {
      name: 'jane',
      uid: '7',
      groups: ['dev, ops, x, system:masters'],
      extra: { scopes: ['a'], 'acme.com/project': ['x'], '100%': ['y'], constructor: ['z'] },
    },
  ],
  ['a proxy that names nobody', proxy, { 'x-remote-group': 'system:masters' }, undefined],
  ['an empty name', proxy, { 'x-remote-user': '' }, undefined],
  ['no certificate', undefined, jane, undefined],
  ['a certificate that nobody vouches for', shown('front-proxy-client'), jane, undefined],
  ["a user's certificate under the proxy's name", shown('front-proxy-client', 'client'), jane, undefined],
  ['another name of the right authority', shown('someone', 'requestHeader'), jane, undefined],
])('%s', (_, clientCertificate, headers, expected) => {
  const request = { headers, ...(clientCertificate && { clientCertificate }) };
  expect(requestHeaderUser(request, config)).toEqual(expected);
});

test('headers that come several times tell several groups, a comma in one does not', () => {
  const rawHeaders = ['X-Remote-User', 'jane', 'X-Remote-Group', 'a, system:masters', 'x-remote-group', 'ops'];
  const headers = { ...jane, 'x-remote-group': 'a, system:masters, ops' };
  const user = requestHeaderUser({ headers, rawHeaders, clientCertificate: proxy }, config);
  expect(user).toEqual({ name: 'jane', groups: ['a, system:masters', 'ops'] });
});

test('no names: any certificate of the authority; several headers: the first that is there', () => {
  const any = { ...config, allowedNames: [], usernameHeaders: ['X-Forwarded-User', 'X-Remote-User'] };
  const request = { clientCertificate: shown('any', 'requestHeader'), headers: jane };
  expect(requestHeaderUser(request, any)?.name).toBe('jane');
  const both = { ...request, headers: { ...jane, 'x-forwarded-user': 'joe' } };
  expect(requestHeaderUser(both, any)?.name).toBe('joe');
});

test.each([
  ['X-Remote-User', true],
  ['x-remote-extra-a', true],
  ['x-remote-uid', true],
  ['x-remote', false],
  ['accept', false],
])('%s tells who asks: %s', (name, expected) => {
  expect(isRequestHeader(name, config)).toBe(expected);
});
