// EndpointSlices for Endpoints that someone writes by hand (service-semantics 2.4).
import type { EndpointAddress, EndpointSubset, Endpoints } from '../../api/core/v1/types.generated.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { type IPFamily, parseIP } from '../../net/ip.ts';
import { portsKey } from '../endpointslice/pod-endpoints.ts';
import { controllerReference, isControlledBy } from '../shared/owners.ts';
import { managedByLabel, serviceNameLabel } from '../shared/service-slices.ts';
import { lastChangeTriggerTime } from '../shared/services.ts';

export const managedBy = 'endpointslicemirroring-controller.k8s.io';
const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const notMirrored = new Set([lastChangeTriggerTime, 'kubectl.kubernetes.io/last-applied-configuration']);
/** Addresses mirrored of each subset. */
const mostAddresses = 1000;

export interface Mirroring {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly delete: Readonly<EndpointSlice>[];
  /** Addresses that could not be mirrored. */
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

/** Is this an object to mirror at all, given its Service's selector? */
export function shouldMirror(endpoints: Readonly<Endpoints>): boolean {
  const { labels, annotations } = endpoints.metadata;
  return labels?.[skipMirrorLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined;
}

export function reconcile(endpoints: Readonly<Endpoints>, slices: readonly Readonly<EndpointSlice>[]): Mirroring {
  const warnings: { reason: string; message: string }[] = [];
  const wanted = new Map<string, EndpointSlice>();
  for (const subset of endpoints.subsets ?? []) mirrorSubset(endpoints, subset, wanted, warnings);
  const mirroring: Mirroring = { create: [], update: [], delete: [], warnings };
  for (const slice of slices) {
    const key = sliceKey(slice.addressType, slice.ports ?? []);
    const target = isControlledBy(slice, endpoints) ? wanted.get(key) : undefined;
    wanted.delete(target ? key : '');
    if (!target) mirroring.delete.push(slice);
    else if (!sameSlice(slice, target)) {
      const { labels = {}, annotations } = target.metadata;
      const { annotations: _, ...metadata } = slice.metadata;
      mirroring.update.push({ ...target, metadata: { ...metadata, labels, ...(annotations && { annotations }) } });
    }
  }
  mirroring.create.push(...wanted.values());
  return mirroring;
}

function mirrorSubset(
  endpoints: Readonly<Endpoints>,
  subset: Readonly<EndpointSubset>,
  wanted: Map<string, EndpointSlice>,
  warnings: { reason: string; message: string }[],
): void {
  const ports: EndpointPort[] = (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol && { appProtocol }),
  }));
  const all = [
    ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
    ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
  ];
  let invalid = 0;
  let skipped = 0;
  let added = 0;
  for (const { address, ready } of all) {
    const family = parseIP(address.ip)?.family;
    if (!family) invalid += 1;
    else if (added >= mostAddresses) skipped += 1;
    else {
      added += 1;
      const key = sliceKey(family, ports);
      const slice = wanted.get(key) ?? sliceOf(endpoints, family, ports);
      slice.endpoints?.push(endpointOf(address, ready));
      wanted.set(key, slice);
    }
  }
  if (invalid > 0) {
    const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`;
    warnings.push({ reason: 'InvalidIPAddress', message });
  }
  if (skipped > 0) {
    const message = `A max of ${mostAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
    warnings.push({ reason: 'TooManyAddressesToMirror', message });
  }
}

function sliceKey(family: string, ports: readonly EndpointPort[]): string {
  return `${family} ${portsKey(ports)}`;
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef: jsonCopy(targetRef) }),
  };
}

function sliceOf(endpoints: Readonly<Endpoints>, addressType: IPFamily, ports: EndpointPort[]): EndpointSlice {
  const { name, namespace = '', labels } = endpoints.metadata;
  const annotations = Object.entries(endpoints.metadata.annotations ?? {}).filter(([key]) => !notMirrored.has(key));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: `${name}-`,
      namespace,
      labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: managedBy },
      ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
      ownerReferences: [controllerReference(endpoints, { apiVersion: 'v1', kind: 'Endpoints' })],
    },
    addressType,
    endpoints: [],
    ports,
  };
}

function sameSlice(slice: Readonly<EndpointSlice>, wanted: EndpointSlice): boolean {
  return (
    jsonEqual(slice.endpoints ?? [], wanted.endpoints) &&
    jsonEqual(slice.metadata.labels, wanted.metadata.labels) &&
    jsonEqual(slice.metadata.annotations ?? {}, wanted.metadata.annotations ?? {})
  );
}
