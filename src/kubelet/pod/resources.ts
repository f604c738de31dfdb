// Requests and limits as the kernel's cgroups count them.

import { isSidecar } from '../../api/core/v1/pod/facts.ts';
import { qosClass } from '../../api/core/v1/pod/qos.ts';
import { podLimits, podRequests } from '../../api/core/v1/pod/resources.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/core/v1/types.generated.ts';
import { parseQuantity, quantityMilliValue, quantityValue } from '../../apimachinery/quantity.ts';
import type { ResourceList } from '../../apimachinery/resource-list.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { LinuxContainerResources } from '../cri/messages.ts';
import { isNodeCritical } from './identity.ts';

function amount(list: Readonly<Record<string, string>> | undefined, resource: string): number {
  const text = list?.[resource];
  return text === undefined ? 0 : quantityMilliValue(parseQuantity(text));
}

/** What a container asks for: its request, or where it has none its limit (as the API's defaults do). */
function requestOf(requirements: ResourceRequirements | undefined, resource: string): number {
  return amount(requirements?.requests, resource) || amount(requirements?.limits, resource);
}

/** The pod's cgroup below the node's: Guaranteed pods lie directly in it, the others in their class. */
export function podCgroup(root: string, pod: Pod): string {
  const qos = qosClass(pod);
  const parent = qos === 'Guaranteed' ? root : `${root}/${qos.toLowerCase()}`;
  return `${parent}/pod${pod.metadata.uid}`;
}

/** Where the cgroup of a pod may be of which nothing but its uid is known. */
export function podCgroups(root: string, uid: string): readonly string[] {
  return [root, `${root}/burstable`, `${root}/besteffort`].map((parent) => `${parent}/pod${uid}`);
}

export const cpuPeriod = 100_000;

/** cpu.cfs_quota_us of a limit in thousandths of a core; at least a millisecond. */
function cpuQuota(milliCPU: number): number {
  return Math.max(Math.ceil((milliCPU * cpuPeriod) / 1000), 1000);
}

/** cpu.shares of a request in thousandths of a core; at least 2, at most 262144. */
function cpuShares(milliCPU: number): number {
  return Math.min(Math.max(Math.floor((milliCPU * 1024) / 1000), 2), 262_144);
}

const bytesRequested = ({ resources }: Pick<Container, 'resources'>): number =>
  Math.floor(requestOf(resources, 'memory') / 1000);

/** What a pod asks for as a whole beyond its containers, in equal parts (KEP-2837); bytes. */
function sharedRequest({ spec }: Pod): number {
  const whole = Math.floor(amount(spec.resources?.requests, 'memory') / 1000);
  if (whole === 0) return 0;
  const { resources: _, ...containersAlone } = spec;
  const ofContainers = podRequests({ spec: containersAlone }).memory;
  const rest = whole - (ofContainers ? quantityValue(ofContainers) : 0);
  return Math.trunc(rest / (spec.containers.length + (spec.initContainers ?? []).length));
}

/** Higher is killed earlier when the node runs out of memory (kubelet's qos policy). */
function oomScoreAdj(pod: Pod, container: Container, nodeMemory: number): number {
  const qos = qosClass(pod);
  if (qos === 'Guaranteed' || isNodeCritical(pod)) return -997;
  if (qos === 'BestEffort') return 1000;
  const shared = sharedRequest(pod);
  const scoreOf = (bytes: number) => 1000 - Math.floor((1000 * (bytes + shared)) / nodeMemory);
  const own = scoreOf(bytesRequested(container));
  // A sidecar does not go before those that it serves.
  const score = isSidecar(container)
    ? Math.min(own, scoreOf(Math.min(...pod.spec.containers.map(bytesRequested))))
    : own;
  return Math.min(Math.max(score, 3), 999);
}

/** What a pod's own cgroup is given: all of its containers live within it. */
export interface PodCgroup {
  readonly cpuShares: number;
  /** Microseconds in each tenth of a second; absent without a limit. */
  readonly cpuQuota?: number;
  /** Bytes; absent without a limit. */
  readonly memoryLimit?: number;
}

/** A limit holds when the pod has one of its own, or all of its containers have (upstream's ResourceConfigForPod). */
export function podCgroupResources(pod: Pod): PodCgroup {
  const limits = podLimits(pod);
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const isLimited = (name: 'cpu' | 'memory') =>
    amount(pod.spec.resources?.limits, name) > 0 ||
    containers.every(({ resources }) => amount(resources?.limits, name) > 0);
  const milliCPU = podRequests(pod).cpu;
  return {
    cpuShares: cpuShares(milliCPU ? quantityMilliValue(milliCPU) : 0),
    ...(limits.cpu && isLimited('cpu') && { cpuQuota: cpuQuota(quantityMilliValue(limits.cpu)) }),
    ...(limits.memory && isLimited('memory') && { memoryLimit: quantityValue(limits.memory) }),
  };
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
  // A container without a limit of its own has its pod's.
  const limits = defaultLimits(pod, {});
  const limitOf = (name: 'cpu' | 'memory') => amount(container.resources?.limits, name) || amount(limits, name);
  const [cpuLimit, memoryLimit] = [limitOf('cpu'), limitOf('memory')];
  return {
    cpuShares: cpuShares(amount(container.resources?.requests, 'cpu') || cpuLimit),
    ...(cpuLimit > 0 && { cpuPeriod, cpuQuota: cpuQuota(cpuLimit) }),
    ...(memoryLimit > 0 && { memoryLimitInBytes: Math.ceil(memoryLimit / 1000) }),
    oomScoreAdj: oomScoreAdj(pod, container, nodeMemory),
    // A container that outgrows its memory is killed whole, as upstream's kubelet has it (singleProcessOOMKill).
    ...(isUnified && { unified: { 'memory.oom.group': '1' } }),
  };
}

/** What limits a container that has no limits of its own: those of its pod, else what the node can give. */
export function defaultLimits({ spec }: Pod, allocatable: ResourceList): ResourceList {
  const ofPod = Object.entries(spec.resources?.limits ?? {}).filter(([, text]) => parseQuantity(text).nano > 0n);
  return { ...allocatable, ...Object.fromEntries(ofPod) };
}

/** The value of a resourceFieldRef (`limits.cpu`, …), in units of its divisor, rounded up; a limit of 0 is none. */
export function resourceField(
  container: Container,
  reference: { readonly resource: string; readonly divisor?: string },
  defaults: ResourceList,
): string {
  const [, kind = '', name = ''] = /^([^.]*)\.?(.*)$/.exec(reference.resource) ?? [];
  const lists = container.resources ?? {};
  const own = ownValue(kind === 'limits' ? lists.limits : lists.requests, name) ?? '0';
  const set = kind === 'limits' && parseQuantity(own).nano === 0n ? ownValue(defaults, name) : own;
  const divisor = parseQuantity(reference.divisor && reference.divisor !== '0' ? reference.divisor : '1').nano;
  const value = parseQuantity(set ?? '0').nano;
  return String((value + divisor - 1n) / divisor);
}
