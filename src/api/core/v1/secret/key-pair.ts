// Whether a certificate and a key belong together, as Go's crypto/tls.X509KeyPair says it.
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type PemBlock, pemBlocks } from '../../../validation/pem.ts';

/** What is wrong with the pair, in Go's words; undefined: nothing. */
export function keyPairProblem(certificates: string, keys: string): string | undefined {
  const inCertificates = pemBlocks(certificates);
  const leaf = inCertificates.find(({ type }) => type === 'CERTIFICATE');
  if (!leaf) return noCertificate(inCertificates.map(({ type }) => type));
  const inKeys = pemBlocks(keys);
  const key = inKeys.find(({ type }) => isPrivateKey(type));
  if (!key) return noKey(inKeys.map(({ type }) => type));
  let certified: KeyObject;
  try {
    certified = new X509Certificate(leaf.bytes).publicKey;
  } catch {
    return 'x509: malformed certificate';
  }
  const held = readKey(key);
  if (!held) return 'tls: failed to parse private key';
  if (certified.asymmetricKeyType !== held.asymmetricKeyType) {
    return 'tls: private key type does not match public key type';
  }
  return createPublicKey(held).equals(certified) ? undefined : 'tls: private key does not match public key';
}

const isPrivateKey = (type: string): boolean => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY');

function noCertificate(skipped: readonly string[]): string {
  const failed = 'tls: failed to find';
  if (skipped.length === 0) return `${failed} any PEM data in certificate input`;
  if (skipped.length === 1 && skipped[0]!.endsWith('PRIVATE KEY')) {
    return `${failed} certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched`;
  }
  return `${failed} "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${skipped.join(' ')}]`;
}

function noKey(skipped: readonly string[]): string {
  const failed = 'tls: failed to find';
  if (skipped.length === 0) return `${failed} any PEM data in key input`;
  if (skipped.length === 1 && skipped[0] === 'CERTIFICATE') {
    return 'tls: found a certificate rather than a key in the PEM for the private key';
  }
  return `${failed} PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${skipped.join(' ')}]`;
}

/** Go tries one form after the other, whatever the block is called. */
function readKey({ bytes }: PemBlock): KeyObject | undefined {
  for (const type of ['pkcs1', 'pkcs8', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: bytes, format: 'der', type });
    } catch {
      // The next form.
    }
  }
  return undefined;
}
