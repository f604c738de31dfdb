// Errors of validation, worded as Kubernetes words them (k8s.io/apimachinery field.Error): clients match on the text.
import { escapeHtml, printedFloat, quoted } from '../json/go-text.ts';

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

export interface FieldError {
  readonly type: FieldErrorType;
  /** As in `spec.ports[0].name`. */
  readonly field: string;
  /** What was wrong after the type and value; may be empty. */
  readonly detail: string;
  /** The value as it is printed; undefined where the type prints none. */
  readonly value?: string;
}

const typeText: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
};

/** A value as the API prints it: strings quoted, numbers and booleans plain, all else as JSON. */
function printed(value: unknown): string {
  if (value === undefined) return 'null';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return printedFloat(value);
  return typeof value === 'bigint' ? String(value) : escapeHtml(JSON.stringify(value));
}

/** Constructors, named as upstream's. `field` is a path as in `spec.ports[0].name`. */
export const fieldError = {
  required: (field: string, detail = ''): FieldError => ({ type: 'FieldValueRequired', field, detail }),
  forbidden: (field: string, detail: string): FieldError => ({ type: 'FieldValueForbidden', field, detail }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({
    type: 'FieldValueInvalid',
    field,
    detail,
    value: printed(value),
  }),
  /** As `invalid`, of a value that is not printed. */
  invalidUnprinted: (field: string, detail: string): FieldError => ({ type: 'FieldValueInvalid', field, detail }),
  duplicate: (field: string, value: unknown): FieldError => ({
    type: 'FieldValueDuplicate',
    field,
    detail: '',
    value: printed(value),
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    type: 'FieldValueNotFound',
    field,
    detail: '',
    value: printed(value),
  }),
  /** `supported` is printed in the order given: sort it unless upstream does not. */
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    type: 'FieldValueNotSupported',
    field,
    detail: supported.length > 0 ? `supported values: ${supported.map(quoted).join(', ')}` : '',
    value: printed(value),
  }),
  tooLong: (field: string, max: number): FieldError => ({
    type: 'FieldValueTooLong',
    field,
    detail: `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`,
  }),
  tooMany: (field: string, actual: number, max: number): FieldError => ({
    type: 'FieldValueTooMany',
    field,
    detail: `must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
    value: String(actual),
  }),
  typeInvalid: (field: string, value: unknown, detail: string): FieldError => ({
    type: 'FieldValueTypeInvalid',
    field,
    detail,
    value: printed(value),
  }),
};

/** The error without its path, as in a Status cause: `Invalid value: "x": must be …`. */
export function fieldErrorBody(error: FieldError): string {
  const head = error.value === undefined ? typeText[error.type] : `${typeText[error.type]}: ${error.value}`;
  return error.detail === '' ? head : `${head}: ${error.detail}`;
}

/** The whole error: `spec.x: Invalid value: "x": must be …`. */
export function fieldErrorMessage(error: FieldError): string {
  return `${error.field}: ${fieldErrorBody(error)}`;
}
