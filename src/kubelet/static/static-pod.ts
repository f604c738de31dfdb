// A pod from a manifest file of the node: pure. What makes it known again is the hash of its text, so a changed file is
// another pod.
import { createHash } from 'node:crypto';
import type { Pod, PodStatus } from '../../api/core/v1/types.generated.ts';

/** Annotations by which upstream's kubelet tells static pods and their mirrors. */
const staticAnnotations = {
  hash: 'kubernetes.io/config.hash',
  source: 'kubernetes.io/config.source',
  seen: 'kubernetes.io/config.seen',
  mirror: 'kubernetes.io/config.mirror',
} as const;

export interface StaticPodInput {
  /** The object that the file holds. */
  readonly manifest: unknown;
  readonly text: string;
  readonly nodeName: string;
  /** RFC 3339. */
  readonly seenAt: string;
}

/** The pod as this node runs it, before defaults; a string says why the manifest is none. */
export function staticPod({ manifest, text, nodeName, seenAt }: StaticPodInput): Pod | string {
  const pod = manifest as Partial<Pod> | null | undefined;
  if (pod?.apiVersion !== 'v1' || pod.kind !== 'Pod') return 'it holds no Pod of v1';
  if (!pod.metadata?.name || !pod.spec) return 'its Pod has no name or no spec';
  const uid = createHash('md5').update(`${nodeName}\n${text}`).digest('hex');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...pod.metadata,
      name: `${pod.metadata.name}-${nodeName.toLowerCase()}`,
      namespace: pod.metadata.namespace || 'default',
      uid,
      annotations: {
        ...pod.metadata.annotations,
        [staticAnnotations.hash]: uid,
        [staticAnnotations.source]: 'file',
        [staticAnnotations.seen]: seenAt,
      },
    },
    // Taints of its node do not concern a pod that no scheduler sent there.
    spec: {
      ...pod.spec,
      nodeName,
      tolerations: [...(pod.spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
    status: { phase: 'Pending' } satisfies PodStatus,
  };
}

export function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.[staticAnnotations.mirror] !== undefined;
}

/** Whether a pod of the API shows this very static pod. */
export function mirrors(pod: Pod, original: Pod): boolean {
  return (
    pod.metadata.annotations?.[staticAnnotations.mirror] === original.metadata.uid && !pod.metadata.deletionTimestamp
  );
}

/** What is made in the API to show a static pod; `nodeUid` is its owner's. */
export function mirrorOf({ metadata, spec }: Pod, nodeUid: string): Pod {
  const { name, namespace, labels, annotations, uid = '' } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(labels && { labels }),
      annotations: { ...annotations, [staticAnnotations.mirror]: uid },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: spec.nodeName ?? '', uid: nodeUid, controller: true }],
    },
    spec,
  };
}
