import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { Namespace } from '../types.generated.ts';

/** Everything in the namespace goes before the namespace does: its controller takes this finalizer away then. */
const contentFinalizer = 'kubernetes';

export const namespace: Kind<Namespace> = {
  nameRule: dns1123Label,
  strategy: {
    default(object) {
      object.spec ??= {};
      const { metadata } = object;
      // Namespaces can be selected by name this way; a generated name is not known yet.
      if (metadata.name) metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
    },
    prepareForCreate(object) {
      const finalizers = object.spec.finalizers ?? [];
      if (!finalizers.includes(contentFinalizer)) object.spec.finalizers = [...finalizers, contentFinalizer];
      const { metadata } = object;
      metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
    },
    prepareForUpdate(object, old) {
      // Only /finalize changes these.
      if (old.spec.finalizers) object.spec.finalizers = old.spec.finalizers;
      else delete object.spec.finalizers;
    },
  },
  emptyStatus: () => ({ phase: 'Active' }),
  selectableFields: { 'status.phase': ({ status }) => status?.phase },
  columns: [nameColumn, column('Status', 'Active, or Terminating while its content goes.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.status?.phase ?? '', ageCell(object, now)],
};
