import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { nonNegative, optionalOneOf } from '../../../validation/values.ts';
import type { Lease } from '../types.generated.ts';

/** The one that there is, or somebody's own under a domain. Upstream names the field twice. */
function validateStrategy(strategy: string): FieldError[] {
  const field = 'spec.strategy.strategy';
  if (strategy.includes('/')) return nameErrors(qualifiedName, field, strategy);
  return optionalOneOf(field, strategy, ['OldestEmulationVersion']);
}

function validate({ spec }: Lease): FieldError[] {
  const seconds = spec?.leaseDurationSeconds;
  const errors: FieldError[] = [];
  if (seconds !== undefined && seconds <= 0) {
    errors.push(fieldError.invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
  }
  errors.push(...nonNegative('spec.leaseTransitions', spec?.leaseTransitions));
  const { strategy, preferredHolder } = spec ?? {};
  if (strategy !== undefined) errors.push(...validateStrategy(strategy));
  if (preferredHolder && !strategy) {
    errors.push(fieldError.forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'));
  }
  return errors;
}

export const lease: Kind<Lease> = {
  strategy: { validate, validateUpdate: validate },
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, column('Holder', 'Who has it.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.spec?.holderIdentity ?? '', ageCell(object, now)],
};
