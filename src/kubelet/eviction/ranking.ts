// Who is evicted first when something runs short, who is evicted for taking more than its limit, and what is said of it: pure.
// The order and the words are upstream's (pkg/kubelet/eviction/helpers.go).
import { tolerates } from '../../api/core/v1/node/placement.ts';
import { podLimits, podRequests } from '../../api/core/v1/pod/resources.ts';
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import { parseQuantity, printQuantity, type Quantity, quantityOf, quantityValue } from '../../apimachinery/quantity.ts';
import { isCritical } from '../pod/identity.ts';
import type { Verdict } from '../pod/pod-status.ts';
import type { Shortage } from './thresholds.ts';

/** Bytes. */
export interface ContainerUsage {
  readonly memory: number;
  /** Writable layer and logs. */
  readonly disk: number;
}

export interface PodUsage {
  readonly pod: Pod;
  readonly containers: ReadonlyMap<string, ContainerUsage>;
  /** Bytes in emptyDirs on disk, by volume. */
  readonly emptyDirs: ReadonlyMap<string, number>;
  /** In containers and emptyDirs; counted only where inodes run short. */
  readonly inodes?: number;
  /** With threads; counted only where they run short. */
  readonly processes?: number;
}

type Measure = 'memory' | 'disk' | 'inodes' | 'processes';

const measures = { memory: 'memory', 'ephemeral-storage': 'disk', inodes: 'inodes', pids: 'processes' } as const;

const sum = (containers: PodUsage['containers'], measure: keyof ContainerUsage): number =>
  [...containers.values()].reduce((all, usage) => all + usage[measure], 0);

function total({ containers, emptyDirs, inodes = 0, processes = 0 }: PodUsage, measure: Measure): number {
  if (measure === 'inodes') return inodes;
  if (measure === 'processes') return processes;
  const used = sum(containers, measure);
  if (measure === 'memory') return used;
  return [...emptyDirs.values()].reduce((all, bytes) => all + bytes, used);
}

const isCounted = (measure: Measure): measure is 'inodes' | 'processes' =>
  measure === 'inodes' || measure === 'processes';

const requestNames = { memory: 'memory', disk: 'ephemeral-storage' } as const;

/** Nobody asks for what is counted. */
function requested(pod: Pod, measure: Measure): number {
  const amount = isCounted(measure) ? undefined : podRequests(pod)[requestNames[measure]];
  return amount ? quantityValue(amount) : 0;
}

/** First those that use more than they asked for, then by priority, then by how much more; of processes by priority, then by how many. */
export function rank(pods: readonly PodUsage[], shortage: Shortage): PodUsage[] {
  const measure = measures[shortage.resource];
  const facts = pods
    .filter(({ pod }) => !isCritical(pod))
    .map((one) => ({
      one,
      over: total(one, measure) - requested(one.pod, measure),
      priority: one.pod.spec.priority ?? 0,
    }));
  const exceeds = ({ over }: { readonly over: number }) => Number(measure !== 'processes' && over > 0);
  facts.sort((a, b) => exceeds(b) - exceeds(a) || a.priority - b.priority || b.over - a.over);
  return facts.map(({ one }) => one);
}

/** What is said of a pod that is evicted because the node runs short. */
export function evicted(usage: PodUsage, shortage: Shortage): Verdict {
  const offenders = offendersOf(usage, shortage);
  const message = lowMessage(usage, shortage, offenders);
  const annotations = {
    offending_containers: offenders.map(({ name }) => name).join(','),
    offending_containers_usage: offenders.map(({ used }) => bytesText(used)).join(','),
    starved_resource: shortage.resource,
  };
  return { reason: 'Evicted', message, disruption: message, annotations };
}

interface Offender {
  readonly name: string;
  /** Bytes. */
  readonly used: number;
  readonly request: Quantity;
}

/** Containers that use more than they asked for. */
function offendersOf({ pod: { spec }, containers }: PodUsage, { resource }: Shortage): Offender[] {
  const measure = measures[resource];
  if (isCounted(measure)) return [];
  return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ name, resources }) => {
    const used = containers.get(name)?.[measure] ?? 0;
    const request = parseQuantity(resources?.requests?.[resource] ?? '0');
    return used > quantityValue(request) ? [{ name, used, request }] : [];
  });
}

function lowMessage({ pod, containers }: PodUsage, shortage: Shortage, offenders: readonly Offender[]): string {
  const { resource, threshold, available } = shortage;
  const parts = [
    `The node was low on resource: ${resource}. `,
    `Threshold quantity: ${printQuantity(threshold)}, available: ${printQuantity(available)}. `,
  ];
  const whole = resource === 'memory' ? pod.spec.resources?.requests?.memory : undefined;
  if (whole !== undefined)
    parts.push(`Pod ${pod.metadata.name} ${numbers(sum(containers, 'memory'), parseQuantity(whole), resource)}`);
  for (const { name, used, request } of offenders) parts.push(`Container ${name} ${numbers(used, request, resource)}`);
  return parts.join('');
}

const numbers = (used: number, request: Quantity, resource: string): string =>
  `was using ${bytesText(used)}, request is ${printQuantity(request)}, has larger consumption of ${resource}. `;

/** Why a pod is evicted for taking more disk than it may; undefined when it does not. */
export function overLimit(usage: PodUsage): string | undefined {
  const { pod, containers, emptyDirs } = usage;
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = parseQuantity(emptyDir?.sizeLimit ?? '0');
    if (limit.nano > 0n && (emptyDirs.get(name) ?? 0) > quantityValue(limit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${printQuantity(limit)}". `;
  }
  const whole = podLimits(pod)['ephemeral-storage'];
  if (whole && total(usage, 'disk') > quantityValue(whole))
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${printQuantity(whole)}. `;
  for (const container of pod.spec.containers) {
    const limit = parseQuantity(storageLimit(container) ?? '0');
    if (limit.nano > 0n && (containers.get(container.name)?.disk ?? 0) > quantityValue(limit))
      return `Container ${container.name} exceeded its local ephemeral storage limit "${printQuantity(limit)}". `;
  }
  return undefined;
}

const storageLimit = ({ resources }: Container): string | undefined => resources?.limits?.['ephemeral-storage'];

/** Whether a pod has limits of disk that somebody must look after. */
export function hasDiskLimits({ spec }: Pod): boolean {
  const limited = (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit && emptyDir.medium !== 'Memory');
  return limited || [...spec.containers, ...(spec.initContainers ?? [])].some((one) => storageLimit(one) !== undefined);
}

const memoryTaint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' } as const;

/** Why a node under pressure takes no new pod; undefined when it takes this one. */
export function pressureRefusal(pod: Pod, qos: string, pressures: readonly string[]): Verdict | undefined {
  if (isCritical(pod)) return undefined;
  const isMemoryAlone = pressures.every((one) => one === 'MemoryPressure');
  const bears = qos !== 'BestEffort' || pod.spec.tolerations?.some((toleration) => tolerates(toleration, memoryTaint));
  if (isMemoryAlone && (pressures.length === 0 || bears)) return undefined;
  return { reason: 'Evicted', message: `Pod was rejected: The node had condition: [${pressures.join(' ')}]. ` };
}

const bytesText = (bytes: number): string => printQuantity(quantityOf(bytes, 'BinarySI'));
