import 'reflect-metadata';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import type { Files } from '../../system/files.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { loadOrCreatePki, type Pki } from './pki.ts';
import { refusal, signClientCertificate } from './signer.ts';

class MemoryFiles implements Files {
  readonly texts = new Map<string, string>();
  readonly modes = new Map<string, number | undefined>();

  async read(path: string): Promise<string | undefined> {
    return this.texts.get(path);
  }
  async write(path: string, text: string, options: { readonly mode?: number } = {}): Promise<void> {
    this.texts.set(path, text);
    this.modes.set(path, options.mode);
  }
  async remove(path: string): Promise<void> {
    this.texts.delete(path);
  }
}

const files = new MemoryFiles();
const clock = new FakeClock();
const random = new FakeRandom(7);
const load = (sans: string[]) => loadOrCreatePki({ dataDir: '/data', sans, clock, random, files });
const state: { pki?: Pki } = {};
const first = () => state.pki!;

beforeAll(async () => {
  state.pki = await load(['10.96.0.1']);
});

describe('first start', () => {
  test('the authority signs the server and the admin', () => {
    const { ca, server, admin } = first();
    const authority = new X509Certificate(ca.certPem);
    expect(authority.ca).toBe(true);
    expect(authority.validToDate.getTime() - clock.now()).toBeGreaterThan(3650 * 24 * 3600 * 1000);
    for (const pair of [server, admin]) {
      const certificate = new X509Certificate(pair.certPem);
      expect(certificate.verify(authority.publicKey)).toBe(true);
      expect(certificate.checkIssued(authority)).toBe(true);
      expect(certificate.checkPrivateKey(createPrivateKey(pair.keyPem))).toBe(true);
    }
    expect(ca.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('the server has the names of the kubernetes Service and what was given', () => {
    const certificate = new X509Certificate(first().server.certPem);
    expect(certificate.subjectAltName).toBe(
      'DNS:kubernetes, DNS:kubernetes.default, DNS:kubernetes.default.svc, DNS:kubernetes.default.svc.cluster.local, ' +
        'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:10.96.0.1',
    );
  });

  test('the admin is of system:masters', () => {
    expect(new X509Certificate(first().admin.certPem).subject).toBe('O=system:masters\nCN=kubernetes-admin');
  });

  test('every file is for its owner only', () => {
    expect([...files.modes.keys()].sort()).toEqual(
      ['admin', 'ca', 'front-proxy-ca', 'front-proxy-client', 'server']
        .flatMap((name) => [`${name}.crt`, `${name}.key`])
        .concat('service-account.key')
        .map((name) => `/data/pki/${name}`),
    );
    expect(new Set(files.modes.values())).toEqual(new Set([0o600]));
  });
});

describe('later starts', () => {
  test('nothing changes while all is well', async () => {
    expect(await load(['10.96.0.1'])).toEqual(first());
  });

  test('a new name gives a new server certificate from the same authority', async () => {
    const next = await load(['10.96.0.1', '172.30.0.1']);
    expect(next.ca).toEqual(first().ca);
    expect(next.admin).toEqual(first().admin);
    expect(new X509Certificate(next.server.certPem).checkIP('172.30.0.1')).toBe('172.30.0.1');
    state.pki = next;
  });

  test('a certificate near its end is replaced', async () => {
    clock.advance(300 * 24 * 3600 * 1000);
    const next = await load(['10.96.0.1', '172.30.0.1']);
    expect(next.ca).toEqual(first().ca);
    expect(next.admin.certPem).not.toBe(first().admin.certPem);
    expect(next.serviceAccountKeyPem).toBe(first().serviceAccountKeyPem);
  });

  test('what was made while the clock was ahead is made anew, unless it is the authority that begins later', async () => {
    const year = 365 * 24 * 3600 * 1000;
    clock.step(year);
    const ahead = await load(['10.96.0.1']);
    clock.step(-year);
    const next = await load(['10.96.0.1']);
    for (const pair of [next.server, next.admin, next.frontProxy.client])
      expect(new X509Certificate(pair.certPem).validFromDate.getTime()).toBeLessThanOrEqual(clock.now());
    expect([next.ca, next.serviceAccountKeyPem]).toEqual([ahead.ca, ahead.serviceAccountKeyPem]);
    clock.step(-2 * year);
    expect(await load(['10.96.0.1'])).toEqual(next);
    clock.step(2 * year);
  });

  test('an authority that is over is told with the clock', async () => {
    clock.step(11 * 365 * 24 * 3600 * 1000);
    await expect(load([])).rejects.toThrow(/ca\.crt ended at 2036-.*, and this machine's clock says 2037-/);
    clock.step(-11 * 365 * 24 * 3600 * 1000);
  });

  test('an authority without its key is an error that names the file', async () => {
    const key = files.texts.get('/data/pki/ca.key')!;
    files.texts.delete('/data/pki/ca.key');
    await expect(load([])).rejects.toThrow('/data/pki/ca.crt and ca.key do not belong together');
    files.texts.set('/data/pki/ca.key', key);
  });
});

describe('signer', () => {
  const request = {
    requestPem: '',
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['client auth'],
  };
  const node = { subject: { commonName: 'system:node:node-1', organizations: ['system:nodes'] }, sans: [] };

  test.each([
    ['a node', request, node, undefined],
    ['another signer', { ...request, signerName: 'example.com/x' }, node, 'unknown signer example.com/x'],
    ['server auth', { ...request, usages: ['server auth'] }, node, 'usage "server auth" is not allowed for'],
    ['no usage', { ...request, usages: [] }, node, 'usage "client auth" is required'],
    [
      'masters',
      request,
      { ...node, subject: { commonName: 'system:node:x', organizations: ['system:masters'] } },
      'subject organization is not system:nodes',
    ],
    [
      'another name',
      request,
      { ...node, subject: { commonName: 'admin', organizations: ['system:nodes'] } },
      'subject common name does not begin with system:node:',
    ],
    ['names', request, { ...node, sans: ['a.example'] }, 'subjectAltNames are not allowed'],
  ])('%s', (_, asked, parsed, expected) => {
    const actual = refusal(asked, parsed);
    if (expected === undefined) expect(actual).toBeUndefined();
    else expect(actual).toContain(expected);
  });

  test('signs the key of the request and nothing else that it asks for', async () => {
    const x509 = await import('@peculiar/x509');
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const csr = await x509.Pkcs10CertificateRequestGenerator.create({
      name: 'O=system:nodes, CN=system:node:node-1',
      keys,
      signingAlgorithm: algorithm,
    });
    const options = { ca: first().ca, clock, random };
    const result = await signClientCertificate(
      { ...request, requestPem: csr.toString('pem'), expirationSeconds: 3600 },
      options,
    );
    if (!result.ok) throw new Error(result.message);
    const certificate = new X509Certificate(result.certificatePem);
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:node-1');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.validToDate.getTime()).toBe(Math.floor((clock.now() + 3_600_000) / 1000) * 1000);
    expect(certificate.verify(new X509Certificate(first().ca.certPem).publicKey)).toBe(true);
    expect(await signClientCertificate({ ...request, requestPem: 'garbage' }, options)).toMatchObject({ ok: false });
    const brief = await signClientCertificate(
      { ...request, requestPem: csr.toString('pem') },
      { ...options, duration: 30 },
    );
    const { validFromDate, validToDate } = new X509Certificate(brief.ok ? brief.certificatePem : '');
    // Whoever renews after four fifths of it must not be late when it begins.
    expect(validToDate.getTime() - validFromDate.getTime()).toBeLessThanOrEqual(34_000);
    expect(validToDate.getTime()).toBe(Math.floor((clock.now() + 30_000) / 1000) * 1000);
  });
});

test('a kubeconfig holds everything', () => {
  const { ca, admin } = first();
  const text = kubeconfigText({
    clusterName: 'portico',
    server: 'https://127.0.0.1:6443',
    caPem: ca.certPem,
    credentials: admin,
  });
  expect(parse(text)).toEqual({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'portico',
        cluster: {
          server: 'https://127.0.0.1:6443',
          'certificate-authority-data': Buffer.from(ca.certPem).toString('base64'),
        },
      },
    ],
    contexts: [{ name: 'kubernetes-admin@portico', context: { cluster: 'portico', user: 'kubernetes-admin@portico' } }],
    'current-context': 'kubernetes-admin@portico',
    users: [
      {
        name: 'kubernetes-admin@portico',
        user: {
          'client-certificate-data': Buffer.from(admin.certPem).toString('base64'),
          'client-key-data': Buffer.from(admin.keyPem).toString('base64'),
        },
      },
    ],
  });
});
