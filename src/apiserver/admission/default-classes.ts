// Claims and Ingresses that name no class get the one that is marked as the default.
import type { PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { Ingress } from '../../api/networking/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { AdmissionPlugin } from './admission.ts';
import { is } from './matches.ts';

/** Of several defaults the newest; of those made in the same second the first by name. */
function defaultOf(classes: readonly Readonly<KubeObject>[], annotations: readonly string[]): string | undefined {
  const marked = classes.filter(({ metadata }) => annotations.some((key) => metadata.annotations?.[key] === 'true'));
  const age = ({ metadata }: Readonly<KubeObject>): string => metadata.creationTimestamp ?? '';
  const [first] = [...marked].sort((a, b) => {
    if (age(a) !== age(b)) return age(a) > age(b) ? -1 : 1;
    return a.metadata.name < b.metadata.name ? -1 : 1;
  });
  return first?.metadata.name;
}

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  resources: ['persistentvolumeclaims'],
  admit(request, view) {
    if (!is(request, 'persistentvolumeclaims', 'CREATE')) return;
    const { metadata, spec } = request.object as unknown as PersistentVolumeClaim;
    if (!spec || spec.storageClassName !== undefined) return;
    if (metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return;
    const name = defaultOf(view.all('storageclasses', 'storage.k8s.io'), [
      'storageclass.kubernetes.io/is-default-class',
      'storageclass.beta.kubernetes.io/is-default-class',
    ]);
    if (name !== undefined) spec.storageClassName = name;
  },
};

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  resources: ['ingresses.networking.k8s.io'],
  admit(request, view) {
    if (!is(request, 'ingresses.networking.k8s.io', 'CREATE')) return;
    const ingress = request.object as unknown as Ingress;
    if (ingress.spec?.ingressClassName !== undefined) return;
    if (ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
    const name = defaultOf(view.all('ingressclasses', 'networking.k8s.io'), [
      'ingressclass.kubernetes.io/is-default-class',
    ]);
    if (name !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: name };
  },
};
