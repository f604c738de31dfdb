// Volumes and claims that are in use stay: a finalizer holds them, which controllers take off (upstream
// StorageObjectInUseProtection).
import { table } from '../../apimachinery/table.ts';
import type { AdmissionPlugin } from './admission.ts';
import { is } from './matches.ts';

const finalizers = table<string>({
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
});

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  resources: Object.keys(finalizers),
  admit(request) {
    const finalizer = finalizers[request.definition.resource];
    if (finalizer === undefined || !is(request, request.definition.resource, 'CREATE')) return;
    const { metadata } = request.object!;
    const present = metadata.finalizers ?? [];
    if (!present.includes(finalizer)) metadata.finalizers = [...present, finalizer];
  },
};
