// A server that other names are asked of, and how an operator writes it.
import { joinHostPort, parseIP } from '../../net/ip.ts';

export interface Upstream {
  /** Plain DNS (UDP, TCP where replies do not fit) or DNS over TLS (RFC 7858). */
  readonly protocol: 'dns' | 'tls';
  readonly address: string;
  readonly port: number;
  /** The name that a TLS server's certificate must bear; absent means its address. */
  readonly serverName?: string;
}

const defaultPorts = { dns: 53, tls: 853 } as const;

/** Whether a text is an address, with its interface where it is one of a link (`fe80::1%eth0`, RFC 4007, 11). */
export function isAddress(text: string): boolean {
  return parseIP(text.replace(/^(fe[89ab].*)%[A-Za-z0-9._-]+$/i, '$1')) !== undefined;
}

/** `ADDR`, `ADDR:PORT`, `[ADDR]` or `[ADDR]:PORT`; undefined when the text is none of these. Port 0 stands for any free port. */
export function parseHostPort(text: string, defaultPort: number = defaultPorts.dns) {
  if (isAddress(text)) return { address: text, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  return isAddress(address) && port <= 65_535 ? { address, port } : undefined;
}

/** `10.0.0.1`, `[fd00::1]:5353`, `tls://9.9.9.9#dns.quad9.net`, `tls://9.9.9.9:8853`; undefined when it is none of these. */
export function parseUpstream(text: string): Upstream | undefined {
  const match = /^(?:(dns|tls):\/\/)?([^#]+)(?:#([A-Za-z0-9._-]+))?$/.exec(text);
  if (!match) return undefined;
  const protocol = match[1] === 'tls' ? 'tls' : 'dns';
  const [, , place = '', serverName] = match;
  const parsed = parseHostPort(place, defaultPorts[protocol]);
  if (!parsed || parsed.port === 0 || (serverName !== undefined && protocol !== 'tls')) return undefined;
  return { protocol, ...parsed, ...(serverName !== undefined && { serverName }) };
}

/** As metrics and messages name it. */
export function upstreamText({ protocol, address, port }: Upstream): string {
  const place = joinHostPort(address, port);
  return protocol === 'tls' ? `tls://${place}` : place;
}
