// Which PersistentVolume a claim gets, and in what phase each is (upstream pkg/controller/volume/persistentvolume): pure.
// Volumes are made by an administrator or by a provisioner of their class (src/controllers/volumeprovisioner); none here.
import {
  bindCompleted,
  classNameOf,
  compareForClaim,
  fitsClaim,
  isClaimedBy,
  mismatchOf,
  noProvisioner,
  selectedNode,
} from '../../api/core/v1/persistentvolume/matching.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';

/** Annotation of a volume or a claim whose other half we chose, rather than the user. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
/** Of a claim, which provisioner is to make its volume; most look at the first, older ones at the second. */
export const storageProvisioner = [
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
] as const;
const provisionedBy = 'pv.kubernetes.io/provisioned-by';

export type ClaimDecision =
  | { readonly kind: 'bind'; readonly volume: Readonly<PersistentVolume> }
  | Waiting
  | { readonly kind: 'lost'; readonly reason: string; readonly message: string }
  | { readonly kind: 'nothing' };

/** An Event that says what is waited for. */
interface Waiting extends EventText {
  readonly kind: 'wait';
  /** Who is to make a volume: provisioners take what carries their name. */
  readonly provisioner?: string;
}

export interface ClaimInput {
  readonly claim: Readonly<PersistentVolumeClaim>;
  readonly volumes: readonly Readonly<PersistentVolume>[];
  readonly storageClass: Readonly<StorageClass> | undefined;
  /** Names of pods without a node that mount the claim. */
  readonly waitingPods: readonly string[];
}

export function decideClaim(input: ClaimInput): ClaimDecision {
  const { claim, volumes } = input;
  const { volumeName } = claim.spec ?? {};
  const volume = volumes.find(({ metadata }) => metadata.name === volumeName);
  if (claim.metadata.annotations?.[bindCompleted] !== undefined) return keep(claim, volume);
  return volumeName ? takeNamed(claim, volume) : choose(input);
}

/** Of a claim that has had a volume. */
function keep(claim: Readonly<PersistentVolumeClaim>, volume: Readonly<PersistentVolume> | undefined): ClaimDecision {
  if (!volume) {
    const what = claim.spec?.volumeName ? 'its' : 'reference to';
    const message = `Bound claim has lost ${what} PersistentVolume. Data on the volume is lost!`;
    return { kind: 'lost', reason: 'ClaimLost', message };
  }
  const { claimRef } = volume.spec ?? {};
  if (claimRef && claimRef.uid !== claim.metadata.uid) {
    const message = 'Two claims are bound to the same volume, this one is bound incorrectly';
    return { kind: 'lost', reason: 'ClaimMisbound', message };
  }
  return claimRef && claim.status?.phase === 'Bound' ? { kind: 'nothing' } : { kind: 'bind', volume };
}

/** Of a claim whose user chose the volume. */
function takeNamed(
  claim: Readonly<PersistentVolumeClaim>,
  volume: Readonly<PersistentVolume> | undefined,
): ClaimDecision {
  if (!volume) return { kind: 'nothing' };
  const { name } = volume.metadata;
  const mismatch = volume.spec?.claimRef ? undefined : mismatchOf(volume, claim);
  if (mismatch !== undefined) {
    return waitFor('Warning', 'VolumeMismatch', `Cannot bind to requested volume "${name}": ${mismatch}`);
  }
  if (volume.spec?.claimRef && !isClaimedBy(volume, claim)) {
    return waitFor('Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`);
  }
  return { kind: 'bind', volume };
}

function choose({ claim, volumes, storageClass, waitingPods }: ClaimInput): ClaimDecision {
  const className = classNameOf(claim);
  const isLater =
    storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.metadata.annotations?.[selectedNode];
  const [best] = volumes
    .filter((volume) => fitsClaim(volume, claim) && (!isLater || volume.spec?.claimRef))
    .sort((a, b) => fewerModes(a, b, claim) || compareForClaim(a, b, claim));
  if (best) return { kind: 'bind', volume: best };
  if (isLater) {
    if (waitingPods.length === 0) {
      return waitFor('Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
    }
    const pods = `${waitingPods.length > 1 ? 'pods' : 'pod'} ${waitingPods.join(',')}`;
    return waitFor('Normal', 'WaitForPodScheduled', `waiting for ${pods} to be scheduled`);
  }
  if (className === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return waitFor('Normal', 'FailedBinding', message);
  }
  if (!storageClass) {
    return waitFor('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
  }
  const { provisioner } = storageClass;
  if (provisioner === noProvisioner) {
    return waitFor('Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`);
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { ...waitFor('Normal', 'ExternalProvisioning', message), provisioner };
}

/** A volume that can do no more than is asked leaves the others to those who ask more. One that is kept comes before all. */
function fewerModes(
  a: Readonly<PersistentVolume>,
  b: Readonly<PersistentVolume>,
  claim: Readonly<PersistentVolumeClaim>,
): number {
  if (isClaimedBy(a, claim) || isClaimedBy(b, claim)) return 0;
  return (a.spec?.accessModes?.length ?? 0) - (b.spec?.accessModes?.length ?? 0);
}

function waitFor(type: EventText['type'], reason: string, message: string): Waiting {
  return { kind: 'wait', type, reason, message };
}

export type VolumeDecision =
  | { readonly kind: 'phase'; readonly phase: 'Available' | 'Bound' | 'Released' }
  /** Its claim has another volume: it is free again, or only kept for the claim where the user said so. */
  | { readonly kind: 'unbind'; readonly keepName: boolean }
  /** The phase stays. */
  | { readonly kind: 'nothing' };

/** Of a volume, given the claim that it names, if that is there. */
export function decideVolume(
  { metadata, spec, status }: Readonly<PersistentVolume>,
  claim: Readonly<PersistentVolumeClaim> | undefined,
): VolumeDecision {
  const { claimRef } = spec ?? {};
  // Without a uid the volume is only kept for a claim of that name.
  if (!claimRef?.uid) return { kind: 'phase', phase: 'Available' };
  // A failure to remove it stays to be seen.
  const released: VolumeDecision =
    status?.phase === 'Failed' ? { kind: 'nothing' } : { kind: 'phase', phase: 'Released' };
  if (claim?.metadata.uid !== claimRef.uid) return released;
  if (!claim.spec?.volumeName) return { kind: 'nothing' };
  if (claim.spec.volumeName === metadata.name) return { kind: 'phase', phase: 'Bound' };
  const { annotations } = metadata;
  const isMade = annotations?.[provisionedBy] !== undefined;
  if (isMade && spec?.persistentVolumeReclaimPolicy === 'Delete') return released;
  return { kind: 'unbind', keepName: annotations?.[boundByController] === undefined };
}
