// Where Services, their allocations and what goes with them live in storage.
import type { CanonicalIP } from '../../../net/ip.ts';
import { ownPrefix, resourcePrefix } from '../../../storage/registry-keys.ts';

export const servicePrefix = resourcePrefix({ group: '', resource: 'services' });
export const endpointsPrefix = resourcePrefix({ group: '', resource: 'endpoints' });
export const endpointSlicePrefix = resourcePrefix({ group: 'discovery.k8s.io', resource: 'endpointslices' });
export const eventPrefix = resourcePrefix({ group: '', resource: 'events' });
export const ipAddressPrefix = resourcePrefix({ group: 'networking.k8s.io', resource: 'ipaddresses' });
export const serviceCIDRPrefix = resourcePrefix({ group: 'networking.k8s.io', resource: 'servicecidrs' });
export const nodePortPrefix = `${ownPrefix}nodeports/`;
/** One key per API server that serves this store, with the time it was last written. */
export const apiServerPrefix = `${ownPrefix}apiservers/`;

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
