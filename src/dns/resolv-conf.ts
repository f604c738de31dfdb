import { parseIP } from '../net/ip.ts';
import type { Upstream } from './forward/forwarder.ts';

const DNS_PORT = 53;

/** The nameservers of a resolv.conf text (resolv.conf(5)), in order; lines of other kinds and bad addresses are passed over. */
export function nameserversOf(text: string): Upstream[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([keyword, address]) => keyword === 'nameserver' && parseIP(address ?? '') !== undefined)
    .map(([, address = '']) => ({ address, port: DNS_PORT }));
}

/** `ADDR`, `ADDR:PORT`, `[ADDR]` or `[ADDR]:PORT`; undefined when the text is none of these. Port 0 stands for any free port. */
export function parseHostPort(text: string, defaultPort = DNS_PORT): Upstream | undefined {
  if (parseIP(text)) return { address: text, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  return parseIP(address) && port <= 65_535 ? { address, port } : undefined;
}
