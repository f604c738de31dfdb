// When claims and volumes that are being deleted may go (upstream pkg/controller/volume/pvcprotection, pvprotection).
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { mountedClaims } from '../shared/pods.ts';

export const claimFinalizer = 'kubernetes.io/pvc-protection';
export const volumeFinalizer = 'kubernetes.io/pv-protection';

/** Whether a pod that has a node mounts the claim. The kubelet starts no pod with a claim that is being deleted. */
export function isUsed(claim: Readonly<PersistentVolumeClaim>, pods: readonly Readonly<Pod>[]): boolean {
  return pods.some((pod) => Boolean(pod.spec.nodeName) && mountedClaims(pod).includes(claim.metadata.name));
}

export function isBound({ status }: Readonly<PersistentVolume>): boolean {
  return status?.phase === 'Bound';
}

export interface Finalizers {
  /** What is to be written. */
  readonly finalizers: string[];
  /** Whether the object may go then: only when nobody uses it. */
  readonly letsGo: boolean;
}

/** One is added where it is missing, and taken away from what is being deleted; undefined where there is nothing to do. */
export function nextFinalizers({ metadata }: Readonly<KubeObject>, finalizer: string): Finalizers | undefined {
  const { deletionTimestamp, finalizers = [] } = metadata;
  const isProtected = finalizers.includes(finalizer);
  if (deletionTimestamp === undefined) {
    return isProtected ? undefined : { finalizers: [...finalizers, finalizer], letsGo: false };
  }
  return isProtected ? { finalizers: finalizers.filter((one) => one !== finalizer), letsGo: true } : undefined;
}
