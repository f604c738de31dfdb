// What the EndpointSlices of a Service should be (service-semantics 2.1): the whole decision, as data.

import type { Service } from '../../api/core/v1/types.generated.ts';
import {
  headlessLabel,
  lastChangeTriggerTime,
  managedByLabel,
  serviceNameLabel,
} from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointPort, EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import type { EventText } from '../../client/events.ts';
import { controllerReference, isControlledBy } from '../shared/owners.ts';
import { sliceNamePrefix } from '../shared/service-slices.ts';
import { isHeadless } from '../shared/services.ts';
import type { GroupSize, SyncFigures } from '../shared/slice-metrics.ts';
import { setHints } from './hints.ts';
import type { FamilyFigures } from './metrics.ts';
import { pack } from './pack.ts';
import { type PodEndpointsInput, podEndpoints, portsKey } from './pod-endpoints.ts';
import { type SlicesOfFamily, setTopologyHints, wantsTopologyHints, type ZoneRatios } from './topology-hints.ts';

export const managedBy = 'endpointslice-controller.k8s.io';
/** Upstream's default. */
export const maxEndpointsPerSlice = 100;
const reservedLabels = [serviceNameLabel, managedByLabel, headlessLabel];

export interface ReconcileInput extends PodEndpointsInput {
  /** All slices of the Service that this controller manages. */
  readonly slices: readonly Readonly<EndpointSlice>[];
  /** 1 to 1000. */
  readonly maxEndpointsPerSlice: number;
  /** RFC 3339; absent when nothing new triggered this. */
  readonly triggerTime?: string | undefined;
  /** For topology-mode Auto: parts of the nodes' CPU by zone. Undefined: not enough is known. */
  readonly zoneRatios?: ZoneRatios | undefined;
  /** Whether endpoints had topology-mode hints when this was last decided. */
  readonly hadTopologyHints?: boolean;
}

export interface SliceChanges {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly delete: Readonly<EndpointSlice>[];
  /** Nodes that must appear before all pods can be endpoints: try again then. */
  readonly missingNodes: readonly string[];
  /** What is to be told of topology-mode hints. */
  readonly events: readonly EventText[];
  readonly hasTopologyHints: boolean;
  /** For those who count; one for each family of the Service. */
  readonly figures: readonly FamilyFigures[];
}

interface FamilyChanges {
  create: EndpointSlice[];
  update: EndpointSlice[];
  delete: Readonly<EndpointSlice>[];
}

export function reconcile(input: ReconcileInput): SliceChanges {
  const families = familiesOf(input.service);
  const slices = input.slices.filter((slice) => slice.metadata.deletionTimestamp === undefined);
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const doomed: Readonly<EndpointSlice>[] = slices.filter((slice) => !families.includes(slice.addressType));
  const missingNodes = new Set<string>();
  const events: EventText[] = [];
  const figures: FamilyFigures[] = [];
  let hasTopologyHints = input.hadTopologyHints ?? false;
  for (const family of families) {
    const { groups, missingNodes: missing } = podEndpoints(input, family);
    for (const node of missing) missingNodes.add(node);
    const existing = slices.filter((slice) => slice.addressType === family);
    const { changes, unchanged, ...counted } = reconcileFamily(input, family, groups, existing);
    const hints = applyHints(input, { ...changes, unchanged }, hasTopologyHints);
    hasTopologyHints = hints.hasTopologyHints;
    for (const { message, ...event } of hints.events) {
      events.push({ ...event, message: `${message}, addressType: ${family}` });
    }
    figures.push({ ...counted, changed: changes.create.length + changes.update.length + changes.delete.length });
    create.push(...changes.create);
    update.push(...changes.update);
    doomed.push(...changes.delete);
  }
  for (const slice of [...create, ...update]) stamp(slice, input.triggerTime);
  const deleting = input.service.metadata.deletionTimestamp !== undefined;
  return {
    create: deleting ? [] : create,
    update,
    delete: doomed,
    missingNodes: [...missingNodes],
    events,
    hasTopologyHints,
    figures,
  };
}

const disabled = { type: 'Warning', reason: 'TopologyAwareHintsDisabled' } as const;
const enabled = { type: 'Normal', reason: 'TopologyAwareHintsEnabled' } as const;

/** Sets the hints of the slices in place. The annotation for topology-mode comes before `spec.trafficDistribution`. */
function applyHints(
  { service, zoneRatios }: ReconcileInput,
  slices: SlicesOfFamily,
  had: boolean,
): Pick<SliceChanges, 'events' | 'hasTopologyHints'> {
  if (wantsTopologyHints(service)) {
    const refusal = setTopologyHints(slices, zoneRatios);
    if (refusal !== undefined) return { events: [{ ...disabled, message: refusal }], hasTopologyHints: false };
    const message = 'Topology Aware Hints has been enabled';
    return { events: had ? [] : [{ ...enabled, message }], hasTopologyHints: true };
  }
  const { create, update, unchanged } = slices;
  for (const slice of [...create, ...update]) setHints(service, slice);
  for (const slice of unchanged) {
    const copy = jsonCopy(slice);
    if (setHints(service, copy)) update.push(copy);
  }
  const message = 'Topology Aware Hints has been disabled';
  return { events: had ? [{ ...disabled, message }] : [], hasTopologyHints: false };
}

function reconcileFamily(
  input: ReconcileInput,
  family: string,
  groups: ReturnType<typeof podEndpoints>['groups'],
  existing: readonly Readonly<EndpointSlice>[],
): { readonly changes: FamilyChanges; readonly unchanged: readonly Readonly<EndpointSlice>[] } & SyncFigures {
  const { service, maxEndpointsPerSlice: max } = input;
  const labels = labelsOf(service);
  const newSlice = (ports: EndpointPort[]) => sliceOf(service, family, ports);
  const outdated = (slice: Readonly<EndpointSlice>) => !jsonEqual(slice.metadata.labels, labels);
  const owned = existing.filter((slice) => isControlledBy(slice, service));
  const changes: FamilyChanges = { create: [], update: [], delete: existing.filter((slice) => !owned.includes(slice)) };
  const unchanged: Readonly<EndpointSlice>[] = [];
  const sizes = new Map<string, GroupSize>();
  let [added, removed] = [0, 0];
  const keyOf = (slice: Readonly<EndpointSlice>) => portsKey(slice.ports ?? []);
  changes.delete.push(...owned.filter((slice) => !groups.has(keyOf(slice))));
  for (const [key, group] of groups) {
    const mine = owned.filter((slice) => keyOf(slice) === key);
    const packing = pack({ group, existing: mine, max, newSlice, outdated });
    changes.create.push(...packing.create);
    changes.update.push(...packing.update);
    changes.delete.push(...packing.delete);
    unchanged.push(...packing.unchanged);
    added += packing.added;
    removed += packing.removed;
    const slices = mine.length + packing.create.length - packing.delete.length;
    sizes.set(key, { endpoints: group.endpoints.length, slices });
  }
  if (keepPlaceholder(changes, existing, newSlice([]))) sizes.set(portsKey([]), { endpoints: 0, slices: 1 });
  for (const slice of changes.update) slice.metadata.labels = { ...labels };
  reuseDoomed(changes, service);
  return { changes, unchanged, added, removed, groups: [...sizes.values()] };
}

/** A Service without endpoints keeps one empty slice per family, so that readers tell "none" from "not yet". Is it one? */
function keepPlaceholder(
  changes: FamilyChanges,
  existing: readonly Readonly<EndpointSlice>[],
  placeholder: EndpointSlice,
): boolean {
  if (existing.length !== changes.delete.length || changes.create.length > 0) return false;
  const [only] = changes.delete;
  if (changes.delete.length === 1 && only && isPlaceholder(only, placeholder)) changes.delete = [];
  else changes.create.push(placeholder);
  return true;
}

function isPlaceholder(slice: Readonly<EndpointSlice>, placeholder: EndpointSlice): boolean {
  return (
    (slice.endpoints ?? []).length === 0 &&
    (slice.ports ?? []).length === 0 &&
    jsonEqual(slice.metadata.labels, placeholder.metadata.labels) &&
    jsonEqual(slice.metadata.ownerReferences, placeholder.metadata.ownerReferences)
  );
}

/** Instead of deleting one slice and creating another, changes the one that is there. */
function reuseDoomed(changes: FamilyChanges, service: Readonly<Service>): void {
  for (const doomed of [...changes.delete]) {
    if (changes.create.length === 0) return;
    if (!isControlledBy(doomed, service)) continue;
    const wanted = changes.create.shift();
    if (!wanted) return;
    const metadata = { ...jsonCopy(doomed.metadata), labels: wanted.metadata.labels ?? {} };
    changes.update.push({ ...wanted, metadata });
    changes.delete.splice(changes.delete.indexOf(doomed), 1);
  }
}

function sliceOf(service: Readonly<Service>, addressType: string, ports: EndpointPort[]): EndpointSlice {
  const { name, namespace = '' } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: sliceNamePrefix(name),
      namespace,
      labels: labelsOf(service),
      ownerReferences: [controllerReference(service, { apiVersion: 'v1', kind: 'Service' })],
    },
    addressType,
    endpoints: [],
    ports: ports.map(jsonCopy),
  };
}

/** The Service's labels, and those that say whose slice it is. */
function labelsOf(service: Readonly<Service>): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(service.metadata.labels ?? {})) {
    if (!reservedLabels.includes(key)) labels[key] = value;
  }
  if (isHeadless(service)) labels[headlessLabel] = '';
  labels[serviceNameLabel] = service.metadata.name;
  labels[managedByLabel] = managedBy;
  return labels;
}

/** The families to make slices for: the Service's, or for one from before dual stack that of its address. */
function familiesOf({ spec }: Readonly<Service>): readonly string[] {
  if (spec.ipFamilies && spec.ipFamilies.length > 0) return spec.ipFamilies;
  const { clusterIP } = spec;
  if (clusterIP && clusterIP !== 'None') return [clusterIP.includes(':') ? 'IPv6' : 'IPv4'];
  return ['IPv4', 'IPv6'];
}

function stamp(slice: EndpointSlice, triggerTime: string | undefined): void {
  const { [lastChangeTriggerTime]: _, ...others } = slice.metadata.annotations ?? {};
  const annotations = triggerTime === undefined ? others : { ...others, [lastChangeTriggerTime]: triggerTime };
  if (Object.keys(annotations).length > 0) slice.metadata.annotations = annotations;
  else delete slice.metadata.annotations;
}
