// Reads certificate signing requests, with a library for ASN.1 that takes 0.1 s to load: import this dynamically, only
// when there is a request to be read.
import 'reflect-metadata';
import { createPublicKey, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Subject } from './certificates.ts';

const subjectAltNameOid = '2.5.29.17';

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
