// Whose client certificate a TLS connection showed, and which of the authorities that the server knows vouches for it.
import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** `client`: its certificates say who asks. `requestHeader`: those of proxies, which say it in headers. */
export type CertificateAuthority = 'client' | 'requestHeader';

/** PEM, of one certificate or several. */
export type CertificateAuthorities = Readonly<Record<CertificateAuthority, string>>;

export interface ClientCertificate {
  /** Subject common name: the user. */
  readonly commonName: string;
  /** Subject organizations: the groups. */
  readonly organizations: readonly string[];
  /** Of the subject, where it has one (OID 1.3.6.1.4.1.57683.2). */
  readonly uid?: string;
  /** DER. */
  readonly raw: Uint8Array;
  /** Empty: nobody vouches for it, or its time is over, or it is not for clients. */
  readonly verifiedBy: readonly CertificateAuthority[];
}

/** Where a certificate's subject names the user's uid (upstream AllowParsingUserUIDFromCertAuth). */
const uidOid = '1.3.6.1.4.1.57683.2';

/** Reads certificates of connections whose TLS server was given the same authorities as its `ca`. */
export class ClientCertificateReader {
  readonly #authorities: ReadonlyMap<CertificateAuthority, ReadonlySet<string>>;

  /** Throws where an authority is no PEM of certificates. */
  constructor(authorities: CertificateAuthorities) {
    const names: readonly CertificateAuthority[] = ['client', 'requestHeader'];
    this.#authorities = new Map(names.map((name) => [name, fingerprintsOf(authorities[name])]));
  }

  /** Undefined: the client showed none. */
  read(socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>): ClientCertificate | undefined {
    const certificate = socket.getPeerCertificate(true);
    if (!certificate?.raw) return undefined;
    const { subject, raw } = certificate;
    const [uid] = listOf((subject as unknown as Record<string, string | string[]> | undefined)?.[uidOid]);
    return {
      commonName: listOf(subject?.CN)[0] ?? '',
      organizations: listOf(subject?.O),
      ...(uid && { uid }),
      raw,
      verifiedBy: socket.authorized ? this.#authoritiesOf(certificate) : [],
    };
  }

  /** TLS has checked the chain against all authorities together: which of them is in it? */
  #authoritiesOf(certificate: DetailedPeerCertificate): CertificateAuthority[] {
    const chain = new Set<string>();
    for (let one = certificate; one && !chain.has(one.fingerprint256); one = one.issuerCertificate) {
      chain.add(one.fingerprint256);
    }
    // A leaf is no authority, even where its own certificate is in the bundle.
    chain.delete(certificate.fingerprint256);
    const vouches = (known: ReadonlySet<string>) => [...known].some((one) => chain.has(one));
    return [...this.#authorities].filter(([, known]) => vouches(known)).map(([name]) => name);
  }
}

function fingerprintsOf(pem: string): Set<string> {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return new Set(certificates.map((one) => new X509Certificate(one).fingerprint256));
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
