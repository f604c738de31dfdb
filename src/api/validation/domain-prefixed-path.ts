import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../apimachinery/validation/names.ts';

const { required, invalid } = fieldError;

const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPathPattern = new RegExp(`^${httpPath}$`);

/** Who looks after an object, as `example.com/ingress-controller`: a subdomain and a path of RFC 3986. */
export function validateDomainPrefixedPath(field: string, text: string): FieldError[] {
  if (text === '') return [required(field)];
  const slash = text.indexOf('/');
  const [host, path] = [text.slice(0, slash), text.slice(slash + 1)];
  if (slash <= 0 || path === '') {
    return [invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const errors = dns1123Subdomain(host).map((message) => invalid(field, host, message));
  if (httpPathPattern.test(path)) return errors;
  return [...errors, invalid(field, path, `Invalid path (regex used for validation is '${httpPath}')`)];
}
