// The two ends of a trace, as a person writes them.
import { canonicalIP } from '../../net/ip.ts';
import { isWithin } from '../../netfilter/address.ts';
import type { Protocol } from '../../netfilter/packet.ts';

export type From =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'node'; readonly name: string }
  /** Outside the cluster; `address` where it matters who it is (source ranges). */
  | { readonly kind: 'external'; readonly address?: string };

export interface To {
  /** A DNS name, the name of a node, or an address. */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** What is wrong with what a person asked, in one line. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

const fromForms = 'pod/NAME, pod/NAMESPACE/NAME, node/NAME, external or external/ADDRESS';

/** Throws {@link TraceError}. */
export function parseFrom(text: string, namespace: string): From {
  const [kind, first = '', second, ...more] = text.split('/');
  if (more.length === 0 && kind === 'pod' && first !== '' && second !== '') {
    return { kind, namespace: second === undefined ? namespace : first, name: second ?? first };
  }
  if (second === undefined && kind === 'node' && first !== '') return { kind, name: first };
  if (second === undefined && kind === 'external') {
    if (first === '') return { kind };
    const address = canonicalIP(first);
    if (address !== undefined) return { kind, address };
  }
  throw new TraceError(`from: ${JSON.stringify(text)} is none of ${fromForms}`);
}

const protocols: readonly string[] = ['tcp', 'udp', 'sctp'];

/** Throws {@link TraceError}. */
export function parseTo(text: string): To {
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d+)(?:\/(\w+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (!match || host === undefined) {
    throw new TraceError(
      `to: ${JSON.stringify(text)} is not HOST:PORT, such as nginx:80, [fd00::1]:80 or 10.96.0.10:53/udp${hintAt(text)}`,
    );
  }
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) throw new TraceError(`to: ${port} is no port: they go from 1 to 65535`);
  const protocol = (match[4] ?? 'tcp').toLowerCase();
  if (!protocols.includes(protocol)) throw new TraceError(`to: ${JSON.stringify(match[4])} is none of tcp, udp, sctp`);
  const address = canonicalIP(host);
  if (address !== undefined && unforwarded.some((range) => isWithin(address, range))) {
    throw new TraceError(`to: no node passes on what is for ${address}: it stays on the link of its sender`);
  }
  return {
    host: address === undefined ? host : (oneself.get(address) ?? address),
    port,
    protocol: protocol as Protocol,
  };
}

function hintAt(text: string): string {
  const named = /^(?:\[[^\]]+\]|[^:/\s]+):([\w-]*[a-z][\w-]*)(?:\/\w+)?$/i.exec(text)?.[1];
  if (named !== undefined) return `: a packet has the number of a port, not its name ${JSON.stringify(named)}`;
  return /^[\da-f]*:[\da-f:.]*:[\da-f:.]*$/i.test(text) ? ': an IPv6 address stands in brackets' : '';
}

/** Of many at once, or of one link. */
const unforwarded = ['224.0.0.0/4', '255.255.255.255', 'ff00::/8', 'fe80::/10'];
/** What Linux takes these for when something is sent to them. */
const oneself: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);
