import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, keepStatus, nameColumn } from '../../../define.ts';
import type { Namespace } from '../types.generated.ts';

/** Everything in the namespace goes before the namespace does: its controller takes this finalizer away then. */
const contentFinalizer = 'kubernetes';
const standardFinalizers = [contentFinalizer, 'foregroundDeletion', 'orphan'];

function validateFinalizers({ spec }: Namespace, { numbered }: { readonly numbered: boolean }): FieldError[] {
  return (spec.finalizers ?? []).flatMap((finalizer, i) => {
    const field = numbered ? `spec.finalizers[${i}]` : 'spec.finalizers';
    const errors = nameErrors(qualifiedName, field, finalizer);
    if (finalizer.includes('/') || standardFinalizers.includes(finalizer)) return errors;
    const why = 'name is neither a standard finalizer name nor is it fully qualified';
    return [...errors, fieldError.invalid(field, finalizer, why)];
  });
}

function validateStatusUpdate({ metadata, status }: Namespace): FieldError[] {
  const phase = status?.phase ?? '';
  const expected = metadata.deletionTimestamp ? 'Terminating' : 'Active';
  if (phase === expected) return [];
  const which = metadata.deletionTimestamp ? 'is not empty' : 'is empty';
  const why = `may only be '${expected}' if \`deletionTimestamp\` ${which}`;
  return [fieldError.invalid('status.Phase', phase, why)];
}

export const namespace: Kind<Namespace> = {
  nameRule: dns1123Label,
  strategy: {
    default(object) {
      object.spec ??= {};
      object.status ??= {};
      object.status.phase ||= 'Active';
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
    validate: (object) => validateFinalizers(object, { numbered: false }),
    validateStatusUpdate,
    subresources: {
      finalize: {
        prepareForUpdate: keepStatus,
        validateUpdate: (object) => validateFinalizers(object, { numbered: true }),
      },
    },
  },
  emptyStatus: () => ({ phase: 'Active' }),
  selectableFields: { 'status.phase': ({ status }) => status?.phase },
  columns: [nameColumn, column('Status', 'Active, or Terminating while its content goes.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.status?.phase ?? '', ageCell(object, now)],
};
