// The Node object of this machine, as a pure function of what was found on it.
import type {
  Node,
  NodeCondition,
  NodeFeatures,
  NodeRuntimeHandler,
  NodeStatus,
} from '../../api/core/v1/types.generated.ts';
import { aggregate } from '../../apimachinery/aggregate.ts';
import {
  parseQuantity,
  printQuantity,
  quantityOf,
  quantityValue,
  subtractQuantities,
} from '../../apimachinery/quantity.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { keptFree, type Signal, type Threshold } from '../eviction/thresholds.ts';

export interface NodeFacts {
  readonly nodeName: string;
  readonly nodeIPs: readonly string[];
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly ephemeralStorage: number;
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly machineID: string;
  readonly bootID: string;
  readonly runtimeVersion: string;
  readonly kubeletVersion: string;
  /** What the runtime can do; undefined when it does not tell. */
  readonly features?: NodeFeatures | undefined;
  /** What runs containers, and what that can do; undefined when the runtime is away. */
  readonly runtimeHandlers?: readonly NodeRuntimeHandler[] | undefined;
  readonly images: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
  /** Why the node is not ready; empty when it is. */
  readonly problems: readonly string[];
  /** Conditions that are true because the node runs short of something: `MemoryPressure`. */
  readonly pressures?: readonly string[];
  /** What pods do not get, since the node evicts them before it has so little (kubelet's Node Allocatable). */
  readonly evictionHard?: readonly Threshold[];
}

const maxPods = '110';
const mostImages = 50;
/** Of one image. */
const mostNames = 5;

export function nodeLabels({
  nodeName,
  architecture,
}: Pick<NodeFacts, 'nodeName' | 'architecture'>): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
  };
}

function conditions(facts: NodeFacts, old: readonly NodeCondition[], now: number): NodeCondition[] {
  const ready = facts.problems.length === 0;
  const wanted: readonly (readonly [type: string, status: string, reason: string, message: string])[] = [
    facts.pressures?.includes('MemoryPressure')
      ? ['MemoryPressure', 'True', 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available']
      : ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    facts.pressures?.includes('DiskPressure')
      ? ['DiskPressure', 'True', 'KubeletHasDiskPressure', 'kubelet has disk pressure']
      : ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    facts.pressures?.includes('PIDPressure')
      ? ['PIDPressure', 'True', 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available']
      : ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ready
      ? ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status']
      : ['Ready', 'False', 'KubeletNotReady', aggregate(facts.problems)],
  ];
  const own = wanted.map(([type, status, reason, message]): NodeCondition => {
    const before = old.find((c) => c.type === type);
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: formatTime(now),
      lastTransitionTime:
        before?.status === status && before?.lastTransitionTime ? before.lastTransitionTime : formatTime(now),
    };
  });
  return [...old.filter((c) => !own.some((o) => o.type === c.type)), ...own];
}

const storage = 'ephemeral-storage';

function allocatable(
  { evictionHard = [] }: NodeFacts,
  capacity: Readonly<Record<string, string>>,
): NodeStatus['allocatable'] {
  const left = (name: string, signal: Signal) => {
    const all = parseQuantity(capacity[name] ?? '0');
    const rest = subtractQuantities(all, keptFree(evictionHard, signal, quantityValue(all)));
    return printQuantity(rest.nano < 0n ? quantityOf(0) : rest);
  };
  return { ...capacity, memory: left('memory', 'memory.available'), [storage]: left(storage, 'nodefs.available') };
}

/** `old` is the status as the API has it; conditions of others stay, and so do resources that others advertise: pods may have them. */
export function nodeStatus(facts: NodeFacts, old: NodeStatus | undefined, now: number): NodeStatus {
  const capacity = {
    ...old?.capacity,
    cpu: String(facts.cpus),
    [storage]: `${Math.floor(facts.ephemeralStorage / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${Math.floor(facts.memory / 1024)}Ki`,
    pods: maxPods,
  };
  return {
    addresses: [
      ...facts.nodeIPs.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: facts.nodeName },
    ],
    capacity,
    allocatable: allocatable(facts, capacity),
    conditions: conditions(facts, old?.conditions ?? [], now),
    ...(facts.features && { features: facts.features }),
    // One that tells of none is not told of, but where another told before.
    ...(facts.runtimeHandlers?.length || (facts.runtimeHandlers && old?.runtimeHandlers)
      ? { runtimeHandlers: [...facts.runtimeHandlers] }
      : {}),
    // Nothing listens: the API server asks over the tunnel.
    daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootID,
      containerRuntimeVersion: facts.runtimeVersion,
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: facts.kubeletVersion,
      machineID: facts.machineID,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.machineID,
    },
    images: [...facts.images]
      .sort((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, mostImages)
      .map(({ names, sizeBytes }) => ({ names: names.slice(0, mostNames), sizeBytes })),
  };
}

export function newNode(facts: NodeFacts, podCIDRs: readonly string[] = []): Node {
  const spec = podCIDRs.length > 0 ? { podCIDRs: [...podCIDRs] } : {};
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: facts.nodeName, labels: nodeLabels(facts) }, spec };
}

/** A status without its heartbeat times, to see whether there is something to tell. */
export function withoutHeartbeats(status: NodeStatus | undefined): unknown {
  return { ...status, conditions: status?.conditions?.map((c) => ({ ...c, lastHeartbeatTime: undefined })) };
}
