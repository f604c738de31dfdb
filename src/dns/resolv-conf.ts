import { isAddress, type Upstream } from './forward/upstream.ts';

/** The nameservers of a resolv.conf text (resolv.conf(5)), in order; lines of other kinds and bad addresses are passed over. */
export function nameserversOf(text: string): Upstream[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([keyword, address]) => keyword === 'nameserver' && isAddress(address ?? ''))
    .map(([, address = '']) => ({ protocol: 'dns', address, port: 53 }));
}
