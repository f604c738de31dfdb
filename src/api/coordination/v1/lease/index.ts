import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { nonNegative } from '../../../validation/values.ts';
import type { Lease } from '../types.generated.ts';

function validate({ spec }: Lease): FieldError[] {
  const seconds = spec?.leaseDurationSeconds;
  const errors: FieldError[] = [];
  if (seconds !== undefined && seconds <= 0) {
    errors.push(fieldError.invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
  }
  return [...errors, ...nonNegative('spec.leaseTransitions', spec?.leaseTransitions)];
}

export const lease: Kind<Lease> = {
  strategy: { validate, validateUpdate: validate },
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, column('Holder', 'Who has it.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.spec?.holderIdentity ?? '', ageCell(object, now)],
};
