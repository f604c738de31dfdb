// Names of other objects in fields.
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain, type NameRule, pathSegment } from '../../apimachinery/validation/names.ts';
import { nameErrors } from '../../apimachinery/validation/object-meta.ts';

/** A name that must be there and be one. */
export function validateRequiredName(
  field: string,
  name: string | undefined,
  rule: NameRule = dns1123Subdomain,
): FieldError[] {
  return name ? nameErrors(rule, field, name) : [fieldError.required(field)];
}

/** A name that may be absent or empty. */
export function validateOptionalName(
  field: string,
  name: string | undefined,
  rule: NameRule = dns1123Subdomain,
): FieldError[] {
  return name ? nameErrors(rule, field, name) : [];
}

/** A kind or a name that could stand in a URL, and must be there; `missing` says so where it is not. */
export function validateRequiredSegment(field: string, text: string | undefined, missing = ''): FieldError[] {
  return text ? nameErrors(pathSegment, field, text) : [fieldError.required(field, missing)];
}

/** A Secret in a namespace. */
export function validateSecretReference(
  path: string,
  { name, namespace }: { readonly name?: string | undefined; readonly namespace?: string | undefined },
): FieldError[] {
  return [
    ...validateRequiredName(`${path}.name`, name),
    ...validateRequiredName(`${path}.namespace`, namespace, dns1123Label),
  ];
}
