// Which PersistentVolume a claim gets, and in what phase each is (upstream pkg/controller/volume/persistentvolume): pure.
// Volumes are made by an administrator or by a provisioner of their class (src/controllers/volumeprovisioner); none here.
import { compareForClaim, fitsClaim, isClaimedBy, selectedNode } from '../../api/core/v1/persistentvolume/matching.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';

export type ClaimDecision =
  | { readonly kind: 'bind'; readonly volume: Readonly<PersistentVolume> }
  /** An Event that says what is waited for. */
  | { readonly kind: 'wait'; readonly reason: string; readonly message: string }
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'nothing' };

export interface ClaimInput {
  readonly claim: Readonly<PersistentVolumeClaim>;
  readonly volumes: readonly Readonly<PersistentVolume>[];
  readonly storageClass: Readonly<StorageClass> | undefined;
}

export function decideClaim({ claim, volumes, storageClass }: ClaimInput): ClaimDecision {
  const { volumeName, storageClassName = '' } = claim.spec ?? {};
  if (volumeName) {
    const volume = volumes.find(({ metadata }) => metadata.name === volumeName);
    if (claim.status?.phase === 'Bound') {
      if (volume && isClaimedBy(volume, claim)) return { kind: 'nothing' };
      return { kind: 'lost', message: 'Bound claim has lost its PersistentVolume. Data on the volume is lost!' };
    }
    if (!volume || (volume.spec?.claimRef && !isClaimedBy(volume, claim))) return { kind: 'nothing' };
    return { kind: 'bind', volume };
  }
  const [best] = volumes.filter((volume) => fitsClaim(volume, claim)).sort((a, b) => compareForClaim(a, b, claim));
  const isLater =
    storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.metadata.annotations?.[selectedNode];
  if (isLater && !(best && isClaimedBy(best, claim))) {
    const message = 'waiting for first consumer to be created before binding';
    return { kind: 'wait', reason: 'WaitForFirstConsumer', message };
  }
  if (best) return { kind: 'bind', volume: best };
  if (storageClassName === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { kind: 'wait', reason: 'FailedBinding', message };
  }
  if (!storageClass) {
    const message = `storageclass.storage.k8s.io "${storageClassName}" not found`;
    return { kind: 'wait', reason: 'ProvisioningFailed', message };
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${storageClass.provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { kind: 'wait', reason: 'ExternalProvisioning', message };
}

/** The phase of a volume, given the claim that it names, if that is there. */
export function phaseOf(
  { spec }: Readonly<PersistentVolume>,
  claim: Readonly<PersistentVolumeClaim> | undefined,
): 'Available' | 'Bound' | 'Released' {
  const { claimRef } = spec ?? {};
  // Without a uid the volume is only kept for a claim of that name.
  if (!claimRef?.uid) return 'Available';
  return claim?.metadata.uid === claimRef.uid ? 'Bound' : 'Released';
}
