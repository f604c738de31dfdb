// Addresses and blocks in fields of the API: fields older than strict checking take non-canonical text with a warning;
// newer ones want the canonical form.
import { formatCIDR, parseCIDRSloppy } from '../../net/cidr.ts';
import {
  formatIP,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  isUnspecified,
  parseIPSloppy,
} from '../../net/ip.ts';
import { type FieldError, fieldError } from './field-error.ts';

const notAnIP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const notACIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** Of a field that takes non-canonical addresses. Values among `existing` (those of the old object) always pass. */
export function validateLegacyIP(field: string, value: string, existing: readonly string[] = []): FieldError[] {
  if (existing.includes(value)) return [];
  const parsed = parseIPSloppy(value);
  if (!parsed) return [fieldError.invalid(field, value, notAnIP)];
  const errors: FieldError[] = [];
  if (parsed.leadingZeros) errors.push(fieldError.invalid(field, value, 'must not have leading 0s'));
  else if (parsed.mapped) {
    errors.push(fieldError.invalid(field, value, 'must not be an IPv4-mapped IPv6 address'));
  }
  return errors;
}

/** Of a field that takes non-canonical blocks. Values among `existing` (those of the old object) always pass. */
export function validateLegacyCIDR(field: string, value: string, existing: readonly string[] = []): FieldError[] {
  if (existing.includes(value)) return [];
  const parsed = parseCIDRSloppy(value);
  if (!parsed) return [fieldError.invalid(field, value, notACIDR)];
  if (parsed.leadingZeros) {
    return [fieldError.invalid(field, value, 'must not have leading 0s in IP or prefix length')];
  }
  if (parsed.mapped) return [fieldError.invalid(field, value, 'must not have an IPv4-mapped IPv6 address')];
  if (parsed.ip.value !== parsed.cidr.base) {
    return [fieldError.invalid(field, value, 'must not have bits set beyond the prefix length')];
  }
  return [];
}

/** Of a field that wants canonical blocks. */
export function validateCIDR(field: string, value: string): FieldError[] {
  const errors = validateLegacyCIDR(field, value);
  if (errors.length > 0) return errors;
  const canonical = formatCIDR(parseCIDRSloppy(value)!.cidr);
  return canonical === value
    ? []
    : [fieldError.invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** An address with the length of the prefix of its network, in canonical form. */
export function validateInterfaceAddress(field: string, value: string): FieldError[] {
  const parsed = parseCIDRSloppy(value);
  if (!parsed) {
    const why = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)';
    return [fieldError.invalid(field, value, why)];
  }
  const canonical = `${formatIP(parsed.ip)}/${parsed.cidr.prefixLength}`;
  return canonical === value
    ? []
    : [fieldError.invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** Addresses that traffic cannot be sent to from another machine are no endpoints and no external addresses. */
export function validateEndpointIP(field: string, value: string): FieldError[] {
  const ip = parseIPSloppy(value)?.ip;
  if (!ip) return [fieldError.invalid(field, value, 'must be a valid IP address')];
  const errors: FieldError[] = [];
  const wrong = (detail: string): number => errors.push(fieldError.invalid(field, value, detail));
  if (isUnspecified(ip)) wrong(`may not be unspecified (${value})`);
  if (isLoopback(ip)) wrong('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  if (isLinkLocalUnicast(ip)) wrong('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (isLinkLocalMulticast(ip)) wrong('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  return errors;
}

/** A Warning text for an address that will be refused, or rewritten, some day. */
export function warningsForIP(field: string, value: string): string[] {
  const parsed = parseIPSloppy(value);
  if (!parsed) return [];
  const canonical = formatIP(parsed.ip);
  if (parsed.leadingZeros || parsed.mapped) {
    return [`${field}: non-standard IP address ${JSON.stringify(value)} is invalid: use ${JSON.stringify(canonical)}`];
  }
  if (parsed.ip.family === 'IPv4' || canonical === value) return [];
  return [
    `${field}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
  ];
}

/** As {@link warningsForIP}, for blocks. */
export function warningsForCIDR(field: string, value: string): string[] {
  const parsed = parseCIDRSloppy(value);
  if (!parsed) return [];
  const canonical = formatCIDR(parsed.cidr);
  const warnings: string[] = [];
  if (parsed.ip.value !== parsed.cidr.base) {
    const single = `${formatIP(parsed.ip)}/${parsed.ip.family === 'IPv4' && !parsed.mapped ? 32 : 128}`;
    warnings.push(
      `${field}: CIDR value ${JSON.stringify(value)} is ambiguous in this context (should be ${JSON.stringify(canonical)} or ${JSON.stringify(single)}?)`,
    );
  }
  if (parsed.leadingZeros || parsed.mapped) {
    warnings.push(
      `${field}: non-standard CIDR value ${JSON.stringify(value)} is invalid: use ${JSON.stringify(canonical)}`,
    );
  }
  if (warnings.length === 0 && parsed.cidr.family === 'IPv6' && canonical !== value) {
    warnings.push(
      `${field}: IPv6 CIDR value ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
    );
  }
  return warnings;
}
