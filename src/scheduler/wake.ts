// Which change in the cluster may help a pod that found no node: pure. As upstream's queueing hints, a change is told only to the
// plugins that refused the pod, and each says whether it could now think otherwise. In doubt the answer is yes.
import { matchesNodeAffinity, tolerates, untoleratedTaint } from '../api/core/v1/node/placement.ts';
import { claimNameOf, clash, hostPortsOf } from '../api/core/v1/pod/facts.ts';
import type { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/core/v1/types.generated.ts';
import type { CSINode, StorageClass, VolumeAttachment } from '../api/storage/v1/types.generated.ts';
import { jsonEqual } from '../apimachinery/json/value.ts';
import { ownValue } from '../apimachinery/table.ts';
import { affinityTerms, type PreparedTerm } from './affinity-terms.ts';
import { unschedulableTaint } from './filter/taints.ts';
import { podMatcher, requiredConstraints } from './filter/topology-spread.ts';
import { driverOfInline } from './filter/volume-limits.ts';
import { conflicts } from './filter/volume-restrictions.ts';
import type { PluginName, PodContext } from './plugin.ts';
import { amountsOf, podRequests } from './pod-resources.ts';

interface Objects {
  readonly node: Node;
  /** That has a node, or is to have one that room is made on. */
  readonly pod: Pod;
  readonly namespace: Namespace;
  readonly claim: PersistentVolumeClaim;
  readonly volume: PersistentVolume;
  readonly storageClass: StorageClass;
  readonly csiNode: CSINode;
  readonly attachment: VolumeAttachment;
}
type Kind = keyof Objects;

/** What came has no `old`, what went has no `now`. */
interface Seen<T> {
  readonly now?: Readonly<T> | undefined;
  readonly old?: Readonly<T> | undefined;
}

export type Change = { readonly [K in Kind]: { readonly kind: K } & Seen<Objects[K]> }[Kind];
export type Changes = ReadonlyMap<Kind, readonly Change[]>;

interface Waiting {
  readonly pod: Readonly<Pod>;
  readonly namespaceLabels: PodContext['namespaceLabels'];
}

type Hints = { readonly [K in Kind]?: (waiting: Waiting, seen: Seen<Objects[K]>) => boolean };

export function byKind(changes: readonly Change[]): Changes {
  return Map.groupBy(changes, ({ kind }) => kind);
}

/** Whether one of the changes may help a pod that these plugins refused. */
export function mayHelp(plugins: Iterable<PluginName>, waiting: Waiting, changes: Changes): boolean {
  for (const plugin of plugins) {
    for (const [kind, list] of changes) {
      const hint = hintsOf[plugin][kind] as ((waiting: Waiting, seen: Seen<never>) => boolean) | undefined;
      if (hint && list.some((change) => hint(waiting, change as Seen<never>))) return true;
    }
  }
  return false;
}

/** Whether the change makes true of an object what was not so. */
function becomes<T>({ now, old }: Seen<T>, is: (one: Readonly<T>) => boolean): boolean {
  return now !== undefined && is(now) && !(old && is(old));
}

const came = ({ now, old }: Seen<unknown>) => now !== undefined && old === undefined;
const relabelled = ({ now, old }: Seen<Node | Namespace>) =>
  now !== undefined && !jsonEqual(now.metadata.labels ?? {}, old?.metadata.labels);

const ofItsClaims: Hints['claim'] = ({ pod }, { now }) =>
  now?.metadata.namespace === pod.metadata.namespace &&
  (pod.spec.volumes ?? []).some((volume) => claimNameOf(pod, volume) === now?.metadata.name);

const hintsOf: Readonly<Record<PluginName, Hints>> = {
  // Nothing here allocates devices; only nodes that are played do without.
  DynamicResources: { node: (_, seen) => came(seen) },
  InterPodAffinity: {
    node: affinityDomainsMayChange,
    pod: affinityMayChange,
    // Terms may choose namespaces by their labels.
    namespace: (_, seen) => relabelled(seen),
  },
  NodeAffinity: { node: ({ pod }, seen) => becomes(seen, (node) => matchesNodeAffinity(pod.spec, node)) },
  NodeName: { node: (_, seen) => came(seen) },
  NodePorts: {
    node: (_, seen) => came(seen),
    pod: ({ pod }, { now, old }) => {
      const wanted = hostPortsOf(pod);
      return !now && old !== undefined && hostPortsOf(old).some((port) => wanted.some((w) => clash(port, w)));
    },
  },
  NodeResourcesFit: { node: resourcesGrow, pod: resourcesAreFreed },
  NodeUnschedulable: {
    node: ({ pod }, seen) =>
      becomes(
        seen,
        ({ spec }) => !spec?.unschedulable || !!pod.spec.tolerations?.some((t) => tolerates(t, unschedulableTaint)),
      ),
  },
  NodeVolumeLimits: {
    node: (_, seen) => came(seen),
    csiNode: (_, { now, old }) =>
      !old ||
      !!now?.spec.drivers?.some(({ name, allocatable }) => {
        const before = old.spec.drivers?.find((driver) => driver.name === name)?.allocatable?.count;
        return (allocatable?.count ?? Number.POSITIVE_INFINITY) > (before ?? Number.POSITIVE_INFINITY);
      }),
    pod: (_, { now, old }) =>
      !now && !!old?.spec.volumes?.some((v) => claimNameOf(old, v) !== undefined || driverOfInline(v) !== undefined),
    claim: (waiting, seen) => came(seen) && ofItsClaims(waiting, seen),
    attachment: ({ pod }, { now, old }) =>
      !now &&
      !!pod.spec.volumes?.some((v) => claimNameOf(pod, v) !== undefined || driverOfInline(v) === old?.spec.attacher),
  },
  PodTopologySpread: { node: domainsMayChange, pod: countsMayChange },
  TaintToleration: {
    node: ({ pod }, seen) =>
      becomes(seen, ({ spec }) => !untoleratedTaint(pod.spec.tolerations, spec?.taints, ['NoSchedule', 'NoExecute'])),
  },
  VolumeBinding: {
    node: (_, seen) => relabelled(seen),
    claim: ofItsClaims,
    volume: (_, { now }) => now !== undefined,
    storageClass: (_, { now, old }) => !!now && !(old && jsonEqual(now.allowedTopologies, old.allowedTopologies)),
  },
  VolumeRestrictions: {
    node: (_, seen) => came(seen),
    pod: ({ pod }, { now, old }) => !now && old !== undefined && sharesVolumes(pod, old),
    claim: (waiting, seen) => came(seen) && ofItsClaims(waiting, seen),
  },
  VolumeZone: {
    node: (_, seen) => relabelled(seen),
    claim: ofItsClaims,
    volume: (_, { now, old }) => !!now && !(old && jsonEqual(now.metadata.labels, old.metadata.labels)),
  },
};

function hasKey(node: Readonly<Node> | undefined, key: string): boolean {
  return ownValue(node?.metadata.labels, key) !== undefined;
}

/** Which labels of a node that is there put it, or its pods, in a domain of the pod or of others is not known here. */
function affinityDomainsMayChange({ pod }: Waiting, { now, old }: Seen<Node>): boolean {
  if (old) return relabelled({ now, old });
  const { required } = affinityTerms(pod);
  return required.length === 0 || required.some(({ topologyKey }) => hasKey(now, topologyKey));
}

/** One that it wants near comes, or one goes that it wants far or that kept it away. */
function affinityMayChange({ pod, namespaceLabels }: Waiting, seen: Seen<Pod>): boolean {
  const { required, requiredAnti } = affinityTerms(pod);
  const matches = (term: PreparedTerm, other: Readonly<Pod>) => term.matches(other, namespaceLabels);
  const isWanted = (other: Readonly<Pod>) => required.length > 0 && required.every((term) => matches(term, other));
  const isLost = (is: (other: Readonly<Pod>) => boolean) => becomes({ now: seen.old, old: seen.now }, is);
  return (
    becomes(seen, isWanted) ||
    requiredAnti.some((term) => isLost((other) => matches(term, other))) ||
    isLost((other) => affinityTerms(other).requiredAnti.some((term) => matches(term, pod))) ||
    // When the last of its like goes it may be the first of them, and go anywhere.
    (isWanted(pod) && isLost(isWanted))
  );
}

function resourcesGrow({ pod }: Waiting, { now, old }: Seen<Node>): boolean {
  if (!now) return false;
  const there = amountsOf(now.status?.allocatable);
  const wanted = Object.entries(podRequests(pod)).filter(([, amount]) => amount > 0);
  if ((there.pods ?? 0) < 1 || wanted.some(([name, amount]) => amount > (there[name] ?? 0))) return false;
  if (!old) return true;
  const before = amountsOf(old.status?.allocatable);
  return ['pods', ...wanted.map(([name]) => name)].some((name) => (there[name] ?? 0) > (before[name] ?? 0));
}

/** By a pod that goes, or takes less of what the pod wants. */
function resourcesAreFreed({ pod }: Waiting, { now, old }: Seen<Pod>): boolean {
  if (!now) return true;
  if (!old) return false;
  const [taken, before] = [podRequests(now), podRequests(old)];
  return Object.entries(podRequests(pod)).some(
    ([name, amount]) => amount > 0 && (taken[name] ?? 0) < (before[name] ?? 0),
  );
}

function domainsMayChange({ pod }: Waiting, { now, old }: Seen<Node>): boolean {
  const keys = requiredConstraints(pod).map(({ topologyKey }) => topologyKey);
  const counts = (node: Readonly<Node> | undefined) => keys.every((key) => hasKey(node, key));
  if (!counts(now) && !counts(old)) return false;
  if (!now || !old) return true;
  return relabelled({ now, old }) || !jsonEqual(now.spec?.taints, old.spec?.taints);
}

function countsMayChange({ pod }: Waiting, { now, old }: Seen<Pod>): boolean {
  return requiredConstraints(pod).some((constraint) => {
    const isCounted = podMatcher(pod, constraint);
    return !!(now && isCounted(now)) !== !!(old && isCounted(old));
  });
}

function sharesVolumes(pod: Readonly<Pod>, other: Readonly<Pod>): boolean {
  const inOneNamespace = pod.metadata.namespace === other.metadata.namespace;
  return (pod.spec.volumes ?? []).some((own) =>
    other.spec.volumes?.some((its) => {
      const claim = own.persistentVolumeClaim?.claimName;
      const isSame = inOneNamespace && claim !== undefined && claim === its.persistentVolumeClaim?.claimName;
      return isSame || conflicts(own, its);
    }),
  );
}
