// Subsets of an Endpoints object in their canonical form (upstream api/v1/endpoints RepackSubsets): addresses with the
// same ports share a subset, and everything is sorted.
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../api/core/v1/types.generated.ts';

/** One address on one port; `port` is absent for a headless Service without ports. */
export interface AddressOnPort {
  readonly address: EndpointAddress;
  readonly port: EndpointPort | undefined;
  readonly ready: boolean;
}

interface OnPort {
  readonly port: EndpointPort | undefined;
  readonly addresses: Map<string, { address: EndpointAddress; ready: boolean }>;
}

/** Most addresses in an Endpoints object; more are cut off. */
const maxAddresses = 1000;

export function repack(entries: readonly AddressOnPort[]): EndpointSubset[] {
  const byPort = new Map<string, OnPort>();
  for (const { address, port, ready } of entries) {
    const key = portKey(port);
    const onPort = byPort.get(key) ?? { port, addresses: new Map() };
    const id = addressKey(address);
    // One that is not ready on a port is not ready there, whatever else was said.
    const known = onPort.addresses.get(id);
    onPort.addresses.set(id, { address, ready: ready && (known?.ready ?? true) });
    byPort.set(key, onPort);
  }
  const byAddresses = new Map<string, { ports: EndpointPort[]; addresses: OnPort['addresses'] }>();
  for (const { port, addresses } of byPort.values()) {
    const key = [...addresses]
      .map(([id, { ready }]) => `${id}=${ready}`)
      .sort()
      .join();
    const subset = byAddresses.get(key) ?? { ports: [], addresses };
    if (port) subset.ports.push(port);
    byAddresses.set(key, subset);
  }
  return [...byAddresses.values()].map(toSubset).sort((a, b) => compare(subsetKey(a), subsetKey(b)));
}

function toSubset({ ports, addresses }: { ports: EndpointPort[]; addresses: OnPort['addresses'] }): EndpointSubset {
  const sorted = [...addresses.values()].sort(
    (a, b) =>
      compare(a.address.ip, b.address.ip) || compare(a.address.targetRef?.uid ?? '', b.address.targetRef?.uid ?? ''),
  );
  const ready = sorted.filter((a) => a.ready).map((a) => a.address);
  const notReady = sorted.filter((a) => !a.ready).map((a) => a.address);
  return {
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ...(ports.length > 0 && { ports: ports.sort((a, b) => compare(portKey(a), portKey(b))) }),
  };
}

/** At most 1,000 addresses, ready ones first, shared among the subsets in proportion. */
export function truncate(subsets: EndpointSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  const ready = sum(subsets, (s) => s.addresses?.length ?? 0);
  const notReady = sum(subsets, (s) => s.notReadyAddresses?.length ?? 0);
  if (ready + notReady <= maxAddresses) return { subsets, truncated: false };
  const keptReady = Math.min(ready, maxAddresses);
  const cut = cutter(ready, keptReady);
  const cutNotReady = cutter(notReady, maxAddresses - keptReady);
  const kept = subsets.map((subset) => {
    const { addresses: _, notReadyAddresses: __, ...rest } = subset;
    const addresses = cut(subset.addresses ?? []);
    const notReadyAddresses = cutNotReady(subset.notReadyAddresses ?? []);
    return {
      ...(addresses.length > 0 && { addresses }),
      ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
      ...rest,
    };
  });
  return { subsets: kept.filter((s) => s.addresses || s.notReadyAddresses), truncated: true };
}

/** Takes each subset's share of `kept` out of `total`, rounded up, until `kept` are used; all where all may stay. */
function cutter(total: number, kept: number): (addresses: EndpointAddress[]) => EndpointAddress[] {
  if (total <= kept) return (addresses) => addresses;
  let left = kept;
  return (addresses) => {
    const share = addresses.slice(0, Math.min(Math.ceil((addresses.length / total) * kept), left));
    left -= share.length;
    return share;
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function addressKey(address: EndpointAddress): string {
  return `${address.ip}/${address.targetRef?.uid ?? ''}`;
}

function portKey(port: EndpointPort | undefined): string {
  return port ? `${port.name ?? ''}/${port.protocol ?? 'TCP'}/${port.port}/${port.appProtocol ?? ''}` : '';
}

function subsetKey({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): string {
  return [ports.map(portKey), addresses.map(addressKey), notReadyAddresses.map(addressKey)].join(';');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
