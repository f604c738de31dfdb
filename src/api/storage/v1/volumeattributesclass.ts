import { deepEqual } from '../../../apimachinery/json/value.ts';
import type { FieldError } from '../../../apimachinery/validation/field-error.ts';
import { fieldError } from '../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { validateParameters, validateProvisioner } from './storageclass.ts';
import type { VolumeAttributesClass } from './types.generated.ts';

function validate({ driverName, parameters }: VolumeAttributesClass): FieldError[] {
  return [...validateProvisioner('driverName', driverName), ...validateParameters(parameters, { needed: true })];
}

const defaultAnnotation = 'volumeattributesclass.alpha.kubernetes.io/is-default-class';

/** What can be changed of a volume that exists: how fast it is, say. */
export const volumeAttributesClass: Kind<VolumeAttributesClass> = {
  returnsDeletedObject: true,
  strategy: {
    validate,
    validateUpdate: (object, old) => [
      ...(['driverName', 'parameters'] as const)
        .filter((field) => !deepEqual(object[field], old[field]))
        .map((field) => fieldError.forbidden(field, `updates to ${field} are forbidden.`)),
      ...validate(object),
    ],
  },
  columns: [nameColumn, column('DriverName', 'Whose volumes it is for.'), ageColumn],
  cells: (object, now) => {
    const { name, annotations } = object.metadata;
    return [
      annotations?.[defaultAnnotation] === 'true' ? `${name} (default)` : name,
      object.driverName,
      ageCell(object, now),
    ];
  },
};
