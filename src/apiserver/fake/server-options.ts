// What a listener needs in a test: certificates of its own, and some for clients.
import type { Clock } from '../../system/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { createCertificateAuthority, issueKeyPair, type KeyPair } from '../pki/certificates.ts';

/** A certificate of its own, two authorities, and certificates of each for clients. */
export async function serverOptions(clock: Clock) {
  const random = new FakeRandom();
  const now = Date.now();
  const validity = { notBefore: now - 60_000, notAfter: now + 3_600_000 };
  const [ca, proxyCa, strangeCa] = await Promise.all(
    ['ca', 'proxy-ca', 'strange-ca'].map((name) => createCertificateAuthority(name, validity, random)),
  );
  const profile = { ...validity, subject: { commonName: 'server', organizations: [] }, sans: ['127.0.0.1'] };
  const { certPem, keyPem } = await issueKeyPair(ca!, { ...profile, usages: ['server auth'] }, random);
  const client = (authority: KeyPair, notAfter = validity.notAfter) =>
    issueKeyPair(authority, { ...profile, notAfter, usages: ['client auth'] }, random);
  const clients = {
    user: await client(ca!),
    proxy: await client(proxyCa!),
    stranger: await client(strangeCa!),
    late: await client(ca!, now - 30_000),
    brief: await client(ca!, now + 60_000),
    server: { certPem, keyPem },
  };
  const authorities = { client: ca!.certPem, requestHeader: proxyCa!.certPem };
  const options = { host: '127.0.0.1', port: 0, cert: certPem, key: keyPem, authorities, clock };
  return { options, clients };
}
