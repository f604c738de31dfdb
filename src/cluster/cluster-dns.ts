// Where cluster DNS is.
import { addressAt, parseCIDR, sizeOf } from '../net/cidr.ts';
import { formatIP } from '../net/ip.ts';

/** The tenth address of each Service range: where pods find cluster DNS. */
export function clusterDNS(ranges: readonly string[]): string[] {
  return ranges.flatMap((text) => {
    const cidr = parseCIDR(text);
    // A range that has no tenth address has no room for cluster DNS.
    return cidr && sizeOf(cidr) > 10n ? [formatIP(addressAt(cidr, 10n))] : [];
  });
}
