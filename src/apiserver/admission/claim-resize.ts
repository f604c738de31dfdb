// A claim grows only when it is bound, and its class allows it.
import type { PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { compareQuantities, parseQuantity } from '../../apimachinery/quantity.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { AdmissionPlugin } from './admission.ts';
import { is } from './matches.ts';

function classOf({ metadata, spec }: Readonly<PersistentVolumeClaim>): string {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
}

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  resources: ['persistentvolumeclaims'],
  validate(request, view) {
    if (!is(request, 'persistentvolumeclaims', 'UPDATE')) return;
    const claim = request.object as unknown as PersistentVolumeClaim;
    const old = request.old as unknown as PersistentVolumeClaim;
    const size = claim.spec?.resources?.requests?.storage ?? '0';
    const before = old.spec?.resources?.requests?.storage ?? '0';
    if (compareQuantities(parseQuantity(size), parseQuantity(before)) <= 0) return;
    const refuse = (why: string) => forbidden(request.definition, claim.metadata.name, why);
    if (old.status?.phase !== 'Bound') throw refuse('Only bound persistent volume claims can be expanded');
    const name = classOf(claim);
    const storageClass =
      name !== '' && name === classOf(old)
        ? view.find<StorageClass>('storageclasses', { group: 'storage.k8s.io', name })
        : undefined;
    if (storageClass?.allowVolumeExpansion) return;
    throw refuse(
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  },
};
