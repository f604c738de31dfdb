// Topology hints of a Service with the annotation `service.kubernetes.io/topology-mode: Auto` (KEP-2433): each zone gets as
// large a part of the endpoints as it has of the nodes' CPU.
import { isNodeReady } from '../../api/core/v1/node/facts.ts';
import type { Node, Service } from '../../api/core/v1/types.generated.ts';
import type { Endpoint, EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { parseQuantity, quantityMilliValue } from '../../apimachinery/quantity.ts';
import { zoneLabel } from './pod-endpoints.ts';

/** The older name wins where both are there. */
const annotationNames = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];
const excludedRoles = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** How much more than its part an endpoint may get. */
const overloadThreshold = 0.2;

export function wantsTopologyHints({ metadata }: Readonly<Service>): boolean {
  const name = annotationNames.find((one) => metadata.annotations?.[one] !== undefined);
  return /^[Aa]uto$/.test(metadata.annotations?.[name ?? ''] ?? '');
}

/** Parts of the CPU by zone, 0 to 1. */
export type ZoneRatios = ReadonlyMap<string, number>;

/** Undefined when a node that counts tells no zone or no CPU, or when there are not two zones. */
export function zoneRatios(nodes: readonly Readonly<Node>[]): ZoneRatios | undefined {
  const byZone = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    const { metadata, status } = node;
    const labels = metadata.labels ?? {};
    if (excludedRoles.some((role) => labels[role] !== undefined)) continue;
    if (!isNodeReady(node)) continue;
    const zone = labels[zoneLabel];
    const cpu = quantityMilliValue(parseQuantity(String(status?.allocatable?.cpu ?? '0')));
    if (!zone || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (byZone.size < 2) return undefined;
  return new Map([...byZone].sort().map(([zone, cpu]) => [zone, cpu / total]));
}

export interface SlicesOfFamily {
  readonly create: readonly EndpointSlice[];
  /** Slices that must change for their hints come into it. */
  readonly update: EndpointSlice[];
  readonly unchanged: readonly Readonly<EndpointSlice>[];
}

/** Sets hints in place. A text says why there can be none: they are removed then. */
export function setTopologyHints(slices: SlicesOfFamily, ratios: ZoneRatios | undefined): string | undefined {
  const refusal = allocate(slices, ratios);
  if (refusal !== undefined) removeHints(slices);
  return refusal;
}

function removeHints({ create, update, unchanged }: SlicesOfFamily): void {
  for (const slice of unchanged) if (slice.endpoints?.some(({ hints }) => hints)) update.push(jsonCopy(slice));
  for (const slice of [...create, ...update]) for (const endpoint of slice.endpoints ?? []) delete endpoint.hints;
}

function allocate({ create, update, unchanged }: SlicesOfFamily, ratios: ZoneRatios | undefined): string | undefined {
  const count = [...create, ...update, ...unchanged].flatMap(readyEndpoints).length;
  const parts = partsOf(count, ratios);
  if (typeof parts === 'string') return parts;
  const hinted = new Map<string, number>();
  const stale: EndpointSlice[] = [];
  for (const slice of unchanged) {
    const zones = hintsThatMayStay(slice, parts, hinted);
    if (zones) {
      for (const [zone, number] of zones) add(hinted, zone, number);
    } else {
      stale.push(jsonCopy(slice));
    }
  }
  const endpoints = [...create, ...update, ...stale].flatMap((slice) => {
    for (const endpoint of slice.endpoints ?? []) delete endpoint.hints;
    return readyEndpoints(slice);
  });
  for (const endpoint of endpoints) {
    if (!endpoint.zone) return 'One or more endpoints do not have a zone specified';
    hintFor(endpoint, endpoint.zone);
    add(hinted, endpoint.zone, 1);
  }
  redistribute(endpoints, transfers(parts, hinted));
  if (hinted.size === 0) return 'No hints allocated for zones';
  update.push(...stale);
  return undefined;
}

interface Part {
  readonly maximum: number;
  readonly desired: number;
}

/** What each zone is to get; a text where zones would get too little. */
function partsOf(count: number, ratios: ZoneRatios | undefined): ReadonlyMap<string, Part> | string {
  if (!ratios) {
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  }
  const numbers = `(${count} endpoints, ${ratios.size} zones)`;
  if (ratios.size > count) return `Insufficient number of endpoints ${numbers}`;
  // Upstream's own order of the operations, for its roundings.
  const least = 1 / (1 + overloadThreshold);
  const minima = new Map([...ratios].map(([zone, ratio]) => [zone, Math.ceil(ratio * count * least)]));
  const spare = count - [...minima.values()].reduce((sum, one) => sum + one, 0);
  if (spare < 0) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`;
  }
  return new Map(
    [...ratios].map(([zone, ratio]) => {
      const minimum = minima.get(zone) ?? 0;
      return [zone, { maximum: minimum + spare, desired: Math.max(ratio * count, minimum) }];
    }),
  );
}

/** The hints of a slice by zone; undefined where they can not stay as they are. */
function hintsThatMayStay(
  slice: Readonly<EndpointSlice>,
  parts: ReadonlyMap<string, Part>,
  hinted: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | undefined {
  const zones = new Map<string, number>();
  for (const { hints } of readyEndpoints(slice)) {
    if (!hints?.forZones?.length || hints.forZones.some(({ name }) => !parts.has(name))) return undefined;
    for (const { name } of hints.forZones) add(zones, name, 1);
  }
  for (const [zone, number] of zones) {
    if (number + (hinted.get(zone) ?? 0) > (parts.get(zone)?.maximum ?? 0)) return undefined;
  }
  return zones;
}

interface Transfers {
  readonly giving: Map<string, number>;
  readonly receiving: Map<string, number>;
}

/** How many endpoints zones with too many give to those with too few. */
function transfers(parts: ReadonlyMap<string, Part>, hinted: ReadonlyMap<string, number>): Transfers {
  const surplus = new Map<string, number>();
  const lack = new Map<string, number>();
  for (const [zone, { desired }] of parts) {
    const difference = (hinted.get(zone) ?? 0) - desired;
    if (difference > 0) surplus.set(zone, difference);
    else if (difference < 0) lack.set(zone, -difference);
  }
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const [from, toGive] = most(surplus);
    const [to, toReceive] = most(lack);
    // Neither has a whole one, or one of them not even half of one.
    if (Math.max(toGive, toReceive) < 1 || Math.min(toGive, toReceive) < 0.5) return { giving, receiving };
    add(giving, from, 1);
    add(surplus, from, -1);
    add(receiving, to, 1);
    add(lack, to, -1);
  }
}

function redistribute(endpoints: readonly Endpoint[], { giving, receiving }: Transfers): void {
  for (const endpoint of endpoints) {
    const from = endpoint.zone ?? '';
    const to = [...receiving].find(([, number]) => number > 0)?.[0];
    if (to === undefined || (giving.get(from) ?? 0) === 0) continue;
    hintFor(endpoint, to);
    add(giving, from, -1);
    add(receiving, to, -1);
  }
}

function readyEndpoints({ endpoints }: Readonly<EndpointSlice>): Endpoint[] {
  return (endpoints ?? []).filter(({ conditions }) => conditions?.ready === true);
}

function hintFor(endpoint: Endpoint, zone: string): void {
  endpoint.hints = { forZones: [{ name: zone }] };
}

function most(zones: ReadonlyMap<string, number>): readonly [string, number] {
  let best: readonly [string, number] = ['', 0];
  for (const one of zones) if (one[1] > best[1]) best = one;
  return best;
}

function add(counts: Map<string, number>, zone: string, number: number): void {
  counts.set(zone, (counts.get(zone) ?? 0) + number);
}
