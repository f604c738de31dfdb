// DNS messages as values (RFC 1035, 2782, 3596, 6891). Names are text in zone-file form: absolute, with the final dot,
// in the case they came in; bytes that are not printable are written \DDD.

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const CLASS_IN = 1;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

export type Rcode = (typeof RCODE)[keyof typeof RCODE];

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME' | 'NS' | 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: 'TXT'; readonly texts: readonly string[] }
  | {
      readonly type: 'SOA';
      readonly primary: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  /** Anything else, carried as it came (RFC 3597). Names inside are already without compression. */
  | { readonly type: 'opaque'; readonly code: number; readonly bytes: Uint8Array };

export interface ResourceRecord {
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  readonly data: RecordData;
}

export interface Message {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  /** AD and CD (RFC 4035, 3.1.6 and 3.2.2); absent means unset. */
  readonly authenticData?: boolean;
  readonly checkingDisabled?: boolean;
  /** One of {@link RCODE}, or another that somebody sent. */
  readonly rcode: number;
  readonly question: Question | undefined;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** The OPT pseudo-record (RFC 6891), when there is one. */
  readonly edns: Edns | undefined;
}

export interface Edns {
  /** The largest UDP message that the sender takes, in bytes. */
  readonly udpSize: number;
  readonly version: number;
  /** DNSSEC OK. */
  readonly dnssecOk: boolean;
}

/** The number of a record's type on the wire. */
export function typeCode(data: RecordData): number {
  return data.type === 'opaque' ? data.code : TYPE[data.type];
}

const rcodeNames: ReadonlyMap<number, string> = new Map(Object.entries(RCODE).map(([name, code]) => [code, name]));

/** `NXDOMAIN`, or `RCODE23` where there is no name for it here. */
export function rcodeText(rcode: number): string {
  return rcodeNames.get(rcode) ?? `RCODE${rcode}`;
}
