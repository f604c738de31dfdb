// The pods of a Job: what they are made of, and what became of them. Pure.

import type { Job } from '../../api/batch/v1/types.generated.ts';
import { isPodTerminal, isSidecar } from '../../api/core/v1/pod/facts.ts';
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import { podOfTemplate } from '../shared/pod-of-template.ts';
import { isPodActive } from '../shared/pods.ts';

export const kind = { apiVersion: 'batch/v1', kind: 'Job' };
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
const indexKey = 'batch.kubernetes.io/job-completion-index';
const failureCountKey = 'batch.kubernetes.io/job-index-failure-count';
const ignoredCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';
const indexVariable = 'JOB_COMPLETION_INDEX';

export interface PodToMake {
  /** Of Indexed Jobs. */
  readonly index?: number;
  /** With backoffLimitPerIndex: how often the index has failed before, and how often that was ignored. */
  readonly failures?: { readonly counted: number; readonly ignored: number };
}

export function isIndexed({ spec }: Readonly<Job>): boolean {
  return spec.completionMode === 'Indexed';
}

export function hasFinalizer(pod: Readonly<Pod>): boolean {
  return pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;
}

/** Undefined for a pod without an index in range. */
export function indexOf(job: Readonly<Job>, pod: Readonly<Pod>): number | undefined {
  const text = pod.metadata.annotations?.[indexKey];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const index = Number(text);
  return index < (job.spec.completions ?? 0) ? index : undefined;
}

export function failuresBefore(pod: Readonly<Pod>): { counted: number; ignored: number } {
  const read = (key: string) => Number(pod.metadata.annotations?.[key] ?? 0) || 0;
  return { counted: read(failureCountKey), ignored: read(ignoredCountKey) };
}

export function podOf(job: Readonly<Job>, { index, failures }: PodToMake): Pod {
  const pod = podOfTemplate(job, job.spec.template);
  pod.metadata.finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return pod;
  const text = String(index);
  pod.metadata.generateName = indexedName(job.metadata.name, index);
  pod.metadata.labels = { ...pod.metadata.labels, [indexKey]: text };
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [indexKey]: text,
    ...(failures && { [failureCountKey]: String(failures.counted) }),
    ...(failures && failures.ignored > 0 && { [ignoredCountKey]: String(failures.ignored) }),
  };
  pod.spec.hostname = `${job.metadata.name}-${index}`;
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) addVariable(container);
  return pod;
}

/** Characters of a generated name before its random ones: a server cuts what is longer, and the index with it. */
const longestBase = 58;

function indexedName(jobName: string, index: number): string {
  const end = `-${index}-`;
  return `${jobName.slice(0, longestBase - end.length)}${end}`;
}

function addVariable(container: Container): void {
  if (container.env?.some(({ name }) => name === indexVariable)) return;
  const valueFrom = { fieldRef: { fieldPath: `metadata.labels['${indexKey}']` } };
  container.env = [...(container.env ?? []), { name: indexVariable, valueFrom }];
}

/** Only a pod that has failed is replaced, one that is being deleted not yet. */
export function replacesOnlyFailed({ spec }: Readonly<Job>): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
}

export function isFailed(job: Readonly<Job>, pod: Readonly<Pod>): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (replacesOnlyFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

export function isSucceeded(pod: Readonly<Pod>): boolean {
  return pod.status?.phase === 'Succeeded';
}

export function isTerminating(pod: Readonly<Pod>): boolean {
  return !isPodActive(pod) && !isPodTerminal(pod);
}

/** When the pod ended, in milliseconds since the epoch. */
export function finishTime(pod: Readonly<Pod>, now: number): number {
  // Sidecars end after the others.
  const sidecars = new Set(pod.spec.initContainers?.filter(isSidecar).map(({ name }) => name));
  const beside = (pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name));
  const statuses = [...(pod.status?.containerStatuses ?? []), ...beside];
  const ends = statuses.map((c) => Date.parse(c.state?.terminated?.finishedAt ?? ''));
  const known = ends.filter((end) => !Number.isNaN(end));
  if (known.length > 0 && known.length === ends.length) return Math.max(...known);
  const ready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'False');
  if (ready?.lastTransitionTime) return Date.parse(ready.lastTransitionTime);
  const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp ?? '') || now;
}
