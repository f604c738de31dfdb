// What the network would be like after a change of objects: a comparison of two worlds, each worked out by the same pure
// functions that the controllers, the proxy and DNS run by.

import type { Node, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { isObject, jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { renderTable } from '../../nftables/render.ts';
import { rulesText } from '../../proxy/offline.ts';
import { ServiceView } from '../../proxy/service-view.ts';
import type { ProxySettings } from '../../proxy/settings.ts';
import { lineChanges } from '../line-changes.ts';
import { type Asked, lostConnections } from '../live/connections.ts';
import { idOf } from '../object-id.ts';
import { bothFamilies, sharesOf } from '../shares.ts';
import { policyTablesOfNodes } from '../trace/policies.ts';
import { withLoadBalancers } from './load-balancers.ts';
import type { LoadBalancerChange, NetworkPlan, NodeRules, ObjectChange, Placeholder, ShareChange } from './plan.ts';
import { compareReach } from './reach.ts';
import { zoneRecords } from './records.ts';
import { withSlices } from './slices.ts';
import { settleWorkloads, workloadKinds } from './workloads.ts';

export interface PlanRequest {
  readonly before: readonly KubeObject[];
  /** The objects once the change is made; EndpointSlices of Services with a selector are worked out. */
  readonly after: readonly KubeObject[];
  readonly placeholders?: readonly Placeholder[];
  /** What is not known of the worlds themselves, in sentences. */
  readonly notes?: readonly string[];
  readonly settings: ProxySettings;
  readonly clusterDomain: string;
  /** Milliseconds since the epoch: which pods go first depends on their age. */
  readonly now: number;
  /** Asks the nodes for their connections; absent where there are no nodes to ask. */
  readonly connections?: () => Promise<Asked>;
}

/** Kinds whose network the plan knows; what controllers make of others is not foreseen. */
const known = [
  ...['Node', 'Pod', 'Service', 'EndpointSlice', 'Namespace', 'NetworkPolicy', 'LoadBalancerPool'],
  ...workloadKinds,
  // Nothing of the network is made of these.
  ...['ConfigMap', 'Secret', 'ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'],
  ...['CustomResourceDefinition', 'LimitRange', 'ResourceQuota', 'PersistentVolume', 'PersistentVolumeClaim'],
  ...['PodDisruptionBudget', 'PriorityClass', 'StorageClass'],
];

export async function planChange(request: PlanRequest): Promise<NetworkPlan> {
  const { before, settings, clusterDomain, placeholders = [] } = request;
  const { settled, objects: after, loadBalancers, notes } = foreseen(request);
  const objects = compareObjects(before, settled);
  const slices = compareObjects(ofSlices(settled), ofSlices(after));
  const unforeseen = [...new Set(objects.map(({ object }) => object.split(' ')[0] ?? ''))].filter(
    (kind) => !known.includes(kind),
  );
  const shares = compareShares(allShares(before), allShares(after));
  // Nodes are asked only where somebody may lose something.
  const isLosing = shares.some((share) => share.before > 0 && share.after === 0);
  const asked = isLosing ? await request.connections?.() : undefined;
  return {
    objects,
    slices,
    records: lineChanges(zoneRecords(before, clusterDomain), zoneRecords(after, clusterDomain)),
    rules: await compareRules(before, after, settings),
    shares,
    connections: lostConnections(shares, asked?.connections ?? []),
    reach: compareReach(before, after, clusterDomain),
    placeholders,
    // One that waited before, and still does, is no change.
    loadBalancers: changedBalancers(before, loadBalancers),
    notes: [
      ...(request.notes ?? []),
      ...notes,
      ...unforeseen.map((kind) => `what controllers make of objects of kind ${kind} (pods, slices) is not foreseen`),
      ...(asked && asked.silent.length > 0 ? [`${asked.silent.join(', ')} did not tell of connections`] : []),
    ],
  };
}

interface Foreseen {
  /** Without what controllers write. */
  readonly settled: readonly KubeObject[];
  readonly objects: readonly KubeObject[];
  readonly loadBalancers: readonly LoadBalancerChange[];
  readonly notes: readonly string[];
}

/** The objects once controllers have done what they do about the change. */
export function foreseen({ before, after, now }: Pick<PlanRequest, 'before' | 'after' | 'now'>): Foreseen {
  const { objects: settled, notes } = settleWorkloads(before, after, now);
  const balanced = withLoadBalancers(settled);
  return { settled, objects: withSlices(balanced.objects, before), loadBalancers: balanced.changes, notes };
}

function changedBalancers(
  before: readonly KubeObject[],
  changes: readonly LoadBalancerChange[],
): readonly LoadBalancerChange[] {
  if (changes.length === 0) return changes;
  const known = new Set(withLoadBalancers(before).changes.map((change) => JSON.stringify(change)));
  return changes.filter((change) => !known.has(JSON.stringify(change)));
}

const ofSlices = (objects: readonly KubeObject[]) => objects.filter(({ kind }) => kind === 'EndpointSlice');

function compareObjects(before: readonly KubeObject[], after: readonly KubeObject[]): ObjectChange[] {
  const old = new Map(before.map((object) => [idOf(object), object]));
  const now = new Map(after.map((object) => [idOf(object), object]));
  const changes: ObjectChange[] = [];
  for (const [object, value] of now) {
    const was = old.get(object);
    if (!was) changes.push({ change: 'created', object, fields: [] });
    else {
      const fields: ObjectChange['fields'][number][] = [];
      compareFields(was, value, { path: '', into: fields });
      if (fields.length > 0) changes.push({ change: 'changed', object, fields });
    }
  }
  for (const object of old.keys()) if (!now.has(object)) changes.push({ change: 'deleted', object, fields: [] });
  return changes;
}

/** What servers count and note by themselves is no change. */
const noise = new Set(['metadata.managedFields', 'metadata.resourceVersion', 'metadata.generation']);

interface Walk {
  readonly path: string;
  readonly into: { path: string; before: unknown; after: unknown }[];
}

function compareFields(before: unknown, after: unknown, { path, into }: Walk): void {
  if (noise.has(path) || jsonEqual(before, after)) return;
  if (!isObject(before) || !isObject(after)) {
    into.push({ path, before, after });
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compareFields(ownValue(before, key), ownValue(after, key), { path: path === '' ? key : `${path}.${key}`, into });
  }
}

function nodeNames(objects: readonly KubeObject[]): string[] {
  return objects.filter(({ kind }) => kind === 'Node').map(({ metadata }) => metadata.name);
}

async function compareRules(
  before: readonly KubeObject[],
  after: readonly KubeObject[],
  settings: ProxySettings,
): Promise<NodeRules[]> {
  const [oldLines, newLines] = [linesOfNodes(before, settings), linesOfNodes(after, settings)];
  const changes: NodeRules[] = [];
  const remaining = new Set(nodeNames(after));
  for (const node of nodeNames(before)
    .filter((name) => remaining.has(name))
    .sort()) {
    // An API server that works out a plan answers others meanwhile.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const change = lineChanges(await oldLines(node), await newLines(node));
    if (change.added.length + change.removed.length > 0) changes.push({ node, ...change });
  }
  return changes;
}

/** The proxy's rules of a node, and of the tables that NetworkPolicies make beside them. */
function linesOfNodes(
  objects: readonly KubeObject[],
  settings: ProxySettings,
): (nodeName: string) => Promise<string[]> {
  const tables = policyTablesOfNodes(objects);
  return async (nodeName) => [
    ...(await rulesText({ objects, nodeName, settings, families: bothFamilies })).split('\n'),
    ...bothFamilies.flatMap((family) => tables(nodeName, family).flatMap((table) => renderTable(table).split('\n'))),
  ];
}

type Shares = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** By port and endpoint, how much of the cluster-internal traffic goes there when every node sends alike. */
function allShares(objects: readonly KubeObject[]): Shares {
  const view = new ServiceView();
  for (const object of objects) {
    if (object.kind === 'Service') view.setService(object as Service);
    if (object.kind === 'EndpointSlice') view.setSlice(object as EndpointSlice);
  }
  const nodes = objects.filter((object): object is Node => object.kind === 'Node');
  const all = new Map<string, Map<string, number>>();
  for (const name of view.names()) {
    for (const { servicePort, shares } of sharesOf(view, name, nodes)) {
      all.set(servicePort.name, new Map([...(all.get(servicePort.name) ?? []), ...shares]));
    }
  }
  return all;
}

function compareShares(before: Shares, after: Shares): ShareChange[] {
  const changes: ShareChange[] = [];
  for (const servicePort of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, now] = [before.get(servicePort), after.get(servicePort)];
    for (const endpoint of [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].sort()) {
      const change = { servicePort, endpoint, before: old?.get(endpoint) ?? 0, after: now?.get(endpoint) ?? 0 };
      if (Math.abs(change.before - change.after) > 1e-9) changes.push(change);
    }
  }
  return changes;
}
