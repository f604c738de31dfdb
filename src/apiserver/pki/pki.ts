// The cluster's keys and certificates: made at first start under DATA_DIR/pki, read on every later one. Reading uses only
// node:crypto; the library that issues is loaded when something is missing, near its end, or lacks a name.
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { parseIP } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
import type { Files } from '../../system/files.ts';
import type { Random } from '../../system/random.ts';
import { type CertificateProfile, createCertificateAuthority, issueKeyPair, type KeyPair } from './certificates.ts';

export interface PkiOptions {
  /** Keys live in `pki` below it. */
  readonly dataDir: string;
  /** DNS names and IP addresses of the server, beside the standing ones ({@link standingSans}). */
  readonly sans: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
}

export interface Pki {
  /** `sha256`: of the DER certificate, in lower-case hex; agents' tokens start with it. */
  readonly ca: KeyPair & { readonly sha256: string };
  readonly server: KeyPair;
  /** CN=kubernetes-admin, O=system:masters. */
  readonly admin: KeyPair;
  /** How this server shows other API servers that it asks for the user it names: an authority of its own, and a client. */
  readonly frontProxy: { readonly ca: KeyPair; readonly client: KeyPair };
  /** The private key (PKCS#8 PEM, P-256) that signs service account tokens. */
  readonly serviceAccountKeyPem: string;
}

const day = 24 * 3600 * 1000;
const caLifetime = 3653 * day;
const leafLifetime = 365 * day;
/** A certificate with less than this left is issued anew at start. */
const renewBefore = 90 * day;
/** Clocks of clients may lag a little. */
const backdate = 5 * 60 * 1000;

/** The common name of the front proxy's certificate, which other API servers are told to believe. */
export const frontProxyClientName = 'front-proxy-client';

/** Names that the server's certificate always has: the `kubernetes` Service inside the cluster, and this machine. */
const standingSans: readonly string[] = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
  '127.0.0.1',
  '::1',
];

/** Reads the cluster's keys, making what is missing. Throws a one-line Error when the authority's files do not fit together. */
export async function loadOrCreatePki(options: PkiOptions): Promise<Pki> {
  const folder = join(options.dataDir, 'pki');
  const now = options.clock.now();
  const [ca, server, admin, frontProxyCA, frontProxyClient, serviceAccountKey] = await Promise.all([
    readKeyPair(options.files, folder, 'ca'),
    readKeyPair(options.files, folder, 'server'),
    readKeyPair(options.files, folder, 'admin'),
    readKeyPair(options.files, folder, 'front-proxy-ca'),
    readKeyPair(options.files, folder, 'front-proxy-client'),
    options.files.read(join(folder, 'service-account.key')),
  ]);
  if (ca) checkAuthority(ca, folder, now);
  else if (server || admin)
    throw new Error(`${folder}/ca.crt is missing: restore it, or remove ${folder} to start anew`);

  if (frontProxyCA) checkAuthority(frontProxyCA, folder, now);
  const [authority, proxyAuthority] = await Promise.all([
    ca ?? createAuthority(options, folder, 'ca'),
    frontProxyCA ?? createAuthority(options, folder, 'front-proxy-ca'),
  ]);
  const sans = [...new Set([...standingSans, ...options.sans])];
  const leaf = async (name: string, profile: LeafProfile, { stored, signer }: LeafOrigin) =>
    stored && isUsable(stored, signer, now) && hasSans(stored, profile.sans)
      ? stored
      : await issueLeaf(options, join(folder, name), { profile, signer });
  return {
    ca: { ...authority, sha256: fingerprint(authority.certPem) },
    server: await leaf('server', serverProfile(sans), { stored: server, signer: authority }),
    admin: await leaf('admin', adminProfile, { stored: admin, signer: authority }),
    frontProxy: {
      ca: proxyAuthority,
      client: await leaf('front-proxy-client', frontProxyProfile, {
        stored: frontProxyClient,
        signer: proxyAuthority,
      }),
    },
    serviceAccountKeyPem: serviceAccountKey ?? (await createServiceAccountKey(options.files, folder)),
  };
}

type LeafProfile = Omit<CertificateProfile, 'notBefore' | 'notAfter'>;

interface LeafOrigin {
  /** What was there before. */
  readonly stored: KeyPair | undefined;
  readonly signer: KeyPair;
}

const serverProfile = (sans: readonly string[]): LeafProfile => ({
  subject: { commonName: 'kube-apiserver', organizations: [] },
  usages: ['server auth'],
  sans,
});
const adminProfile: LeafProfile = {
  subject: { commonName: 'kubernetes-admin', organizations: ['system:masters'] },
  usages: ['client auth'],
  sans: [],
};
const frontProxyProfile: LeafProfile = {
  subject: { commonName: frontProxyClientName, organizations: [] },
  usages: ['client auth'],
  sans: [],
};

async function issueLeaf(
  { clock, random, files }: PkiOptions,
  path: string,
  { profile, signer }: { readonly profile: LeafProfile; readonly signer: KeyPair },
): Promise<KeyPair> {
  const now = clock.now();
  const validity = { notBefore: now - backdate, notAfter: now + leafLifetime };
  return store(files, path, await issueKeyPair(signer, { ...profile, ...validity }, random));
}

async function readKeyPair(files: Files, folder: string, name: string): Promise<KeyPair | undefined> {
  const [certPem, keyPem] = await Promise.all([
    files.read(join(folder, `${name}.crt`)),
    files.read(join(folder, `${name}.key`)),
  ]);
  if (certPem === undefined) return undefined;
  return { certPem, keyPem: keyPem ?? '' };
}

/** The key goes first: a certificate on disk means that its key is there too. */
async function store(files: Files, path: string, pair: KeyPair): Promise<KeyPair> {
  await files.write(`${path}.key`, pair.keyPem, { mode: 0o600 });
  await files.write(`${path}.crt`, pair.certPem, { mode: 0o600 });
  return pair;
}

async function createAuthority(
  { clock, random, files }: PkiOptions,
  folder: string,
  name: 'ca' | 'front-proxy-ca',
): Promise<KeyPair> {
  const validity = { notBefore: clock.now() - backdate, notAfter: clock.now() + caLifetime };
  return store(files, join(folder, name), await createCertificateAuthority(`portico-${name}`, validity, random));
}

async function createServiceAccountKey(files: Files, folder: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  await files.write(join(folder, 'service-account.key'), pem, { mode: 0o600 });
  return pem;
}

function fits({ certPem, keyPem }: KeyPair): boolean {
  try {
    return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

function checkAuthority(ca: KeyPair, folder: string, now: number): void {
  if (!fits(ca)) {
    throw new Error(
      `${folder}/ca.crt and ca.key do not belong together: restore them, or remove ${folder} to start anew`,
    );
  }
  const { validToDate } = new X509Certificate(ca.certPem);
  if (validToDate.getTime() < now) {
    const times = `${folder}/ca.crt ended at ${validToDate.toISOString()}, and this machine's clock says ${new Date(now).toISOString()}`;
    throw new Error(`${times}: where that is right, remove ${folder} to start with a new certificate authority`);
  }
}

function isUsable(pair: KeyPair, ca: KeyPair, now: number): boolean {
  if (!fits(pair)) return false;
  const certificate = new X509Certificate(pair.certPem);
  const authority = new X509Certificate(ca.certPem);
  const left = Math.min(certificate.validToDate.getTime(), authority.validToDate.getTime() - 1) - now;
  const atEnd = authority.validToDate.getTime() - now < renewBefore;
  // One of later was made while the clock was ahead; where the authority is of later too, it is the clock that is behind.
  if (certificate.validFromDate.getTime() > now && authority.validFromDate.getTime() <= now) return false;
  return certificate.verify(authority.publicKey) && (left > renewBefore || (atEnd && left > 0));
}

function hasSans({ certPem }: KeyPair, sans: readonly string[]): boolean {
  const certificate = new X509Certificate(certPem);
  return sans.every((san) =>
    parseIP(san) ? certificate.checkIP(san) !== undefined : certificate.checkHost(san) !== undefined,
  );
}

function fingerprint(certPem: string): string {
  return new X509Certificate(certPem).fingerprint256.replaceAll(':', '').toLowerCase();
}
