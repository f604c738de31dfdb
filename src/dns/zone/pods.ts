import { canonicalIP } from '../../net/ip.ts';
import type { ZoneView } from './view.ts';

/**
 * The address that the label of `10-244-1-5.namespace.pod` stands for, or undefined where there is no such name.
 * With three single dashes it is IPv4, otherwise the dashes are IPv6's colons.
 */
export function podRecords(
  view: ZoneView,
  { namespace, label, mode }: { namespace: string; label: string; mode: 'disabled' | 'insecure' | 'verified' },
): string | undefined {
  if (mode === 'disabled') return undefined;
  const isIPv4 = label.split('-').length === 4 && !label.includes('--');
  const address = canonicalIP(label.replaceAll('-', isIPv4 ? '.' : ':'));
  if (address === undefined) return undefined;
  return mode === 'insecure' || view.hasPod(namespace, address) ? address : undefined;
}
