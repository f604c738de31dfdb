// Whose client certificate a TLS connection showed, and which of the authorities that the server knows vouches for it.
import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { Clock } from '../system/clock.ts';

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
  /** Empty: nobody vouches for it, or its time is over (perhaps since its connection was made), or it is not for clients. */
  readonly verifiedBy: readonly CertificateAuthority[];
}

/** Where a certificate's subject names the user's uid (upstream AllowParsingUserUIDFromCertAuth). */
const uidOid = '1.3.6.1.4.1.57683.2';

/** Reads certificates of connections whose TLS server was given the same authorities as its `ca`. */
export class ClientCertificateReader {
  readonly #authorities: ReadonlyMap<CertificateAuthority, ReadonlySet<string>>;
  readonly #clock: Clock;

  /** Throws where an authority is no PEM of certificates. */
  constructor(authorities: CertificateAuthorities, clock: Clock) {
    this.#clock = clock;
    const names: readonly CertificateAuthority[] = ['client', 'requestHeader'];
    this.#authorities = new Map(names.map((name) => [name, fingerprintsOf(authorities[name])]));
  }

  /** Undefined: the client showed none. */
  read(socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>): ClientCertificate | undefined {
    const certificate = socket.getPeerCertificate(true);
    if (!certificate?.raw) return undefined;
    const { subject, raw } = certificate;
    const chain = chainOf(certificate);
    const authorities = socket.authorized ? this.#authoritiesIn(chain) : [];
    const end = Math.min(...chain.map(({ valid_to }) => Date.parse(valid_to)));
    const clock = this.#clock;
    const [uid] = listOf((subject as unknown as Record<string, string | string[]> | undefined)?.[uidOid]);
    return {
      commonName: listOf(subject?.CN)[0] ?? '',
      organizations: listOf(subject?.O),
      ...(uid && { uid }),
      raw,
      // TLS looks when the connection is made, and not at all where a session is resumed.
      get verifiedBy() {
        return clock.now() > end ? [] : authorities;
      },
    };
  }

  /** TLS has checked the chain against all authorities together: which of them is in it? */
  #authoritiesIn([, ...issuers]: readonly DetailedPeerCertificate[]): CertificateAuthority[] {
    // A leaf is no authority, even where its own certificate is in the bundle.
    const vouches = (known: ReadonlySet<string>) => issuers.some(({ fingerprint256 }) => known.has(fingerprint256));
    return [...this.#authorities].filter(([, known]) => vouches(known)).map(([name]) => name);
  }
}

/** The certificate first, its authority last, which is its own issuer. */
function chainOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain = new Map<string, DetailedPeerCertificate>();
  for (let one = certificate; one && !chain.has(one.fingerprint256); one = one.issuerCertificate) {
    chain.set(one.fingerprint256, one);
  }
  return [...chain.values()];
}

function fingerprintsOf(pem: string): Set<string> {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return new Set(certificates.map((one) => new X509Certificate(one).fingerprint256));
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
