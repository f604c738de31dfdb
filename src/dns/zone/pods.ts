import { addressInName } from './address-in-name.ts';
import type { ZoneView } from './view.ts';

/**
 * The address that a label such as `10-244-1-5` stands for, or undefined where it stands for none. With three single dashes
 * it is IPv4, otherwise the dashes are IPv6's colons.
 */
export function addressOfPodLabel(label: string): string | undefined {
  const isIPv4 = label.split('-').length === 4 && !label.includes('--');
  return addressInName(label.replaceAll('-', isIPv4 ? '.' : ':'));
}

/** The address of `10-244-1-5.namespace.pod`, or undefined where there is no such name. */
export function podRecords(
  view: ZoneView,
  { namespace, label, mode }: { namespace: string; label: string; mode: 'disabled' | 'insecure' | 'verified' },
): string | undefined {
  if (mode === 'disabled') return undefined;
  const address = addressOfPodLabel(label);
  if (address === undefined) return undefined;
  return mode === 'insecure' || view.hasPod(namespace, address) ? address : undefined;
}
