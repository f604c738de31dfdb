import { deepEqual, isEmptyObject } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { configMapKey } from '../../../../apimachinery/validation/names.ts';
import { byteLength, nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { ConfigMap } from '../types.generated.ts';

const { forbidden, invalid, tooLong } = fieldError;
/** Of all values together. */
export const maxDataBytes = 1024 * 1024;
const fixed = 'field is immutable when `immutable` is set';

function validate({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key in data) {
    errors.push(...nameErrors(configMapKey, `data[${key}]`, key));
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    bytes += byteLength(data[key]!);
  }
  for (const key in binaryData) {
    errors.push(...nameErrors(configMapKey, `binaryData[${key}]`, key));
    bytes += Buffer.byteLength(binaryData[key]!, 'base64');
  }
  // Upstream's path of the whole object is an empty index.
  return bytes > maxDataBytes ? [...errors, tooLong('[]', maxDataBytes)] : errors;
}

/** What may not change once `immutable` is set; also of Secrets. */
export function validateImmutable<T extends { immutable?: boolean }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const errors = object.immutable === true ? [] : [forbidden('immutable', fixed)];
  return [
    ...errors,
    ...fields.flatMap((field) => (deepEqual(object[field], old[field]) ? [] : [forbidden(field, fixed)])),
  ];
}

export const configMap: Kind<ConfigMap> = {
  strategy: {
    default(object) {
      for (const field of ['data', 'binaryData'] as const) {
        if (object[field] && isEmptyObject(object[field])) delete object[field];
      }
    },
    validate,
    validateUpdate: (object, old) => [...validateImmutable(object, old, ['data', 'binaryData']), ...validate(object)],
  },
  columns: [nameColumn, column('Data', 'How many keys it has.'), ageColumn],
  cells: (object, now) => [
    object.metadata.name,
    Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
    ageCell(object, now),
  ],
};
