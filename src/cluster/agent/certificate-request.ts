// A certificate request (PKCS#10, RFC 2986) for a client certificate, as DER by hand: a node needs only this one shape, and
// a library for X.509 would double an agent's start-up time.
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

export interface CertificateRequest {
  /** PKCS#8 PEM of a new P-256 key. */
  readonly keyPem: string;
  readonly requestPem: string;
}

const tags = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
};
const oids = {
  commonName: [0x55, 0x04, 0x03],
  organization: [0x55, 0x04, 0x0a],
  ecdsaWithSHA256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
};

/** One DER element: tag, length in the shortest form, content. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff);
  const header = body.length < 0x80 ? [tag, body.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from(header), body]);
}

const oid = (bytes: readonly number[]): Buffer => der(tags.oid, Buffer.from(bytes));
const attribute = (type: readonly number[], value: string): Buffer =>
  der(tags.set, der(tags.sequence, oid(type), der(tags.utf8String, Buffer.from(value))));

/** A new key and a request for `O=organization, CN=commonName` signed with it. */
export function certificateRequest(subject: {
  readonly commonName: string;
  readonly organization: string;
}): CertificateRequest {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const information = der(
    tags.sequence,
    der(tags.integer, Buffer.from([0])),
    der(
      tags.sequence,
      attribute(oids.organization, subject.organization),
      attribute(oids.commonName, subject.commonName),
    ),
    publicKey,
    der(tags.attributes),
  );
  const signature = sign('sha256', information, privateKey);
  const request = der(
    tags.sequence,
    information,
    der(tags.sequence, oid(oids.ecdsaWithSHA256)),
    der(tags.bitString, Buffer.from([0]), signature),
  );
  const lines = request.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return {
    keyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    requestPem: `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`,
  };
}
