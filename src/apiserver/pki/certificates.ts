// Issues X.509 certificates (RFC 5280). They are put together here: the library that could do it takes 0.1 s to load, a
// fifth of the time in which a server is ready.
import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  sign as signBytes,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import * as der from '../../apimachinery/der.ts';
import { bitsOf, parseIP } from '../../net/ip.ts';
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

const oids = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
};

/** digitalSignature and keyEncipherment: the first and the third of the bits. */
const leafUsage = der.bits(Buffer.of(0b1010_0000), 5);
/** And keyCertSign, the sixth. */
const authorityUsage = der.bits(Buffer.of(0b1010_0100), 2);

const newKeys = promisify(generateKeyPair);

async function generateKeys(): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> {
  return newKeys('ec', { namedCurve: 'P-256' });
}

function privateKeyPem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function serialNumber(random: Random): Buffer {
  const bytes = random.bytes(16);
  // A serial is a positive integer of at most 20 bytes (RFC 5280 section 4.1.2.2).
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return der.integer(...bytes);
}

function name({ commonName, organizations }: Subject): Buffer {
  const part = (type: string, value: string) => der.set(der.sequence(der.oid(type), der.utf8(value)));
  const parts = organizations.map((organization) => part(oids.organization, organization));
  return der.sequence(...parts, part(oids.commonName, commonName));
}

function extension(type: string, value: Uint8Array, options: { readonly critical?: boolean } = {}): Buffer {
  return der.sequence(der.oid(type), ...(options.critical ? [der.isTrue] : []), der.octets(value));
}

function alternativeNames(names: readonly string[]): Buffer {
  return extension(oids.subjectAltName, der.sequence(...names.map(alternativeName)));
}

/** Of a DNS name or an IP address. Node's own isIP takes 10 ms when it is asked of a name for the first time. */
function alternativeName(text: string): Buffer {
  const ip = parseIP(text);
  if (!ip) {
    if (text.includes(':')) throw new Error(`${text} is no IP address`);
    return der.tagged(2, Buffer.from(text), 'primitive');
  }
  const bytes = Buffer.from(ip.value.toString(16).padStart(bitsOf(ip.family) / 4, '0'), 'hex');
  return der.tagged(7, bytes, 'primitive');
}

function publicKeyInfo(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

/** The usual identifier of a key: the SHA-1 of its bits (RFC 5280 section 4.2.1.2). */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const [info] = der.elements(publicKeyInfo(publicKey));
  const [, bits] = der.elements(info!.content);
  return createHash('sha1').update(bits!.content.subarray(1)).digest();
}

interface Content extends Validity {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

function certificatePem(content: Content, signingKey: KeyObject, random: Random): string {
  const { issuer, subject, publicKey, extensions, notBefore, notAfter } = content;
  const version3 = der.tagged(0, der.integer(2), 'constructed');
  const algorithm = der.sequence(der.oid(oids.ecdsaWithSha256));
  const signed = der.sequence(
    version3,
    serialNumber(random),
    algorithm,
    issuer,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    subject,
    publicKeyInfo(publicKey),
    der.tagged(3, der.sequence(...extensions), 'constructed'),
  );
  const certificate = der.sequence(signed, algorithm, der.bits(signBytes('sha256', signed, signingKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** A self-signed certificate authority with a new key (ECDSA P-256). */
export async function createCertificateAuthority(
  commonName: string,
  validity: Validity,
  random: Random,
): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeys();
  const subject = name({ commonName, organizations: [] });
  const extensions = [
    extension(oids.keyUsage, authorityUsage, { critical: true }),
    extension(oids.basicConstraints, der.sequence(der.isTrue), { critical: true }),
    extension(oids.subjectKeyIdentifier, der.octets(keyIdentifier(publicKey))),
    alternativeNames([commonName]),
  ];
  const content = { ...validity, issuer: subject, subject, publicKey, extensions };
  return { certPem: certificatePem(content, privateKey, random), keyPem: privateKeyPem(privateKey) };
}

/** What certificates say of their issuer: its name, and its key by the identifier that its own certificate has. */
function issuerOf(certificate: X509Certificate): { readonly name: Uint8Array; readonly keyId: Uint8Array } {
  const [whole] = der.elements(certificate.raw);
  const [signed] = der.elements(whole!.content);
  const fields = der.elements(signed!.content).filter(({ tag }) => tag !== 0xa0);
  // Serial number, algorithm, issuer, validity, subject, key; and the extensions behind them.
  const [, , , , subject] = fields;
  const extensions = fields.find(({ tag }) => tag === 0xa3);
  const [list] = extensions ? der.elements(extensions.content) : [];
  for (const { content } of list ? der.elements(list.content) : []) {
    const parts = der.elements(content);
    if (!parts[0]!.whole.equals(der.oid(oids.subjectKeyIdentifier))) continue;
    const [keyId] = der.elements(parts.at(-1)!.content);
    return { name: subject!.whole, keyId: keyId!.content };
  }
  return { name: subject!.whole, keyId: keyIdentifier(certificate.publicKey) };
}

/** A certificate with a new key, signed by the authority. */
export async function issueKeyPair(ca: KeyPair, profile: CertificateProfile, random: Random): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeys();
  return { certPem: signKey(ca, publicKey, profile, random), keyPem: privateKeyPem(privateKey) };
}

/** Signs a key under the given profile; what its owner asked for is the caller's to judge. It ends before its issuer does. */
export function signKey(ca: KeyPair, publicKey: KeyObject, profile: CertificateProfile, random: Random): string {
  const authority = new X509Certificate(ca.certPem);
  const issuer = issuerOf(authority);
  const { subject, usages, sans, notBefore, notAfter } = profile;
  const extensions = [
    extension(oids.keyUsage, leafUsage, { critical: true }),
    extension(oids.extendedKeyUsage, der.sequence(...usages.map((usage) => der.oid(oids[usage])))),
    extension(oids.basicConstraints, der.sequence(), { critical: true }),
    extension(oids.authorityKeyIdentifier, der.sequence(der.tagged(0, issuer.keyId, 'primitive'))),
    ...(sans.length > 0 ? [alternativeNames(sans)] : []),
  ];
  const content = {
    issuer: issuer.name,
    subject: name(subject),
    publicKey,
    extensions,
    notBefore,
    notAfter: Math.min(notAfter, authority.validToDate.getTime()),
  };
  return certificatePem(content, createPrivateKey(ca.keyPem), random);
}
