// What is asked of a volume: by a PersistentVolumeClaim, by a template of one in a StatefulSet or in a Pod.
import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { validatePositiveQuantity, validateResourceQuantity } from '../../../validation/quantities.ts';
import { validateOptionalName } from '../../../validation/references.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import { optionalOneOf, requiredText } from '../../../validation/values.ts';
import type { PersistentVolumeClaimSpec, TypedObjectReference } from '../types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const volumeModes = ['Block', 'Filesystem'];

export function validateClaimSpec(spec: PersistentVolumeClaimSpec | undefined, path: string): FieldError[] {
  const { selector, storageClassName, volumeMode, volumeAttributesClassName, resources } = spec ?? {};
  const storage = `${path}.resources[storage]`;
  const size = resources?.requests?.storage;
  return [
    ...(spec?.accessModes?.length ? [] : [required(`${path}.accessModes`, 'at least 1 access mode is required')]),
    ...validateLabelSelector(selector, `${path}.selector`),
    ...validateAccessModes(spec?.accessModes ?? [], `${path}.accessModes`),
    ...(size === undefined ? [required(storage)] : validateSize(storage, size)),
    ...validateOptionalName(`${path}.storageClassName`, storageClassName),
    ...optionalOneOf(`${path}.volumeMode`, volumeMode, volumeModes),
    ...validateDataSources(spec ?? {}, path),
    ...validateOptionalName(`${path}.volumeAttributesClassName`, volumeAttributesClassName),
  ];
}

function validateSize(field: string, size: string): FieldError[] {
  const errors = validatePositiveQuantity(field, size);
  return errors.length > 0 ? errors : validateResourceQuantity(field, 'storage', size);
}

/** One pod for itself is not one pod among others. */
export function validateAccessModes(modes: readonly string[], path: string): FieldError[] {
  const errors = modes
    .filter((mode) => !accessModes.includes(mode))
    .map((mode) => notSupported(path, mode, accessModes));
  const others = modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (!others || !modes.includes('ReadWriteOncePod')) return errors;
  return [...errors, forbidden(path, 'may not use ReadWriteOncePod with other access modes')];
}

function validateDataSources(spec: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const { dataSource, dataSourceRef } = spec;
  const errors = [
    ...(dataSource ? validateDataSource(dataSource, `${path}.dataSource`) : []),
    ...(dataSourceRef ? validateDataSource(dataSourceRef, `${path}.dataSourceRef`) : []),
  ];
  if (!dataSource || !dataSourceRef) return errors;
  const { namespace, ...local } = dataSourceRef;
  const at = `${path}.dataSource`;
  if (namespace) {
    return [...errors, invalid(path, at, 'may not be specified when dataSourceRef.namespace is specified')];
  }
  return deepEqual(dataSource, local) ? errors : [...errors, invalid(path, at, 'must match dataSourceRef')];
}

function validateDataSource(source: TypedObjectReference, path: string): FieldError[] {
  const { kind, name, namespace } = source;
  // The wire has null for none.
  const apiGroup = source.apiGroup ?? '';
  const errors = [...requiredText(`${path}.name`, name), ...requiredText(`${path}.kind`, kind)];
  if (apiGroup === '' && kind !== 'PersistentVolumeClaim') {
    const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(invalid(path, kind, why));
  }
  if (apiGroup !== '') errors.push(...nameErrors(dns1123Subdomain, `${path}.apiGroup`, apiGroup));
  return [...errors, ...validateOptionalName(`${path}.namespace`, namespace, dns1123Label)];
}
