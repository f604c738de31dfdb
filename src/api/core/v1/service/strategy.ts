// What happens to a Service on its way in (service-semantics 1.1 and 1.4), save allocation, which needs the store.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import { dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { parseIPSloppy } from '../../../../net/ip.ts';
import type { Strategy } from '../../../resource.ts';
import type { Service } from '../types.generated.ts';
import { defaultService } from './defaults.ts';
import {
  externallyAccessible,
  needsClusterIP,
  needsHealthCheckNodePort,
  nodePortsOf,
  sameClusterIPs,
  sameIPFamilies,
  usesNodePorts,
} from './facts.ts';
import { validateService, validateServiceUpdate } from './validation.ts';
import { serviceStatusWarnings, serviceWarnings } from './warnings.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

export const serviceStrategy: Strategy<Service> = {
  default: defaultService,
  prepareForUpdate(service, old) {
    dropTypeDependentFields(service, old);
    if (service.spec.type !== 'LoadBalancer') service.status = { ...service.status, loadBalancer: {} };
  },
  validate: (service) => validateService(service),
  validateUpdate: validateServiceUpdate,
  validateStatusUpdate: validateStatus,
  warnings: serviceWarnings,
  statusWarnings: serviceStatusWarnings,
};

/**
 * Clears fields that the new type does not use, where the client left them as they were: so that a change of `type`
 * alone is a valid change.
 */
function dropTypeDependentFields({ spec, ...rest }: Service, old: Service): void {
  const service = { spec, ...rest };
  if (needsClusterIP(old) && !needsClusterIP(service)) {
    if (sameClusterIPs(service, old)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (sameIPFamilies(service, old)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === old.spec.ipFamilyPolicy) delete spec.ipFamilyPolicy;
    // Carried along by defaulting, not by the client's wish: an ExternalName Service has none.
    if (spec.internalTrafficPolicy === old.spec.internalTrafficPolicy) delete spec.internalTrafficPolicy;
  }
  if (usesNodePorts(old) && !usesNodePorts(service)) {
    const before = nodePortsOf(old);
    if ([...nodePortsOf(service)].every((port) => before.has(port))) {
      for (const port of spec.ports ?? []) delete port.nodePort;
    }
  }
  const left = (holds: (service: Service) => boolean): boolean => holds(old) && !holds(service);
  const dropUnchanged = (field: 'healthCheckNodePort' | 'loadBalancerClass' | 'externalTrafficPolicy'): void => {
    if (spec[field] === old.spec[field]) delete spec[field];
  };
  if (left(needsHealthCheckNodePort)) dropUnchanged('healthCheckNodePort');
  if (left(({ spec: { type } }) => type === 'LoadBalancer')) {
    if (spec.allocateLoadBalancerNodePorts === old.spec.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    dropUnchanged('loadBalancerClass');
  }
  if (left(externallyAccessible)) dropUnchanged('externalTrafficPolicy');
}

function validateStatus({ spec, status }: Service, old: Service): FieldError[] {
  const path = 'status.loadBalancer.ingress';
  const ingresses = status?.loadBalancer?.ingress ?? [];
  const errors: FieldError[] = [];
  if (spec.type !== 'LoadBalancer' && ingresses.length > 0) {
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  const existing = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  for (const [i, { ip, ipMode, hostname }] of ingresses.entries()) {
    const at = `${path}[${i}]`;
    if (ip) errors.push(...validateLegacyIP(`${at}.ip`, ip, existing));
    if (ip && ipMode === undefined) errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'));
    if (!ip && ipMode !== undefined)
      errors.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    else if (ip && ipMode !== undefined && !['Proxy', 'VIP'].includes(ipMode)) {
      errors.push(notSupported(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']));
    }
    if (!hostname) continue;
    errors.push(...nameErrors(dns1123Subdomain, `${at}.hostname`, hostname));
    if (parseIPSloppy(hostname))
      errors.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
  }
  return errors;
}
