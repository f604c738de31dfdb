// How many pods a metric asks for (upstream pkg/controller/podautoscaler replica_calculator.go): pure.

import type { MetricTarget } from '../../api/autoscaling/v2/types.generated.ts';
import { isPodReady, lastingContainers } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { parseQuantity, quantityMilliValue } from '../../apimachinery/quantity.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { podCondition } from '../shared/pods.ts';

/** What metrics.k8s.io says of one pod: thousandths of the resource by container. */
export interface PodMetric {
  /** Milliseconds since the epoch, and how long the measurement took. */
  readonly time: number;
  readonly window: number;
  readonly containers: Readonly<Record<string, number>>;
}

export interface ReplicaInput {
  /** `cpu`, `memory`, …; empty for a metric of no resource. */
  readonly resource: string;
  /** Only this container; absent: all. */
  readonly container?: string;
  readonly target: Readonly<MetricTarget>;
  readonly currentReplicas: number;
  /** Of the target's selector. */
  readonly pods: readonly Readonly<Pod>[];
  readonly metrics: ReadonlyMap<string, PodMetric>;
  /** How far from the target nothing is done: 0.1 is 10 %. */
  readonly tolerance: { readonly up: number; readonly down: number };
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface ReplicaProposal {
  readonly replicas: number;
  readonly averageUtilization?: number;
  /** Thousandths. */
  readonly averageValue: number;
}

/** Milliseconds: kube-controller-manager's horizontal-pod-autoscaler-cpu-initialization-period and -initial-readiness-delay. */
const cpuInitialization = 300_000;
const initialReadinessDelay = 30_000;

/** The proposal, or why there is none. */
export function proposeReplicas(input: ReplicaInput): ReplicaProposal | string {
  const groups = group(input);
  const { usage, missing, unready } = groups;
  if (usage.size === 0) return 'did not receive metrics for targeted pods (pods might be unready)';
  const requests = requestsOf(input);
  if (typeof requests === 'string') return requests;
  const ratioOf = (values: ReadonlyMap<string, number>) => usageRatio(input, values, requests);
  const { ratio, averageUtilization, averageValue } = ratioOf(usage);
  const facts = { averageValue, ...(averageUtilization !== undefined && { averageUtilization }) };
  const current = input.currentReplicas;
  const isIdle = (value: number) => isWithin(input.tolerance, value);
  const upWithUnready = unready.length > 0 && ratio > 1;
  if (!upWithUnready && missing.length === 0) {
    return { ...facts, replicas: isIdle(ratio) ? current : Math.ceil(ratio * usage.size) };
  }
  // Who is not heard of counts against the change: as idle when it grows, as busy when it shrinks.
  const filled = new Map(usage);
  const busy = Math.max(100, input.target.averageUtilization ?? 0) / 100;
  const isUtilization = input.target.type === 'Utilization';
  const full = (pod: string) => (isUtilization ? (requests.get(pod) ?? 0) * busy : targetValue(input));
  // At the very target nothing is to be changed (upstream's other metrics do not look at that).
  if (ratio !== 1 || !isUtilization) for (const pod of missing) filled.set(pod, ratio < 1 ? full(pod) : 0);
  if (upWithUnready) for (const pod of unready) filled.set(pod, 0);
  const again = ratioOf(filled).ratio;
  if (isIdle(again) || (ratio < 1 && again > 1) || (ratio > 1 && again < 1)) return { ...facts, replicas: current };
  const replicas = Math.ceil(again * filled.size);
  const turns = (again < 1 && replicas > current) || (again > 1 && replicas < current);
  return { ...facts, replicas: turns ? current : replicas };
}

export interface ValueInput extends Pick<ReplicaInput, 'target' | 'currentReplicas' | 'pods' | 'tolerance'> {
  /** Thousandths. */
  readonly value: number;
  /** status.replicas of the target's scale; default: as `currentReplicas`. */
  readonly statusReplicas?: number;
}

export interface ValueProposal {
  readonly replicas: number;
  /** Thousandths. */
  readonly value: number;
  /** Where the target is an average. */
  readonly averageValue?: number;
}

/** For one number, of an object or from outside: the proposal, or why there is none. */
export function proposeByValue(input: ValueInput): ValueProposal | string {
  const { target, value, currentReplicas, tolerance, statusReplicas = currentReplicas } = input;
  if (target.type === 'AverageValue') {
    const wanted = targetValue(input);
    const isIdle = statusReplicas > 0 && isWithin(tolerance, value / (wanted * statusReplicas));
    const replicas = isIdle ? statusReplicas : Math.ceil(value / wanted);
    return { replicas, value, averageValue: statusReplicas > 0 ? Math.ceil(value / statusReplicas) : value };
  }
  const ratio = value / quantityMilliValue(parseQuantity(String(target.value ?? '0')));
  if (currentReplicas === 0) return { replicas: Math.ceil(ratio), value };
  if (isWithin(tolerance, ratio)) return { replicas: currentReplicas, value };
  if (input.pods.length === 0) {
    return 'unable to calculate ready pods: no pods returned by selector while calculating replica count';
  }
  const ready = input.pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod));
  return { replicas: Math.ceil(ratio * ready.length), value };
}

function isWithin({ up, down }: ReplicaInput['tolerance'], ratio: number): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

function targetValue({ target }: Pick<ReplicaInput, 'target'>): number {
  return quantityMilliValue(parseQuantity(String(target.averageValue ?? '0')));
}

function usageRatio(
  input: ReplicaInput,
  values: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
): { ratio: number; averageUtilization?: number; averageValue: number } {
  let used = 0;
  let asked = 0;
  for (const [pod, value] of values) {
    used += value;
    asked += requests.get(pod) ?? 0;
  }
  const averageValue = Math.floor(used / values.size);
  if (input.target.type !== 'Utilization') return { ratio: averageValue / targetValue(input), averageValue };
  const averageUtilization = Math.floor((used * 100) / asked);
  return { ratio: averageUtilization / (input.target.averageUtilization ?? 100), averageUtilization, averageValue };
}

function group({ pods, metrics, resource, container, now }: ReplicaInput) {
  const usage = new Map<string, number>();
  const missing: string[] = [];
  const unready: string[] = [];
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined || pod.status?.phase === 'Failed') continue;
    const metric = metrics.get(name);
    if (pod.status?.phase === 'Pending') unready.push(name);
    else if (!metric) missing.push(name);
    else if (resource === 'cpu' && isStarting(pod, metric, now)) unready.push(name);
    else usage.set(name, usageOf(metric, container));
  }
  return { usage, missing, unready };
}

function usageOf({ containers }: PodMetric, container: string | undefined): number {
  if (container !== undefined) return ownValue(containers, container) ?? 0;
  return Object.values(containers).reduce((sum, value) => sum + value, 0);
}

/** The CPU that a program takes to start says nothing of its load. */
function isStarting(pod: Readonly<Pod>, { time, window }: PodMetric, now: number): boolean {
  const ready = podCondition(pod, 'Ready');
  const started = Date.parse(pod.status?.startTime ?? '');
  if (!ready || Number.isNaN(started)) return true;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  if (started + cpuInitialization > now) return ready.status === 'False' || time < since + window;
  return ready.status === 'False' && started + initialReadinessDelay > since;
}

/** Thousandths by pod; a text where one asks for nothing. */
function requestsOf({ pods, resource, container, target }: ReplicaInput): Map<string, number> | string {
  const requests = new Map<string, number>();
  if (target.type !== 'Utilization') return requests;
  for (const pod of pods) {
    // What the pod itself asks for takes the place of its containers' sum (KEP-2837).
    const own = container === undefined ? ownValue(pod.spec.resources?.requests, resource) : undefined;
    if (own !== undefined) {
      requests.set(pod.metadata.name, quantityMilliValue(parseQuantity(String(own))));
      continue;
    }
    let sum = 0;
    for (const { name, resources } of lastingContainers(pod)) {
      if (container !== undefined && container !== name) continue;
      const request = ownValue(resources?.requests, resource);
      if (request === undefined)
        return `missing request for ${resource} in container ${name} of Pod ${pod.metadata.name}`;
      sum += quantityMilliValue(parseQuantity(String(request)));
    }
    requests.set(pod.metadata.name, sum);
  }
  return requests;
}
