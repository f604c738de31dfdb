// Rules on single values that many kinds have.
import { deepEqual } from '../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { immutableMessage } from '../../apimachinery/validation/object-meta.ts';

const { required, invalid, notSupported } = fieldError;

export const nonNegativeMessage = 'must be greater than or equal to 0';
export const positiveMessage = 'must be greater than zero';
export const maxInt32 = 2 ** 31 - 1;

export function nonNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, nonNegativeMessage)] : [];
}

/** One of a few texts. Empty is `Required value`; `supported` is printed in the order given. */
export function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(field)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

/** As {@link oneOf}, where absence is right and an empty text is one that is not supported. */
export function optionalOneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

/** `Required value` where nothing is given. */
export function requiredText(field: string, value: string | undefined, detail = ''): FieldError[] {
  return value ? [] : [required(field, detail)];
}

/** Refuses another value than the old one. `printed`: as the message shows it, where that is not as it was sent. */
export function immutable<T>(
  field: string,
  value: T,
  old: unknown,
  printed: (value: T) => unknown = (one) => one ?? null,
): FieldError[] {
  return deepEqual(value, old) ? [] : [invalid(field, printed(value), immutableMessage)];
}

/** Where values stand that stood before them already. Each is looked up once: lists are as long as who writes them likes. */
export function repetitions(values: readonly unknown[]): ReadonlySet<number> {
  const seen = new Set<unknown>();
  const again = new Set<number>();
  for (const [i, value] of values.entries()) {
    if (seen.has(value)) again.add(i);
    else seen.add(value);
  }
  return again;
}
