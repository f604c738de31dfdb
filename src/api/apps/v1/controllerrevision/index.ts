import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { immutable, nonNegative } from '../../../validation/values.ts';
import type { ControllerRevision } from '../types.generated.ts';

function validate({ data, revision }: ControllerRevision): FieldError[] {
  return [
    ...(data === undefined || data === null ? [fieldError.required('data', 'data is mandatory')] : []),
    ...nonNegative('revision', revision),
  ];
}

export const controllerRevision: Kind<ControllerRevision> = {
  strategy: {
    validate,
    // What a controller once made its Pods of stays what it was.
    validateUpdate: (object, old) => [...validate(object), ...immutable('data', object.data, old.data)],
  },
  columns: [nameColumn, column('Controller', 'Whose revision it is.'), column('Revision', 'Which one.'), ageColumn],
  cells(object, now) {
    const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
    const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    const text = owner ? `${owner.kind.toLowerCase()}${group}/${owner.name}` : '<none>';
    return [object.metadata.name, text, object.revision, ageCell(object, now)];
  },
};
