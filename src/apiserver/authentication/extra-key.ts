// The names of a user's extra fields: `acme.io/foo`.
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../apimachinery/validation/names.ts';

const pathPattern = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const path = new RegExp(`^${pathPattern}$`);

/** A path below a domain (upstream's IsDomainPrefixedPath). */
export function domainPrefixedPathErrors(field: string, key: string): FieldError[] {
  if (key === '') return [fieldError.required(field)];
  const [, host = '', rest = ''] = /^([^/]+)\/(.+)$/s.exec(key) ?? [];
  if (host === '') return [fieldError.invalid(field, key, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const errors = dns1123Subdomain(host).map((why) => fieldError.invalid(field, host, why));
  if (path.test(rest)) return errors;
  const why = `Invalid path (regex used for validation is '${pathPattern}')`;
  return [...errors, fieldError.invalid(field, rest, why)];
}
