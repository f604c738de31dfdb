// Where allocations live in storage.
import type { CanonicalIP } from '../../../net/ip.ts';

export const ipAddressPrefix = '/registry/networking.k8s.io/ipaddresses/';
export const serviceCIDRPrefix = '/registry/networking.k8s.io/servicecidrs/';
export const nodePortPrefix = '/registry/portico/nodeports/';
/** One key per API server that serves this store, with the time it was last written. */
export const apiServerPrefix = '/registry/portico/apiservers/';

export function ipAddressKey(ip: CanonicalIP): string {
  return ipAddressPrefix + ip;
}

export function nodePortKey(port: number): string {
  return `${nodePortPrefix}${port}`;
}

/** What the key of a node port holds: whose it is. */
export interface NodePortRecord {
  readonly namespace: string;
  readonly name: string;
}
