// How much of a device there is, and which amounts of it may be asked for where several claims share it (KEP-5075).
import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  printQuantity,
  type Quantity,
  quantityValue,
} from '../../../apimachinery/quantity.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { validateSet } from './collections.ts';
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from './types.generated.ts';

const { required, forbidden, invalid } = fieldError;

const maxValues = 10;

/** `shared`: several claims may have a part of the device. */
export function validateCapacity(
  { value, requestPolicy: policy }: DeviceCapacity,
  path: string,
  { shared }: { readonly shared: boolean },
): FieldError[] {
  const at = `${path}.requestPolicy`;
  if (!policy) return [];
  if (!shared) return [forbidden(at, 'allowMultipleAllocations must be true')];
  return validatePolicy(policy, at, parseQuantity(value));
}

function validatePolicy(policy: CapacityRequestPolicy, path: string, capacity: Quantity): FieldError[] {
  const { validValues = [], validRange, default: usual } = policy;
  const which = validValues.length > 0 ? 'validValues' : 'validRange';
  if (validValues.length > 0 && validRange) {
    const why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    return [forbidden(path, why)];
  }
  if (validValues.length === 0 && !validRange) return [];
  if (usual === undefined) return [required(`${path}.default`, `required when ${which} is defined`)];
  const amount = parseQuantity(usual);
  return validRange
    ? validateRange(validRange, `${path}.validRange`, { usual: amount, capacity })
    : validateValues(validValues, `${path}.validValues`, { usual: amount, capacity });
}

interface Bounds {
  /** What is allocated where no amount is asked for. */
  readonly usual: Quantity;
  readonly capacity: Quantity;
}

const isMore = (a: Quantity, b: Quantity): boolean => compareQuantities(a, b) > 0;

function validateValues(texts: readonly string[], path: string, { usual, capacity }: Bounds): FieldError[] {
  const amounts = texts.map(parseQuantity);
  const errors = amounts.slice(1).flatMap((amount, i) => {
    const why = 'values must be sorted in ascending order';
    return isMore(amounts[i]!, amount) ? [invalid(`${path}[${i + 1}]`, printQuantity(amount), why)] : [];
  });
  errors.push(
    ...validateSet(amounts, path, {
      max: maxValues,
      item: (amount, at) => {
        const why = `option is larger than capacity value: ${printQuantity(capacity)}`;
        return isMore(amount, capacity) ? [invalid(at, printQuantity(amount), why)] : [];
      },
      key: (amount) => String(quantityValue(amount)),
    }),
  );
  const why = 'default value is not valid according to the requestPolicy';
  const isThere = amounts.length <= maxValues && amounts.some((amount) => compareQuantities(amount, usual) === 0);
  return isThere ? errors : [...errors, invalid(path, printQuantity(usual), why)];
}

function validateRange(range: CapacityRequestPolicyRange, path: string, { usual, capacity }: Bounds): FieldError[] {
  if (range.min === undefined) return [required(`${path}.min`, 'required when validRange is defined')];
  const min = parseQuantity(range.min);
  const max = range.max === undefined ? undefined : parseQuantity(range.max);
  const [whole, least] = [printQuantity(capacity), printQuantity(min)];
  const errors: FieldError[] = [];
  const refuse = (field: string, amount: Quantity, why: string): number =>
    errors.push(invalid(`${path}.${field}`, printQuantity(amount), why));
  if (isMore(min, capacity)) refuse('min', min, `min is larger than capacity value: ${whole}`);
  if (isMore(min, usual)) refuse('min', usual, `default is less than min: ${least}`);
  if (max) {
    if (isMore(min, max)) refuse('max', min, `min is larger than max: ${printQuantity(max)}`);
    if (isMore(max, capacity)) refuse('max', max, `max is larger than capacity value: ${whole}`);
    if (isMore(usual, max)) refuse('max', usual, `default is more than max: ${printQuantity(max)}`);
  }
  if (range.step === undefined) return errors;
  const step = parseQuantity(range.step);
  const next = addQuantities(min, step);
  if (isMore(next, capacity)) {
    refuse('step', step, `one step ${printQuantity(next)} is larger than capacity value: ${whole}`);
  }
  for (const amount of [usual, ...(max ? [max] : [])]) {
    const why = `value is not a multiple of a given step (${printQuantity(step)}) from (${least})`;
    const isOff = (quantityValue(amount) - quantityValue(min)) % quantityValue(step) !== 0;
    if (isOff) refuse('step', amount, why);
  }
  return errors;
}
