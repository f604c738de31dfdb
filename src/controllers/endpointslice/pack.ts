// Puts the endpoints of one group of ports into slices, touching as few slices as possible.
import type { Endpoint, EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import type { PortGroup } from './pod-endpoints.ts';

export interface Packing {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly delete: Readonly<EndpointSlice>[];
  readonly unchanged: Readonly<EndpointSlice>[];
  /** Endpoints that come, and that go. */
  added: number;
  removed: number;
}

export interface PackOptions {
  readonly group: PortGroup;
  /** Owned slices of this family and these ports. */
  readonly existing: readonly Readonly<EndpointSlice>[];
  readonly max: number;
  /** A fresh slice with these ports and no endpoints. */
  readonly newSlice: (ports: PortGroup['ports']) => EndpointSlice;
  /** Does the slice's metadata differ from what it should be? */
  readonly outdated: (slice: Readonly<EndpointSlice>) => boolean;
}

/** Upstream's three steps (endpointslice reconcileByPortMapping); endpoints are never moved between slices. */
export function pack({ group, existing, max, newSlice, outdated }: PackOptions): Packing {
  const wanted = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const packing: Packing = { create: [], update: [], delete: [], unchanged: [], added: 0, removed: 0 };
  for (const slice of existing) keepWanted(slice, wanted, packing, outdated);
  packing.added = wanted.size;
  fillUpdated(packing.update, wanted, max);
  fillOthers(packing, wanted, { max, newSlice: () => newSlice(group.ports) });
  return packing;
}

/**
 * Who an endpoint is (upstream endpointslice/util hashEndpoint). What else changes changes in place: also the UID and
 * the node, as when a pod of a StatefulSet is made anew under its name and gets its old address.
 */
export function endpointKey({ addresses, hostname, targetRef }: Endpoint): string {
  const { namespace = '', name = '' } = targetRef ?? {};
  return JSON.stringify([[...addresses].sort(), hostname ?? '', namespace, name]);
}

/** Is everything but the identity and the hints the same? */
export function sameState(a: Endpoint, b: Endpoint): boolean {
  return a.nodeName === b.nodeName && a.zone === b.zone && jsonEqual(factsOf(a), factsOf(b));
}

function factsOf({ conditions, targetRef }: Endpoint) {
  const { ready = null, serving = null, terminating = null } = conditions ?? {};
  const { resourceVersion: _, ...target } = targetRef ?? {};
  return { conditions: { ready, serving, terminating }, target };
}

/** Takes the endpoints that this slice holds already out of `wanted`. */
function keepWanted(
  slice: Readonly<EndpointSlice>,
  wanted: Map<string, Endpoint>,
  packing: Packing,
  outdated: PackOptions['outdated'],
): void {
  const kept: Endpoint[] = [];
  let changed = false;
  for (const endpoint of slice.endpoints ?? []) {
    const key = endpointKey(endpoint);
    const target = wanted.get(key);
    wanted.delete(key);
    if (target) kept.push(target);
    changed ||= !target || !sameState(endpoint, target);
  }
  packing.removed += sizeOf(slice) - kept.length;
  if (kept.length === 0 && changed) packing.delete.push(slice);
  // Hints go with the change: those that are due are set afterwards.
  else if (changed) packing.update.push({ ...jsonCopy(slice), endpoints: kept.map(jsonCopy) });
  else if (outdated(slice)) packing.update.push(jsonCopy(slice));
  else packing.unchanged.push(slice);
}

function fillUpdated(update: readonly EndpointSlice[], wanted: Map<string, Endpoint>, max: number): void {
  for (const slice of [...update].sort((a, b) => sizeOf(b) - sizeOf(a))) fill(slice, wanted, max);
}

function fillOthers(
  packing: Packing,
  wanted: Map<string, Endpoint>,
  { max, newSlice }: { max: number; newSlice: () => EndpointSlice },
): void {
  while (wanted.size > 0) {
    const fits = wanted.size < max ? fullestThatFits(packing.unchanged, wanted.size, max) : undefined;
    const slice = fits ? jsonCopy(fits) : newSlice();
    if (fits) {
      packing.unchanged.splice(packing.unchanged.indexOf(fits), 1);
      packing.update.push(slice);
    } else {
      packing.create.push(slice);
    }
    fill(slice, wanted, max);
  }
}

function fill(slice: EndpointSlice, wanted: Map<string, Endpoint>, max: number): void {
  slice.endpoints ??= [];
  for (const [key, endpoint] of wanted) {
    if (slice.endpoints.length >= max) return;
    slice.endpoints.push(jsonCopy(endpoint));
    wanted.delete(key);
  }
}

/** The slice that takes all of `count` more and is then closest to full. */
function fullestThatFits(
  slices: readonly Readonly<EndpointSlice>[],
  count: number,
  max: number,
): Readonly<EndpointSlice> | undefined {
  const fitting = slices.filter((slice) => sizeOf(slice) + count <= max);
  return fitting.sort((a, b) => sizeOf(b) - sizeOf(a))[0];
}

function sizeOf(slice: Readonly<EndpointSlice>): number {
  return slice.endpoints?.length ?? 0;
}
