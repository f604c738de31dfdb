// Who is evicted first when something runs short, who is evicted for taking more than its limit, and what is said of it: pure.
// The order and the words are upstream's (pkg/kubelet/eviction/helpers.go).
import { podRequests } from '../../api/core/v1/pod/resources.ts';
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import { parseQuantity, quantityValue } from '../../apimachinery/quantity.ts';
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
}

/** Pods that the node cannot do without: static ones, and those of system priorities. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const source = metadata.annotations?.['kubernetes.io/config.source'];
  return (source !== undefined && source !== 'api') || (spec.priority ?? 0) >= 2_000_000_000;
}

type Measure = 'memory' | 'disk';

function measureOf({ resource }: Shortage): Measure {
  return resource === 'memory' ? 'memory' : 'disk';
}

function total({ containers, emptyDirs }: PodUsage, measure: Measure): number {
  const used = [...containers.values()].reduce((sum, usage) => sum + usage[measure], 0);
  if (measure === 'memory') return used;
  return [...emptyDirs.values()].reduce((sum, bytes) => sum + bytes, used);
}

const requestNames = { memory: 'memory', disk: 'ephemeral-storage' } as const;

function requested(pod: Pod, measure: Measure): number {
  const amount = podRequests(pod)[requestNames[measure]];
  return amount ? quantityValue(amount) : 0;
}

/** First those that use more than they asked for, then by priority, then by how much more. */
export function rank(pods: readonly PodUsage[], shortage: Shortage): PodUsage[] {
  const measure = measureOf(shortage);
  const facts = pods
    .filter(({ pod }) => !isCritical(pod))
    .map((one) => ({
      one,
      over: total(one, measure) - requested(one.pod, measure),
      priority: one.pod.spec.priority ?? 0,
    }));
  facts.sort((a, b) => Number(b.over > 0) - Number(a.over > 0) || a.priority - b.priority || b.over - a.over);
  return facts.map(({ one }) => one);
}

/** Why a pod is evicted because the node runs short. */
export function lowMessage({ pod, containers }: PodUsage, shortage: Shortage): string {
  const { resource, threshold, available } = shortage;
  const measure = measureOf(shortage);
  const parts = [
    `The node was low on resource: ${resource}. `,
    `Threshold quantity: ${amountText(threshold)}, available: ${amountText(available)}. `,
  ];
  for (const container of pod.spec.containers) {
    const used = containers.get(container.name)?.[measure] ?? 0;
    const request = amountIn(container.resources?.requests?.[requestNames[measure]]);
    if (used <= request) continue;
    const numbers = `was using ${amountText(used)}, request is ${amountText(request)}`;
    parts.push(`Container ${container.name} ${numbers}, has larger consumption of ${requestNames[measure]}. `);
  }
  return parts.join('');
}

/** Why a pod is evicted for taking more disk than it may; undefined when it does not. */
export function overLimit({ pod, containers, emptyDirs }: PodUsage): string | undefined {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit !== undefined && amountIn(limit) > 0 && (emptyDirs.get(name) ?? 0) > amountIn(limit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const limits = pod.spec.containers.map(storageLimit);
  const used = total({ pod, containers, emptyDirs }, 'disk');
  if (limits.length > 0 && limits.every((limit) => limit !== undefined)) {
    const sum = limits.reduce((all, limit) => all + amountIn(limit), 0);
    if (used > sum)
      return `Pod ephemeral local storage usage exceeds the total limit of containers ${amountText(sum)}. `;
  }
  for (const container of pod.spec.containers) {
    const limit = storageLimit(container);
    if (limit !== undefined && (containers.get(container.name)?.disk ?? 0) > amountIn(limit))
      return `Container ${container.name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}

const storageLimit = ({ resources }: Container): string | undefined => resources?.limits?.['ephemeral-storage'];

/** Whether a pod has limits of disk that somebody must look after. */
export function hasDiskLimits({ spec }: Pod): boolean {
  const limited = (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit && emptyDir.medium !== 'Memory');
  return limited || spec.containers.some((container) => storageLimit(container) !== undefined);
}

/** Why a node under pressure takes no new pod; undefined when it takes this one. */
export function pressureRefusal(pod: Pod, qos: string, pressures: readonly string[]): Verdict | undefined {
  if (isCritical(pod)) return undefined;
  const reasons = pressures.filter((one) => one !== 'MemoryPressure' || qos === 'BestEffort');
  if (reasons.length === 0) return undefined;
  return { reason: 'Evicted', message: `Pod was rejected: The node had condition: [${pressures.join(' ')}]. ` };
}

function amountIn(text: string | undefined): number {
  return text === undefined ? 0 : quantityValue(parseQuantity(String(text)));
}

/** Bytes as upstream's quantities print them: in the largest binary unit that divides them. */
function amountText(bytes: number): string {
  let amount = Math.round(bytes);
  let unit = 0;
  while (amount !== 0 && amount % 1024 === 0 && unit < 4) {
    amount /= 1024;
    unit += 1;
  }
  return `${amount}${['', 'Ki', 'Mi', 'Gi', 'Ti'][unit]}`;
}
