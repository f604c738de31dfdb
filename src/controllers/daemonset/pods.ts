// The pods of a DaemonSet: what they are made of, which node they are for, and where one belongs. Pure.
import type { DaemonSet } from '../../api/apps/v1/types.generated.ts';
import { matchesNodeAffinity, untoleratedTaint } from '../../api/core/v1/node/placement.ts';
import type { Node, Pod, PodSpec, Toleration } from '../../api/core/v1/types.generated.ts';
import { podOfTemplate } from '../shared/pod-of-template.ts';
import { isPodAvailable } from '../shared/pods.ts';

export const kind = { apiVersion: 'apps/v1', kind: 'DaemonSet' };
export const hashLabel = 'controller-revision-hash';
const generationAnnotation = 'deprecated.daemonset.template.generation';
const generationLabel = 'pod-template-generation';
const nameField = 'metadata.name';

/** What a daemon bears with by being one: [taint, effect]. */
const borne: readonly (readonly [string, string])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];
const borneOnHostNetwork: readonly (readonly [string, string])[] = [
  ['node.kubernetes.io/network-unavailable', 'NoSchedule'],
];

export function podOf(set: Readonly<DaemonSet>, nodeName: string, hash: string): Pod {
  const pod = podOfTemplate(set, set.spec.template);
  const generation = set.metadata.annotations?.[generationAnnotation];
  pod.metadata.labels = {
    ...pod.metadata.labels,
    [hashLabel]: hash,
    ...(generation !== undefined && { [generationLabel]: generation }),
  };
  pod.spec.tolerations = tolerationsOf(pod.spec);
  const { affinity } = pod.spec;
  // What the template requires of a node was looked at here; the node's name takes its place.
  const matchFields = [{ key: nameField, operator: 'In', values: [nodeName] }];
  const onlyThere = { nodeSelectorTerms: [{ matchFields }] };
  pod.spec.affinity = {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: onlyThere },
  };
  return pod;
}

function tolerationsOf(spec: Readonly<PodSpec>): Toleration[] {
  const added = [...borne, ...(spec.hostNetwork ? borneOnHostNetwork : [])].map(
    ([key, effect]): Toleration => ({ key, operator: 'Exists', effect }),
  );
  const given = (spec.tolerations ?? []).filter(
    (own) => !added.some(({ key, effect }) => own.key === key && own.effect === effect && own.operator === 'Exists'),
  );
  return [...given, ...added];
}

/** The node that a pod is on or is for; '' where it may be any. */
export function targetOf(pod: Readonly<Pod>): string {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const field = matchFields.find(({ key, operator }) => key === nameField && operator === 'In');
    if (field?.values?.length === 1) return field.values[0] ?? '';
  }
  return '';
}

export interface Place {
  /** A pod belongs here. */
  readonly shouldRun: boolean;
  /** One that is here may stay. */
  readonly mayStay: boolean;
}

export function placeOn(set: Readonly<DaemonSet>, node: Readonly<Node>): Place {
  const { spec = { containers: [] } } = set.spec.template;
  const named = !spec.nodeName || spec.nodeName === node.metadata.name;
  if (!named || !matchesNodeAffinity(spec, node)) return { shouldRun: false, mayStay: false };
  const tolerations = tolerationsOf(spec);
  const taints = node.spec?.taints;
  if (!untoleratedTaint(tolerations, taints, ['NoSchedule', 'NoExecute'])) return { shouldRun: true, mayStay: true };
  return { shouldRun: false, mayStay: untoleratedTaint(tolerations, taints, ['NoExecute']) === undefined };
}

export function isTerminating(pod: Readonly<Pod>): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

export function isOfHash(pod: Readonly<Pod>, hash: string): boolean {
  return pod.metadata.labels?.[hashLabel] === hash;
}

/** `now` in milliseconds since the epoch. */
export function isAvailable(
  { set, now }: { readonly set: Readonly<DaemonSet>; readonly now: number },
  pod: Readonly<Pod>,
): boolean {
  return !isTerminating(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);
}
