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

/** The finalizers that remain when a protected object lets go; undefined where there is nothing to do. */
export function withoutFinalizer({ metadata }: Readonly<KubeObject>, finalizer: string): string[] | undefined {
  const { deletionTimestamp, finalizers = [] } = metadata;
  if (deletionTimestamp === undefined || !finalizers.includes(finalizer)) return undefined;
  return finalizers.filter((one) => one !== finalizer);
}
