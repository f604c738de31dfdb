// Issues X.509 certificates. Loading this file costs about 0.1 s (the ASN.1 library), so it is imported dynamically, only
// when something must be issued.
import 'reflect-metadata';
import { createPrivateKey, createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import type { Random } from '../../system/random.ts';

/** A certificate and its private key (PKCS#8), both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** What a certificate says beside its key. */
export interface CertificateProfile extends Validity {
  readonly subject: Subject;
  readonly usages: readonly ('server auth' | 'client auth')[];
  /** DNS names and IP addresses. */
  readonly sans: readonly string[];
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const subjectAltNameOid = '2.5.29.17';
const { KeyUsageFlags, ExtendedKeyUsage } = x509;

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function privateKeyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY').concat('\n');
}

async function importPrivateKey(pem: string): Promise<CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), algorithm, false, ['sign']);
}

function serialNumber(random: Random): string {
  const bytes = random.bytes(16);
  // A serial is a positive integer of at most 20 bytes (RFC 5280 section 4.1.2.2).
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}

function name({ commonName, organizations }: Subject): x509.JsonName {
  return [...organizations.map((o) => ({ O: [o] })), { CN: [commonName] }];
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** A self-signed certificate authority with a new key (ECDSA P-256). */
export async function createCertificateAuthority(
  commonName: string,
  { notBefore, notAfter }: Validity,
  random: Random,
): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: name({ commonName, organizations: [] }),
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment | KeyUsageFlags.keyCertSign,
        true,
      ),
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: commonName }]),
    ],
  });
  return { certPem: pem(certificate), keyPem: await privateKeyPem(keys) };
}

async function sign(
  ca: KeyPair,
  publicKey: x509.PublicKey | CryptoKey,
  profile: CertificateProfile,
  random: Random,
): Promise<string> {
  const issuer = new x509.X509Certificate(ca.certPem);
  const usages = { 'server auth': ExtendedKeyUsage.serverAuth, 'client auth': ExtendedKeyUsage.clientAuth };
  const extensions: x509.Extension[] = [
    new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
    new x509.ExtendedKeyUsageExtension(profile.usages.map((usage) => usages[usage])),
    new x509.BasicConstraintsExtension(false, undefined, true),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
  if (profile.sans.length > 0) {
    const names = profile.sans.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
    extensions.push(new x509.SubjectAlternativeNameExtension(names));
  }
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: name(profile.subject),
    issuer: issuer.subject,
    notBefore: new Date(profile.notBefore),
    notAfter: new Date(Math.min(profile.notAfter, issuer.notAfter.getTime())),
    signingKey: await importPrivateKey(ca.keyPem),
    publicKey,
    signingAlgorithm: algorithm,
    extensions,
  });
  return pem(certificate);
}

/** A certificate with a new key, signed by the authority. */
export async function issueKeyPair(ca: KeyPair, profile: CertificateProfile, random: Random): Promise<KeyPair> {
  const keys = await generateKeys();
  return { certPem: await sign(ca, keys.publicKey, profile, random), keyPem: await privateKeyPem(keys) };
}

/** The readable content of a certificate signing request (PKCS#10). */
export interface ParsedRequest {
  readonly subject: Subject;
  readonly publicKey: KeyObject;
  /** DNS names, IP addresses, and whatever else it asks for (`email:…`, `url:…`). */
  readonly sans: readonly string[];
}

/** Reads a PEM request; throws when it is malformed or not signed with its own key. */
export async function parseRequest(requestPem: string): Promise<ParsedRequest> {
  const request = new x509.Pkcs10CertificateRequest(requestPem);
  if (!(await request.verify())) throw new Error('the signature of the certificate request does not match its key');
  const extension = request.getExtension(subjectAltNameOid);
  const sans = extension ? new x509.SubjectAlternativeNameExtension(extension.rawData).names.items : [];
  const publicKey = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' });
  return {
    subject: {
      commonName: request.subjectName.getField('CN')[0] ?? '',
      organizations: request.subjectName.getField('O'),
    },
    publicKey,
    sans: sans.map(({ type, value }) => (type === 'dns' || type === 'ip' ? value : `${type}:${value}`)),
  };
}

/** Signs the key of a request under the given profile; what the request itself asked for is the caller's to judge. */
export async function signRequest(
  ca: KeyPair,
  publicKey: KeyObject,
  profile: CertificateProfile,
  random: Random,
): Promise<string> {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return sign(ca, new x509.PublicKey(new Uint8Array(spki)), profile, random);
}
