// Conditions of the form that all newer kinds share (meta/v1 Condition).
import type { Condition } from '../../apimachinery/meta/v1.generated.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../apimachinery/validation/names.ts';
import { nameErrors } from '../../apimachinery/validation/object-meta.ts';

const { required, invalid, duplicate, notSupported, tooLong } = fieldError;

const maxReason = 1024;
const maxMessage = 32 * 1024;
const reason = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonPattern = new RegExp(`^${reason}$`);
const reasonMessage =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'" +
  ` (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reason}')`;

/** No type twice, and each whole. */
export function validateConditions(conditions: readonly Condition[] | undefined, path: string): FieldError[] {
  const types = (conditions ?? []).map(({ type }) => type);
  return (conditions ?? []).flatMap((condition, i) => [
    ...(types.indexOf(condition.type) < i ? [duplicate(`${path}[${i}].type`, condition.type)] : []),
    ...validateCondition(condition, `${path}[${i}]`),
  ]);
}

function validateCondition(condition: Condition, path: string): FieldError[] {
  const { type = '', status = '', observedGeneration = 0, lastTransitionTime, reason: why = '', message } = condition;
  const errors = nameErrors(qualifiedName, `${path}.type`, type);
  const statuses = ['False', 'True', 'Unknown'];
  if (!statuses.includes(status)) errors.push(notSupported(`${path}.status`, status, statuses));
  if (observedGeneration < 0) {
    errors.push(invalid(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'));
  }
  if (!lastTransitionTime) errors.push(required(`${path}.lastTransitionTime`));
  if (why === '') errors.push(required(`${path}.reason`));
  else if (!reasonPattern.test(why)) errors.push(invalid(`${path}.reason`, why, reasonMessage));
  if (Buffer.byteLength(why) > maxReason) errors.push(tooLong(`${path}.reason`, maxReason));
  if (Buffer.byteLength(message ?? '') > maxMessage) errors.push(tooLong(`${path}.message`, maxMessage));
  return errors;
}
