// By what the runtime's sandboxes and containers are known again: the labels and annotations that upstream's kubelet uses.
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.generated.ts';

export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUID: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const annotations = {
  /** Of sandboxes: seconds, for a pod that the API no longer has when the kubelet comes back. */
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  /** Of containers: how often all of their pod had been restarted when they were made (restart-rules.ts). */
  podRestarts: 'portico.dev/pod-restarts',
  /** Of containers: their image as the pod named it; one that it names otherwise now is made anew (pod-plan.ts). */
  image: 'portico.dev/image',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
} as const;

export interface PodIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

export function identityOf(pod: Pod): PodIdentity {
  const { name, namespace = 'default', uid = '' } = pod.metadata;
  return { name, namespace, uid };
}

/** `web_default(uid)`, as kubelet's messages name a pod. */
export function formatPod({ name, namespace, uid }: PodIdentity): string {
  return `${name}_${namespace}(${uid})`;
}

export function podLabels({ name, namespace, uid }: PodIdentity): Record<string, string> {
  return { [labels.podName]: name, [labels.podNamespace]: namespace, [labels.podUID]: uid };
}

/** Folder of a pod's logs below the kubelet's log root: `NAMESPACE_NAME_UID`, and in it one per container. */
export function logFolder(root: string, pod: Pod): string {
  const { name, namespace, uid } = identityOf(pod);
  return join(root, `${namespace}_${name}_${uid}`);
}

/** Log of a container that was started `attempt` times before. */
export function logFile(
  root: string,
  pod: Pod,
  { name, attempt }: { readonly name: string; readonly attempt: number },
) {
  return join(logFolder(root, pod), name, `${attempt}.log`);
}

/** Pods that the node cannot do without: static ones, and those of system priorities. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const source = metadata.annotations?.['kubernetes.io/config.source'];
  return (source !== undefined && source !== 'api') || (spec.priority ?? 0) >= 2_000_000_000;
}

/** Those of the class that no other comes before. */
export function isNodeCritical(pod: Pod): boolean {
  return isCritical(pod) && pod.spec.priorityClassName === 'system-node-critical';
}
