// Numbers against a schema: bounds and factors, and whether a number fits its type at all. As in Go, where a whole number that
// was written as one is an int64 and compared as such with bounds cut to int64, and all others are float64.
import { printedFloat } from '../../../apimachinery/json/go-text.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { formatOf } from './formats.ts';
import { isIntOrString, type JSONSchemaProps } from './props.ts';

/** A bigint is an int64 beyond 2^53. */
export type JsonNumber = number | bigint;

const smallest = -(2n ** 63n);
const tooLarge = 2n ** 64n;

/** Others are float64, among them whole numbers too large for an int64. */
export function isInt64(value: JsonNumber): boolean {
  return typeof value === 'bigint' || (Number.isInteger(value) && Math.abs(value) <= 2 ** 53);
}

/** Whether a float64 is near enough to a whole number to pass for one (go-openapi/swag). */
export function isNearlyInteger(value: number): boolean {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const rounded = Math.round(value);
  return value === rounded || Math.abs(value - rounded) < 1e-9 * Math.abs(rounded);
}

export function numberErrors(value: JsonNumber, schema: JSONSchemaProps, path: string): FieldError[] {
  const { multipleOf, minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema;
  const errors = rangeErrors(value, schema, { path, what: 'Checked' });
  const bounds = (bound: number, what: string) => {
    const outside = rangeErrors(bound, schema, { path, what });
    errors.push(...outside);
    // A bound that does not fit the type is compared as a float64.
    const native = outside.length === 0 && isInt64(value);
    return native ? { value: BigInt(value), bound: toInt64(bound) } : { value: Number(value), bound };
  };
  const refuse = (compared: JsonNumber, why: string) =>
    errors.push(refusal(path, compared, `${path} in body should be ${why}`));
  if (multipleOf !== undefined) errors.push(...factorErrors(bounds(multipleOf, 'MultipleOf'), path));
  if (minimum !== undefined) {
    const pair = bounds(minimum, 'Minimum boundary');
    const isOver = pair.value > pair.bound || (!exclusiveMinimum && pair.value === pair.bound);
    if (!isOver) refuse(pair.value, `greater than ${exclusiveMinimum ? '' : 'or equal to '}${printed(pair.bound)}`);
  }
  if (maximum !== undefined) {
    const pair = bounds(maximum, 'Maximum boundary');
    const isBelow = pair.value < pair.bound || (!exclusiveMaximum && pair.value === pair.bound);
    if (!isBelow) refuse(pair.value, `less than ${exclusiveMaximum ? '' : 'or equal to '}${printed(pair.bound)}`);
  }
  return errors;
}

/** A float64 that is whole is printed as one. */
function refusal(path: string, value: JsonNumber, why: string): FieldError {
  return { ...fieldError.invalid(path, value, why), value: printed(value) };
}

function printed(value: JsonNumber): string {
  return typeof value === 'bigint' ? String(value) : printedFloat(value);
}

/** Go's conversion: the fraction is cut, and what is out of range becomes the smallest (on amd64). */
function toInt64(value: number): bigint {
  const whole = BigInt(Math.trunc(value));
  return BigInt.asIntN(64, whole) === whole ? whole : smallest;
}

interface Pair {
  readonly value: JsonNumber;
  readonly bound: JsonNumber;
}

function factorErrors({ value, bound }: Pair, path: string): FieldError[] {
  if (bound <= 0) {
    const why = `factor MultipleOf declared for ${path} must be positive: ${printed(bound)}`;
    return [refusal(path, bound, why)];
  }
  const isMultiple =
    typeof value === 'bigint' && typeof bound === 'bigint'
      ? value % bound === 0n
      : isNearlyInteger(bound < 1 ? (1 / Number(bound)) * Number(value) : Number(value) / Number(bound));
  return isMultiple ? [] : [refusal(path, value, `${path} in body should be a multiple of ${printed(bound)}`)];
}

/** Whether a number, or a bound of the schema, can be had in the type and format. Its error names no field. */
function rangeErrors(
  value: JsonNumber,
  schema: JSONSchemaProps,
  { path, what }: { readonly path: string; readonly what: string },
): FieldError[] {
  const type = isIntOrString(schema) ? '' : (schema.type ?? '');
  const format = formatOf(schema);
  if (fits(value, type, format)) return [];
  const how = format === '' ? '(default format)' : `with format ${format}`;
  return [fieldError.invalid('<nil>', '', `${what} value must be of type ${type} ${how} in ${path}`)];
}

function fits(value: JsonNumber, type: string, format: string): boolean {
  if (type === 'number') return format !== 'float' || Number.isFinite(Math.fround(Number(value)));
  if (type !== 'integer') return true;
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  // The shortest digits of a float64 count, as it is printed.
  const whole = Math.abs(Number(value)) < 1e21 ? BigInt(String(value)) : tooLarge;
  return BigInt.asIntN(format === 'int32' ? 32 : 64, whole) === whole;
}
