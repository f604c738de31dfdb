// Which pods go first when there are too many (upstream controller.ActivePodsWithRanks).

import { isPodReady, isSidecar } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { table } from '../../apimachinery/table.ts';
import { isPodActive, podCondition } from './pods.ts';

const phaseOrder = table<number>({ Pending: 0, Unknown: 1, Running: 2 });
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';

/** The pods in the order in which they are deleted. `now` in milliseconds since the epoch. */
export function deletionOrder(
  pods: readonly Readonly<Pod>[],
  related: readonly Readonly<Pod>[],
  now: number,
): Readonly<Pod>[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const { nodeName } = pod.spec;
    if (nodeName && isPodActive(pod)) onNode.set(nodeName, (onNode.get(nodeName) ?? 0) + 1);
  }
  const rank = (pod: Readonly<Pod>) => onNode.get(pod.spec.nodeName ?? '') ?? 0;
  const comparisons: ((a: Readonly<Pod>, b: Readonly<Pod>) => number)[] = [
    // Not yet on a node before on a node.
    (a, b) => Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)),
    (a, b) => (phaseOrder[a.status?.phase ?? 'Pending'] ?? 0) - (phaseOrder[b.status?.phase ?? 'Pending'] ?? 0),
    (a, b) => Number(isPodReady(a)) - Number(isPodReady(b)),
    (a, b) => costOf(a) - costOf(b),
    // From the node with the most of them.
    (a, b) => rank(b) - rank(a),
    (a, b) => younger(readyFor(a, now), readyFor(b, now)),
    (a, b) => restartsOf(b) - restartsOf(a),
    (a, b) => sidecarRestartsOf(b) - sidecarRestartsOf(a),
    (a, b) => younger(ageOf(a, now), ageOf(b, now)),
    (a, b) => (a.metadata.name < b.metadata.name ? -1 : 1),
  ];
  return [...pods].sort((a, b) => {
    for (const compare of comparisons) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  });
}

/** A whole number of 32 bits without leading zeros or a plus sign; anything else is as good as none. */
function costOf(pod: Readonly<Pod>): number {
  const text = pod.metadata.annotations?.[deletionCost] ?? '0';
  if (!/^(?:0|-?[1-9][0-9]{0,9})$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

/** Upstream compares ages by their binary logarithm, so that one among many of about the same age is picked by chance. */
function younger(a: number, b: number): number {
  return logOf(a) - logOf(b);
}

function logOf(milliseconds: number): number {
  return milliseconds < 1000 ? -1 : Math.floor(Math.log2(milliseconds / 1000));
}

function readyFor(pod: Readonly<Pod>, now: number): number {
  const since = isPodReady(pod) ? podCondition(pod, 'Ready')?.lastTransitionTime : undefined;
  return since ? now - Date.parse(since) : 0;
}

function ageOf(pod: Readonly<Pod>, now: number): number {
  const { creationTimestamp } = pod.metadata;
  return creationTimestamp === undefined ? 0 : now - Date.parse(creationTimestamp);
}

function restartsOf(pod: Readonly<Pod>): number {
  return mostRestarts(pod.status?.containerStatuses);
}

function sidecarRestartsOf({ spec, status }: Readonly<Pod>): number {
  const sidecars = new Set(spec.initContainers?.filter(isSidecar).map(({ name }) => name));
  return mostRestarts(status?.initContainerStatuses?.filter(({ name }) => sidecars.has(name)));
}

function mostRestarts(statuses: readonly { readonly restartCount?: number }[] | undefined): number {
  return Math.max(0, ...(statuses ?? []).map((c) => c.restartCount ?? 0));
}
