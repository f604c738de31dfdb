// Requests and limits as the kernel's cgroups count them, and the quality of service class that follows from them.

import type { Container, Pod, ResourceRequirements } from '../../api/core/v1/types.generated.ts';
import { parseQuantity, quantityMilliValue, quantityValue } from '../../apimachinery/quantity.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { LinuxContainerResources } from '../cri/messages.ts';

export type QOSClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const resources = ['cpu', 'memory'] as const;

function amount(list: Readonly<Record<string, string>> | undefined, resource: string): number {
  const text = list?.[resource];
  return text === undefined ? 0 : quantityMilliValue(parseQuantity(text));
}

/** What a container asks for: its request, or where it has none its limit (as the API's defaults do). */
function requestOf(requirements: ResourceRequirements | undefined, resource: string): number {
  return amount(requirements?.requests, resource) || amount(requirements?.limits, resource);
}

/** kubernetes.io/docs/concepts/workloads/pods/pod-qos: from requests and limits of cpu and memory of all containers. */
export function qosClass(pod: Pod): QOSClass {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const container of containers) {
    for (const resource of resources) {
      const request = requestOf(container.resources, resource);
      const limit = amount(container.resources?.limits, resource);
      if (request > 0 || limit > 0) any = true;
      if (limit === 0 || request !== limit) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** The pod's cgroup below the node's: Guaranteed pods lie directly in it, the others in their class. */
export function podCgroup(root: string, pod: Pod): string {
  const qos = qosClass(pod);
  const parent = qos === 'Guaranteed' ? root : `${root}/${qos.toLowerCase()}`;
  return `${parent}/pod${pod.metadata.uid}`;
}

const cpuPeriod = 100_000;

/** cpu.shares of a request in thousandths of a core; at least 2, at most 262144. */
function cpuShares(milliCPU: number): number {
  return Math.min(Math.max(Math.floor((milliCPU * 1024) / 1000), 2), 262_144);
}

/** Higher is killed earlier when the node runs out of memory (kubelet's qos policy). */
function oomScoreAdj(pod: Pod, container: Container, nodeMemory: number): number {
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = requestOf(container.resources, 'memory') / 1000;
  return Math.min(Math.max(Math.floor(1000 - (1000 * request) / nodeMemory), 3), 999);
}

/** What of the node decides over a container's resources. */
export interface NodeResources {
  /** The node's capacity in bytes. */
  readonly nodeMemory: number;
  /** Its cgroups are of version 2. */
  readonly isUnified: boolean;
}

export function containerResources(
  pod: Pod,
  container: Container,
  { nodeMemory, isUnified }: NodeResources,
): LinuxContainerResources {
  const cpuLimit = amount(container.resources?.limits, 'cpu');
  const memoryLimit = container.resources?.limits?.memory;
  return {
    cpuShares: cpuShares(requestOf(container.resources, 'cpu')),
    ...(cpuLimit > 0 && { cpuPeriod, cpuQuota: Math.max(Math.ceil((cpuLimit * cpuPeriod) / 1000), 1000) }),
    ...(memoryLimit !== undefined && { memoryLimitInBytes: quantityValue(parseQuantity(memoryLimit)) }),
    oomScoreAdj: oomScoreAdj(pod, container, nodeMemory),
    // A container that outgrows its memory is killed whole, as upstream's kubelet has it (singleProcessOOMKill).
    ...(isUnified && { unified: { 'memory.oom.group': '1' } }),
  };
}

/** The value of a resourceFieldRef (`limits.cpu`, …), in units of its divisor, rounded up; limits fall back to the node's. */
export function resourceField(
  container: Container,
  reference: { readonly resource: string; readonly divisor?: string },
  allocatable: Readonly<Record<string, string>>,
): string {
  const [kind = '', name = ''] = splitOnce(reference.resource, '.');
  const lists = container.resources ?? {};
  const set =
    kind === 'limits' ? (ownValue(lists.limits, name) ?? ownValue(allocatable, name)) : ownValue(lists.requests, name);
  const divisor = parseQuantity(reference.divisor && reference.divisor !== '0' ? reference.divisor : '1').nano;
  const value = parseQuantity(set ?? '0').nano;
  return String((value + divisor - 1n) / divisor);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
