import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { createCertificateAuthority, issueKeyPair } from '../../apiserver/pki/certificates.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { realRandom } from '../../system/real/random.ts';
import { addressOfOther, obtainIdentity } from './identity.ts';

function node(addresses: readonly string[], ready: string): Node {
  return {
    metadata: { name: 'one' },
    spec: {},
    status: {
      addresses: [
        { type: 'Hostname', address: 'one' },
        ...addresses.map((address) => ({ type: 'InternalIP', address })),
      ],
      conditions: [{ type: 'Ready', status: ready }],
    },
  };
}

test.each([
  ['of another machine', node(['192.0.2.11', 'fd00::b'], 'True'), '192.0.2.11'],
  ['of this machine', node(['192.0.2.12'], 'True'), undefined],
  ['of this machine by its other address', node(['192.0.2.11', 'fd00::c'], 'True'), undefined],
  ['that nobody hears of', node(['192.0.2.11'], 'Unknown'), undefined],
  ['that never was', { metadata: { name: 'one' }, spec: {} }, undefined],
])('a node of the same name, %s', (_, found, expected) => {
  expect(addressOfOther(found, ['192.0.2.12', 'fd00::c'])).toBe(expected);
});

const inOneFile = (cert: string, key: string): [string, string][] => [['/pki/client.pem', cert + key]];
/** As before they were in one. */
const inTwoFiles = (cert: string, key: string): [string, string][] => [
  ['/pki/client.crt', cert],
  ['/pki/client.key', key],
];

describe.each([inOneFile, inTwoFiles])('%o', (filesOf) => {
  test.each([
    ['one', undefined, 0, undefined],
    ['two', undefined, 0, 'it is of system:node:one, and this node is two'],
    ['one', '0'.repeat(64), 0, 'the token is of another cluster'],
    ['one', undefined, -3600, undefined],
    ['one', undefined, 3600, 'it ended at 2026-01-01T01:00:00.000Z'],
  ])(
    'the certificate that is kept, as %s, with the token of %s, after %s s: %s',
    async (nodeName, caHash, after, why) => {
      const clock = new FakeClock();
      const validity = { notBefore: clock.now(), notAfter: clock.now() + 3600_000 };
      const ca = await createCertificateAuthority('ca', validity, realRandom);
      const subject = { commonName: 'system:node:one', organizations: ['system:nodes'] };
      const own = await issueKeyPair(ca, { ...validity, subject, usages: ['client auth'], sans: [] }, realRandom);
      const kept = new Map([['/pki/ca.crt', ca.certPem], ...filesOf(own.certPem, own.keyPem)]);
      const files = { read: async (path: string) => kept.get(path), write: async () => {}, remove: async () => {} };
      clock.step(after * 1000);
      const lines: string[] = [];
      const token = () => Promise.reject(new Error('a token is asked for'));
      const given = {
        server: 'https://192.0.2.1',
        nodeIPs: [],
        folder: '/pki',
        joinTimeout: 0,
        log: (l: string) => lines.push(l),
      };
      const obtained = obtainIdentity(
        { ...given, nodeName, token, caHash, clock, files },
        new AbortController().signal,
      );
      if (why === undefined)
        expect(new X509Certificate((await obtained).cert).raw).toEqual(new X509Certificate(own.certPem).raw);
      else await expect(obtained).rejects.toThrow('a token is asked for');
      const times = "begins at 2026-01-01T00:00:00.000Z, and this machine's clock says 2025-12-31T23:00:00.000Z";
      const told = after < 0 ? [expect.stringContaining(times)] : [];
      expect(lines).toEqual(why === undefined ? told : [`the certificate in /pki is not used: ${why}`]);
    },
  );
});
