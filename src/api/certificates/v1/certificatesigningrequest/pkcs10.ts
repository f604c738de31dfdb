// Whether a request for a certificate (PKCS#10, RFC 2986) is whole, and signed with the key that it is for. What it asks for is
// read by the API server (src/apiserver/pki/certificate-request.ts), with a library that takes time to load.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { DerError, type Element, elements } from '../../../../apimachinery/der.ts';
import { table } from '../../../../apimachinery/table.ts';

const sequence = 0x30;
const bitString = 0x03;
const objectIdentifier = 0x06;

function expectTag(element: Element | undefined, tag: number): Element {
  if (!element) throw new DerError('asn1: syntax error: sequence truncated');
  if (element.tag !== tag) throw new DerError("asn1: structure error: tags don't match");
  return element;
}

/** Hashes of the ways to sign, by the bytes of their identifiers; null: the way has its own. */
const hashes = table<string | null>({
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  '2b6570': null,
});

/** What is wrong with a request in DER, worded as Go's crypto/x509 where it is short; undefined when nothing is. */
export function requestError(der: Buffer): string | undefined {
  try {
    const [outer, rest] = elements(der);
    if (rest) return 'asn1: syntax error: trailing data';
    const [info, algorithm, signature] = elements(expectTag(outer, sequence).content);
    const key = elements(expectTag(info, sequence).content)[2];
    const oid = expectTag(elements(expectTag(algorithm, sequence).content)[0], objectIdentifier);
    // The first byte of a bit string counts the bits of its last that are none.
    const signed = expectTag(signature, bitString).content.subarray(1);
    const publicKey = createPublicKey({ key: expectTag(key, sequence).whole, format: 'der', type: 'spki' });
    const hash = hashes[oid.content.toString('hex')];
    // Signed in a way that is not known here, such as RSA-PSS: whoever signs it looks.
    if (hash === undefined || verify(hash, info!.whole, publicKey, signed)) return undefined;
    return mismatch(publicKey);
  } catch (error) {
    if (error instanceof DerError) return error.message;
    // OpenSSL's words for a key that it cannot read.
    return 'x509: failed to parse public key';
  }
}

function mismatch({ asymmetricKeyType }: KeyObject): string {
  if (asymmetricKeyType === 'rsa') return 'crypto/rsa: verification error';
  return `x509: ${asymmetricKeyType === 'ec' ? 'ECDSA' : 'Ed25519'} verification failure`;
}
