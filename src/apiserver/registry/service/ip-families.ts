// Which IP families a Service has: what its author said, what its addresses tell, what the cluster has
// (service-semantics 1.6).
import { validateClusterIPFields } from '../../../api/core/v1/service/cluster-ips.ts';
import { clusterIPNone, sameClusterIPList, sameIPFamilies } from '../../../api/core/v1/service/facts.ts';
import type { Service } from '../../../api/core/v1/types.generated.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { familyOf, type IPFamily, otherFamily } from '../../../net/ip.ts';

const { invalid } = fieldError;
const policyField = 'spec.ipFamilyPolicy';

/** Fills in ipFamilyPolicy and ipFamilies. `configured` are the cluster's families, the default one first. */
export function initFamilies(
  service: Service,
  old: Service | undefined,
  configured: readonly IPFamily[],
): readonly FieldError[] {
  const { spec } = service;
  if (spec.type === 'ExternalName' || (old && isUntouchedPreferDualStack(service, old))) return [];
  const headlessWithoutSelector = spec.clusterIP === clusterIPNone && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (headlessWithoutSelector ? 'RequireDualStack' : 'SingleStack');
  const mismatches = validateClusterIPFields(service, old);
  if (mismatches.length > 0) return mismatches;
  const errors = [
    ...(old ? shrink(service, old) : []),
    ...policyErrors(service),
    ...inferFamilies(service, configured),
  ];
  if (errors.length > 0) return errors;
  const [first = 'IPv4'] = configured;
  if (headlessWithoutSelector) {
    // Nothing is allocated, so that both families may be named even where the cluster has but one.
    addFamilies(service, first, true);
    return [];
  }
  const impossible = unavailable(service, configured);
  if (impossible.length > 0) return impossible;
  addFamilies(service, first, configured.length === 2);
  return [];
}

/** PreferDualStack takes what it got when it was made: it does not follow changes of the cluster by itself. */
function isUntouchedPreferDualStack(service: Service, old: Service): boolean {
  const { spec } = service;
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    old.spec.ipFamilyPolicy === 'PreferDualStack' &&
    spec.type === old.spec.type &&
    sameClusterIPList(service, old) &&
    sameIPFamilies(service, old)
  );
}

/** To SingleStack with everything else as it was: the second address goes. By any other way the policy has to say so. */
function shrink(service: Service, old: Service): FieldError[] {
  const { spec } = service;
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameClusterIPList(service, old) && spec.clusterIPs) spec.clusterIPs = spec.clusterIPs.slice(0, 1);
    if (sameIPFamilies(service, old) && spec.ipFamilies) spec.ipFamilies = spec.ipFamilies.slice(0, 1);
    return [];
  }
  const reduced = (list: 'clusterIPs' | 'ipFamilies'): boolean =>
    (old.spec[list]?.length ?? 0) === 2 && spec[list]?.length === 1;
  const mustBe = (what: string): FieldError =>
    invalid(policyField, spec.ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`);
  return [
    ...(reduced('clusterIPs') ? [mustBe('cluster IP')] : []),
    ...(reduced('ipFamilies') ? [mustBe('IP family')] : []),
  ];
}

function policyErrors({ spec }: Service): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const why = (what: string): FieldError =>
    invalid(
      policyField,
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(spec.clusterIPs?.length === 2 ? [why('cluster IPs')] : []),
    ...(spec.ipFamilies?.length === 2 ? [why('IP families')] : []),
  ];
}

/** Families of the given addresses, where the families themselves are not given. */
function inferFamilies({ spec }: Service, configured: readonly IPFamily[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === clusterIPNone) break;
    const family = familyOf(ip);
    if (!family || i < (spec.ipFamilies?.length ?? 0)) continue;
    if (configured.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else errors.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  return errors;
}

function unavailable({ spec }: Service, configured: readonly IPFamily[]): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    errors.push(invalid(policyField, spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (configured.some((known) => known === family)) continue;
    errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  return errors;
}

function addFamilies({ spec }: Service, first: IPFamily, bothPossible: boolean): void {
  const families = (spec.ipFamilies?.length ? [...spec.ipFamilies] : [first]) as IPFamily[];
  if (families.length === 1 && bothPossible && spec.ipFamilyPolicy !== 'SingleStack') {
    families.push(otherFamily(families[0]!));
  }
  spec.ipFamilies = families;
}
