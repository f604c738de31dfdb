// Where cluster DNS is.
import { addressAt, parseCIDR } from '../net/cidr.ts';
import { formatIP } from '../net/ip.ts';

/** The tenth address of each Service range: where pods find cluster DNS. */
export function clusterDNS(ranges: readonly string[]): string[] {
  return ranges.flatMap((text) => {
    const cidr = parseCIDR(text);
    return cidr ? [formatIP(addressAt(cidr, 10n))] : [];
  });
}
