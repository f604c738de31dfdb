// Which PersistentVolume may be a claim's: the same rules for the controller that binds them and the scheduler that chooses.
import { parseQuantity, quantityValue } from '../../../../apimachinery/quantity.ts';
import { labelSelectorOf, matchesLabels } from '../../../../apimachinery/selectors/label-selector.ts';
import type { ObjectReference, PersistentVolume, PersistentVolumeClaim } from '../types.generated.ts';

/** The provisioner of classes whose volumes an administrator makes. */
export const noProvisioner = 'kubernetes.io/no-provisioner';
/** The annotation of a claim by which the scheduler says where its volume is to be. */
export const selectedNode = 'volume.kubernetes.io/selected-node';

/** Annotation of a claim that has had a volume. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed';

/** The StorageClass of a claim or a volume: the old annotation goes before the field. */
export function classNameOf({ metadata, spec }: Readonly<PersistentVolumeClaim | PersistentVolume>): string {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
}

/** Whether a volume is free (or kept) for the claim and is all that the claim asks. */
export function fitsClaim(volume: Readonly<PersistentVolume>, claim: Readonly<PersistentVolumeClaim>): boolean {
  const { claimRef } = volume.spec ?? {};
  if (mismatchOf(volume, claim) !== undefined) return false;
  if (claimRef) return isClaimedBy(volume, claim);
  const wanted = claim.spec?.selector;
  const selector = wanted === undefined ? [] : labelSelectorOf(wanted);
  return selector !== undefined && matchesLabels(selector, volume.metadata.labels);
}

/** What a volume lacks that the claim asks, in upstream's words. Of one that is kept for the claim the class does not matter. */
export function mismatchOf(
  volume: Readonly<PersistentVolume>,
  claim: Readonly<PersistentVolumeClaim>,
): string | undefined {
  const { metadata, spec = {} } = volume;
  const wanted = claim.spec ?? {};
  if (metadata.deletionTimestamp !== undefined) return `the volume is marked for deletion "${metadata.name}"`;
  if (sizeOf(spec.capacity?.storage) < requestedSize(claim)) return 'requested PV is too small';
  if (!spec.claimRef) {
    if (classNameOf(volume) !== classNameOf(claim)) return 'storageClassName does not match';
    const isSame = (spec.volumeAttributesClassName ?? '') === (wanted.volumeAttributesClassName ?? '');
    if (!isSame) return 'volumeAttributesClassName does not match';
  }
  if ((spec.volumeMode ?? 'Filesystem') !== (wanted.volumeMode ?? 'Filesystem')) return 'incompatible volumeMode';
  const hasModes = (wanted.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode));
  return hasModes ? undefined : 'incompatible accessMode';
}

/** One that waits for this very claim, then the smallest that is large enough. */
export function compareForClaim(
  a: Readonly<PersistentVolume>,
  b: Readonly<PersistentVolume>,
  claim: Readonly<PersistentVolumeClaim>,
): number {
  const reserved = Number(isClaimedBy(b, claim)) - Number(isClaimedBy(a, claim));
  const size = sizeOf(a.spec?.capacity?.storage) - sizeOf(b.spec?.capacity?.storage);
  return reserved || size || (a.metadata.name < b.metadata.name ? -1 : 1);
}

/** In bytes. */
export function requestedSize({ spec }: Readonly<PersistentVolumeClaim>): number {
  return sizeOf(spec?.resources?.requests?.storage);
}

function sizeOf(text: string | undefined): number {
  return text === undefined ? 0 : quantityValue(parseQuantity(String(text)));
}

/** By name, and by uid where it is said. */
export function isClaimedBy(
  { spec }: Readonly<PersistentVolume>,
  { metadata }: Readonly<PersistentVolumeClaim>,
): boolean {
  const reference: ObjectReference | undefined = spec?.claimRef;
  if (reference?.name !== metadata.name || reference.namespace !== metadata.namespace) return false;
  return !reference.uid || reference.uid === metadata.uid;
}
