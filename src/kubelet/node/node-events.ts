// What is said of a Node when its status changes: pure. Reasons and words are the kubelet's (pkg/kubelet/kubelet_node_status.go).
import type { Node, NodeStatus, ObjectReference } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';

/** The kubelet names its node by name where others give the uid: `kubectl describe node` asks for both. */
export function nodeReference(name: string): ObjectReference {
  return { kind: 'Node', apiVersion: 'v1', name, uid: name };
}

export const starting: EventText = { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' };

/** Reasons by condition, when it is true and when it is not. */
const reasons: readonly (readonly [type: string, True: string, False: string])[] = [
  ['MemoryPressure', 'NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  ['DiskPressure', 'NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  ['PIDPressure', 'NodeHasInsufficientPID', 'NodeHasSufficientPID'],
  ['Ready', 'NodeReady', 'NodeNotReady'],
];

/** From the status that the API has to the one that it is told. */
export function nodeEvents(name: string, before: NodeStatus | undefined, now: NodeStatus): EventText[] {
  const events: EventText[] = [];
  const bootID = now.nodeInfo?.bootID ?? '';
  const bootedBefore = before?.nodeInfo?.bootID;
  if (bootedBefore && bootedBefore !== bootID) {
    const message = `Node ${name} has been rebooted, boot id: ${bootID}`;
    events.push({ type: 'Warning', reason: 'Rebooted', message });
  }
  const statusOf = (status: NodeStatus | undefined, type: string) =>
    status?.conditions?.find((condition) => condition.type === type)?.status;
  for (const [type, whenTrue, whenFalse] of reasons) {
    const status = statusOf(now, type);
    const last = statusOf(before, type);
    if (status === last) continue;
    // A new node is not ready at first: that is no news.
    if (type === 'Ready' && last === undefined && status !== 'True') continue;
    events.push(nodeEvent(name, status === 'True' ? whenTrue : whenFalse));
  }
  return events;
}

/** Undefined while nothing changed, and at the first look. */
export function schedulableEvent(node: Node, wasUnschedulable: boolean | undefined): EventText | undefined {
  const isUnschedulable = node.spec?.unschedulable ?? false;
  if (wasUnschedulable === undefined || isUnschedulable === wasUnschedulable) return undefined;
  return nodeEvent(node.metadata.name, isUnschedulable ? 'NodeNotSchedulable' : 'NodeSchedulable');
}

function nodeEvent(name: string, reason: string): EventText {
  return { type: 'Normal', reason, message: `Node ${name} status is now: ${reason}` };
}
