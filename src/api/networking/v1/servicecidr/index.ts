import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateCIDR } from '../../../../apimachinery/validation/ip.ts';
import { immutableMessage } from '../../../../apimachinery/validation/object-meta.ts';
import { parseCIDRSloppy } from '../../../../net/cidr.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { ServiceCIDR } from '../types.generated.ts';

const { required, invalid } = fieldError;

function validate({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required('spec.cidrs', 'at least one CIDR required')];
  // Upstream prints the whole spec, of its own type, which has no JSON names.
  const printed = { CIDRs: cidrs };
  if (cidrs.length > 2) return [invalid('spec.cidrs', printed, 'may only hold up to 2 values')];
  const families = cidrs.map((cidr) => parseCIDRSloppy(cidr)?.cidr.family);
  if (cidrs.length === 2 && (families.includes(undefined) || families[0] === families[1])) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    return [invalid('spec.cidrs', printed, why)];
  }
  return cidrs.flatMap((cidr, i) => validateCIDR(`spec.cidrs[${i}]`, cidr));
}

/** The other family may join; nothing else changes. */
function validateUpdate(object: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const now = object.spec?.cidrs ?? [];
  const before = old.spec?.cidrs ?? [];
  const joins = before.length === 1 && now.length === 2;
  if (!joins && now.length !== before.length) return [invalid('spec.cidrs', now, immutableMessage)];
  const changed = before.flatMap((cidr, i) =>
    now[i] === cidr ? [] : [invalid(`spec.cidrs[${i}]`, now[i], immutableMessage)],
  );
  return joins ? [...changed, ...validate(object)] : changed;
}

export const serviceCIDR: Kind<ServiceCIDR> = {
  strategy: { validate, validateUpdate },
  columns: [nameColumn, column('CIDRs', 'The ranges of cluster IPs.'), ageColumn],
  cells: (object, now) => [object.metadata.name, (object.spec.cidrs ?? []).join(','), ageCell(object, now)],
};
