// The fields that say which addresses a Service has: clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy. Used twice: by
// the allocator before it allocates, and by validation (service-semantics 1.3, 1.4).
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import { familyOf } from '../../../../net/ip.ts';
import type { Service } from '../types.generated.ts';
import { clusterIPNone, isHeadless } from './facts.ts';

const { required, duplicate, invalid, notSupported } = fieldError;
const families = ['IPv4', 'IPv6'];
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const immutable = 'may not change once set';

/** Whether the fields agree with each other. ExternalName Services are judged elsewhere: they may have none of them. */
export function validateClusterIPFields(service: Service, old?: Service): FieldError[] {
  const { spec } = service;
  if (spec.type === 'ExternalName') return [];
  const ips = spec.clusterIPs ?? [];
  const errors: FieldError[] = [];
  if (spec.clusterIP) {
    if (ips.length === 0) errors.push(required('spec.clusterIPs'));
    else if (ips[0] !== spec.clusterIP) {
      errors.push(invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`'));
    }
  } else if (ips.length > 0) {
    errors.push(invalid('spec.clusterIPs', ips, 'must be empty when `clusterIP` is not specified'));
  }
  errors.push(...validateFamilies(spec.ipFamilies ?? []));
  if (spec.ipFamilyPolicy !== undefined && !policies.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies));
  }
  const addressErrors = validateAddresses(ips, old?.spec.clusterIPs ?? []);
  errors.push(...addressErrors);
  if (ips.length > 2) errors.push(invalid('spec.clusterIPs', ips, 'may only hold up to 2 values'));
  // What follows would only repeat, less clearly, that an address is bad.
  if (addressErrors.length > 0) return errors;
  const known = ips.map((ip) => familyOf(ip));
  if (ips.length > 1 && new Set(known).size < 2) {
    errors.push(invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'));
  }
  if (!isHeadless(service)) errors.push(...validateFamiliesMatch(ips, spec.ipFamilies ?? []));
  return errors;
}

function validateFamilies(given: readonly string[]): FieldError[] {
  return given.flatMap((family, i) => {
    const field = `spec.ipFamilies[${i}]`;
    const errors = families.includes(family) ? [] : [notSupported(field, family, families)];
    if (given.indexOf(family) < i) errors.push(duplicate(field, family));
    return errors;
  });
}

function validateAddresses(ips: readonly string[], existing: readonly string[]): FieldError[] {
  return ips.flatMap((ip, i) => {
    if (i === 0 && ip === clusterIPNone) {
      return ips.length > 1 ? [invalid('spec.clusterIPs', ips, "'None' must be the first and only value")] : [];
    }
    return validateLegacyIP(`spec.clusterIPs[${i}]`, ip, existing);
  });
}

function validateFamiliesMatch(ips: readonly string[], given: readonly string[]): FieldError[] {
  return ips.flatMap((ip, i) => {
    const family = given[i];
    if (!families.includes(family ?? '') || familyOf(ip) === family) return [];
    const why = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    return [invalid(`spec.clusterIPs[${i}]`, ip, why)];
  });
}

/** What a change may do to addresses and families: grow, or shrink with policy SingleStack, but keep the first. */
export function validateClusterIPChange(service: Service, old: Service): FieldError[] {
  if (service.spec.type === 'ExternalName' || old.spec.type === 'ExternalName') return [];
  const errors: FieldError[] = [];
  if (!(isHeadless(service) && isHeadless(old))) {
    errors.push(...validateListChange(service, old, 'clusterIPs'));
  }
  if (!isHeadless(service) && !isHeadless(old)) {
    errors.push(...validateListChange(service, old, 'ipFamilies'));
  }
  return errors;
}

function validateListChange(service: Service, old: Service, list: 'clusterIPs' | 'ipFamilies'): FieldError[] {
  const { spec } = service;
  const now = spec[list] ?? [];
  const before = old.spec[list] ?? [];
  const ofIPs = list === 'clusterIPs';
  const one = ofIPs ? 'clusterIP' : 'ipFamily';
  const first = `spec.${list}[0]`;
  if (now.length === before.length) {
    // Upstream names the first of the families, whichever it was that changed.
    const path = (i: number): string => (ofIPs ? `spec.${list}[${i}]` : first);
    return before.flatMap((value, i) => (value === now[i] ? [] : [invalid(path(i), spec[list], immutable)]));
  }
  const errors: FieldError[] = [];
  if (now.length < before.length && !spec.clusterIPs?.length) {
    errors.push(invalid(first, spec[list], `primary ${one} can not be unset`));
  }
  // Of families that became more or fewer, upstream prints the addresses.
  if (now.length > 0 && before.length > 0 && now[0] !== before[0]) {
    errors.push(invalid(first, spec.clusterIPs, immutable));
  }
  if (now.length === 1 && before.length > 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const why = `must be set to 'SingleStack' when releasing the secondary ${one}`;
    errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why));
  }
  return errors;
}
