// EndpointSlices for Endpoints that someone writes by hand (service-semantics 2.4).

import type { EndpointAddress, EndpointSubset, Endpoints } from '../../api/core/v1/types.generated.ts';
import {
  lastChangeTriggerTime,
  managedByLabel,
  serviceNameLabel,
} from '../../api/discovery/v1/endpointslice/labels.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { canonicalIP, familyOf, type IPFamily } from '../../net/ip.ts';
import { endpointKey, sameState } from '../endpointslice/pack.ts';
import { portsKey } from '../endpointslice/pod-endpoints.ts';
import { controllerReference, isControlledBy } from '../shared/owners.ts';
import { sliceNamePrefix } from '../shared/service-slices.ts';
import type { MirroringFigures } from './metrics.ts';

export const managedBy = 'endpointslicemirroring-controller.k8s.io';
const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const notMirrored = new Set([lastChangeTriggerTime, 'kubectl.kubernetes.io/last-applied-configuration']);
/** Addresses mirrored of each subset, and of all that have the same ports. */
export const mostAddresses = 1000;

export interface Mirroring {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly delete: Readonly<EndpointSlice>[];
  /** Addresses that could not be mirrored. */
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
  /** For those who count. */
  readonly figures: MirroringFigures;
}

/** Is this an object to mirror at all, given its Service's selector? */
export function shouldMirror(endpoints: Readonly<Endpoints>): boolean {
  const { labels, annotations } = endpoints.metadata;
  return labels?.[skipMirrorLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined;
}

/** Slices of an address type and a set of ports, upstream's unit of mirroring. */
interface Wanted {
  readonly slice: EndpointSlice;
  /** By {@link endpointKey}: of an address that is there twice the last counts. */
  readonly endpoints: Map<string, Endpoint>;
}

interface Skipped {
  invalid: number;
  tooMany: number;
}

export function reconcile(endpoints: Readonly<Endpoints>, slices: readonly Readonly<EndpointSlice>[]): Mirroring {
  const wanted = new Map<string, Wanted>();
  const skipped = { invalid: 0, tooMany: 0 };
  for (const subset of endpoints.subsets ?? []) mirrorSubset(endpoints, subset, wanted, skipped);
  const figures = {
    added: 0,
    removed: 0,
    updated: 0,
    skipped: skipped.invalid + skipped.tooMany,
    groups: [...wanted.values()].map(({ endpoints: { size } }) => ({ endpoints: size, slices: 1 })),
  };
  const mirroring: Mirroring = { create: [], update: [], delete: [], warnings: warningsOf(skipped), figures };
  const spare: Readonly<EndpointSlice>[] = [];
  // Those of an object of this name that is gone would go with it: they are taken over.
  for (const slice of slices.toSorted(
    (a, b) => Number(isControlledBy(b, endpoints)) - Number(isControlledBy(a, endpoints)),
  )) {
    const key = sliceKey(slice.addressType, slice.ports ?? []);
    const target = wanted.get(key);
    wanted.delete(key);
    if (!target) spare.push(slice);
    else if (!isMirrorOf(slice, target, endpoints)) mirroring.update.push(inPlaceOf(slice, toSlice(target)));
    if (target) count(figures, slice, target);
  }
  for (const slice of [...wanted.values()].map(toSlice)) {
    figures.added += slice.endpoints?.length ?? 0;
    const index = spare.findIndex(({ addressType }) => addressType === slice.addressType);
    const [reused] = index < 0 ? [] : spare.splice(index, 1);
    if (reused) mirroring.update.push(inPlaceOf(reused, slice));
    else if (endpoints.metadata.deletionTimestamp === undefined) mirroring.create.push(slice);
  }
  mirroring.delete.push(...spare);
  return mirroring;
}

/** What a slice that stays gains and loses. */
function count(
  figures: { added: number; removed: number; updated: number },
  slice: Readonly<EndpointSlice>,
  wanted: Wanted,
): void {
  const endpoints = slice.endpoints ?? [];
  const kept = endpoints.flatMap((endpoint) => {
    const target = wanted.endpoints.get(endpointKey(endpoint));
    return target ? [sameState(endpoint, target)] : [];
  });
  figures.added += wanted.endpoints.size - kept.length;
  figures.removed += endpoints.length - kept.length;
  figures.updated += kept.filter((same) => !same).length;
}

function toSlice({ slice, endpoints }: Wanted): EndpointSlice {
  return { ...slice, endpoints: [...endpoints.values()] };
}

function inPlaceOf(slice: Readonly<EndpointSlice>, wanted: EndpointSlice): EndpointSlice {
  const { annotations: _, generateName: __, ...metadata } = slice.metadata;
  const { generateName: ___, name: ____, ...ours } = wanted.metadata;
  return { ...wanted, metadata: { ...metadata, ...ours } };
}

/** The numbers are of all subsets together, and that of too many counts the invalid ones again, as upstream's do. */
function warningsOf({ invalid, tooMany }: Skipped): Mirroring['warnings'] {
  const warnings: { reason: string; message: string }[] = [];
  if (invalid > 0) {
    const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`;
    warnings.push({ reason: 'InvalidIPAddress', message });
  }
  if (tooMany > 0) {
    const message = `A max of ${mostAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. ${invalid + tooMany} addresses were skipped`;
    warnings.push({ reason: 'TooManyAddressesToMirror', message });
  }
  return warnings;
}

function mirrorSubset(
  object: Readonly<Endpoints>,
  subset: Readonly<EndpointSubset>,
  wanted: Map<string, Wanted>,
  skipped: Skipped,
): void {
  const ports: EndpointPort[] = (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol !== undefined && { appProtocol }),
  }));
  const all = [
    ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
    ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
  ];
  let added = 0;
  for (const { address, ready } of all) {
    if (added >= mostAddresses) {
      skipped.tooMany += 1;
      continue;
    }
    const ip = canonicalIP(address.ip);
    const family = ip && familyOf(ip);
    if (!family) {
      skipped.invalid += 1;
      continue;
    }
    added += 1;
    const key = sliceKey(family, ports);
    const { slice, endpoints } = wanted.get(key) ?? { slice: sliceOf(object, family, ports), endpoints: new Map() };
    const endpoint = endpointOf({ ...address, ip }, ready);
    const id = endpointKey(endpoint);
    // A slice takes no more; as upstream those of further subsets with the same ports are left out without a word.
    if (endpoints.size < mostAddresses || endpoints.has(id)) endpoints.set(id, endpoint);
    wanted.set(key, { slice, endpoints });
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
      generateName: sliceNamePrefix(name),
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

/** Endpoints are compared in no order: another may have written them. */
function isMirrorOf(slice: Readonly<EndpointSlice>, wanted: Wanted, owner: Readonly<Endpoints>): boolean {
  const current = slice.endpoints ?? [];
  const { labels, annotations } = wanted.slice.metadata;
  return (
    isControlledBy(slice, owner) &&
    current.length === wanted.endpoints.size &&
    current.every((endpoint) => {
      const target = wanted.endpoints.get(endpointKey(endpoint));
      return target !== undefined && sameState(endpoint, target);
    }) &&
    jsonEqual(slice.metadata.labels, labels) &&
    jsonEqual(slice.metadata.annotations ?? {}, annotations ?? {})
  );
}
