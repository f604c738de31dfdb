// Addresses as names have them.
import { formatIP, parseIPSloppy } from '../../net/ip.ts';

/** The canonical form of a text; undefined for one with leading zeros too, since each address has one name. */
export function addressInName(text: string): string | undefined {
  const parsed = parseIPSloppy(text);
  return parsed && !parsed.leadingZeros ? formatIP(parsed.ip) : undefined;
}
