import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain, pathSegment } from '../../../../apimachinery/validation/names.ts';
import { immutableMessage, nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { canonicalIP } from '../../../../net/ip.ts';
import type { IPAddress } from '../types.generated.ts';

const { required, invalid } = fieldError;

/** The name of an IPAddress is the address itself, in canonical form. */
export function ipAddressName(text: string): string[] {
  const canonical = canonicalIP(text);
  if (canonical === undefined) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

export function validateIPAddress({ spec }: IPAddress): FieldError[] {
  const path = 'spec.parentRef';
  const parent = spec?.parentRef;
  if (!parent) return [required(path)];
  const errors: FieldError[] = [];
  if (parent.group) errors.push(...nameErrors(dns1123Subdomain, `${path}.group`, parent.group));
  for (const field of ['resource', 'name', 'namespace'] as const) {
    const value = parent[field];
    if (value) errors.push(...nameErrors(pathSegment, `${path}.${field}`, value));
    else if (field !== 'namespace') errors.push(required(`${path}.${field}`));
  }
  return errors;
}

/** An address belongs to who it was given to. */
export function validateIPAddressUpdate({ spec }: IPAddress, old: IPAddress): FieldError[] {
  if (deepEqual(spec?.parentRef, old.spec.parentRef)) return [];
  const { group = '', resource = '', namespace = '', name = '' } = spec?.parentRef ?? {};
  // As upstream prints its own type, which has no JSON names.
  const value = spec?.parentRef ? { Group: group, Resource: resource, Namespace: namespace, Name: name } : null;
  return [invalid('spec.parentRef', value, immutableMessage)];
}
