// What the API server refuses in a Service, in upstream's words and order (service-semantics 1.3).
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateEndpointIP, validateLegacyCIDR, validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import { dns1123Subdomain, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { immutableMessage, nameErrors, validateLabels } from '../../../../apimachinery/validation/object-meta.ts';
import { oneOf } from '../../../validation/values.ts';
import type { Service } from '../types.generated.ts';
import { validateClusterIPChange, validateClusterIPFields } from './cluster-ips.ts';
import { externallyAccessible, isHeadless, needsClusterIP, needsHealthCheckNodePort } from './facts.ts';
import { validatePorts, validatePortUniqueness } from './ports.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const topologyHintsAnnotation = 'service.kubernetes.io/topology-aware-hints';
const topologyModeAnnotation = 'service.kubernetes.io/topology-mode';
const maxAffinityTimeoutSeconds = 86_400;

/** Everything but metadata. `old` is given on updates: what it already had is not refused again. */
export function validateService(service: Service, old?: Service): FieldError[] {
  return [
    ...validateTopologyAnnotations(service),
    ...validatePortsPresent(service),
    ...validateTypeDependent(service),
    ...validatePorts(service),
    ...validateLabels(service.spec.selector, 'spec.selector'),
    ...validateSessionAffinity(service),
    ...validateClusterIPFields(service, old),
    ...validateExternalIPs(service, old),
    ...validateType(service),
    ...validatePortUniqueness(service),
    ...validateSourceRanges(service, old),
    ...validateLoadBalancerFields(service),
    ...validateExternalTraffic(service),
    ...validateInternalTraffic(service),
    ...validateTrafficDistribution(service),
  ];
}

function validateTopologyAnnotations({ metadata }: Service): FieldError[] {
  const hints = metadata.annotations?.[topologyHintsAnnotation];
  const mode = metadata.annotations?.[topologyModeAnnotation];
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const why = `must match annotations[${topologyHintsAnnotation}] when both are specified`;
  return [invalid(`metadata.annotations[${topologyModeAnnotation}]`, mode, why)];
}

function validatePortsPresent(service: Service): FieldError[] {
  const none = (service.spec.ports?.length ?? 0) === 0;
  return none && !isHeadless(service) && service.spec.type !== 'ExternalName' ? [required('spec.ports')] : [];
}

function validateTypeDependent(service: Service): FieldError[] {
  const { spec } = service;
  const errors: FieldError[] = [];
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(service)) {
    errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type === 'ExternalName') errors.push(...validateExternalName(service));
  return errors;
}

function validateExternalName({ spec }: Service): FieldError[] {
  const why = 'may not be set for ExternalName services';
  const errors: FieldError[] = [];
  if (spec.clusterIPs?.length) errors.push(forbidden('spec.clusterIPs', why));
  if (spec.ipFamilies?.length) errors.push(forbidden('spec.ipFamilies', why));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden('spec.ipFamilyPolicy', why));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required('spec.externalName'));
  else errors.push(...nameErrors(dns1123Subdomain, 'spec.externalName', name));
  return errors;
}

function validateSessionAffinity({ spec }: Service): FieldError[] {
  const errors = oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  const path = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) {
    errors.push(forbidden(path, 'must not be set when session affinity is None'));
  }
  if (spec.sessionAffinity !== 'ClientIP') return errors;
  const why = 'when session affinity type is ClientIP';
  const { clientIP } = spec.sessionAffinityConfig ?? {};
  const seconds = clientIP?.timeoutSeconds;
  if (!spec.sessionAffinityConfig) errors.push(required(path, why));
  else if (!clientIP) errors.push(required(`${path}.clientIP`, why));
  else if (seconds === undefined) errors.push(required(`${path}.clientIP.timeoutSeconds`, why));
  else if (seconds <= 0 || seconds > maxAffinityTimeoutSeconds) {
    const range = `must be greater than 0 and less than ${maxAffinityTimeoutSeconds}`;
    errors.push(invalid(`${path}.clientIP.timeoutSeconds`, seconds, range));
  }
  return errors;
}

function validateExternalIPs({ spec }: Service, old?: Service): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((ip, i) => {
    const field = `spec.externalIPs[${i}]`;
    const errors = validateLegacyIP(field, ip, old?.spec.externalIPs);
    return errors.length > 0 ? errors : validateEndpointIP(field, ip);
  });
}

function validateType({ spec }: Service): FieldError[] {
  return oneOf('spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']);
}

function validateSourceRanges({ spec, metadata }: Service, old?: Service): FieldError[] {
  const misplaced = (field: string) => (spec.type === 'LoadBalancer' ? [] : [forbidden(field, onlyLoadBalancer)]);
  if (spec.loadBalancerSourceRanges?.length) {
    // Upstream spells the path with a capital L; clients match on it.
    const path = 'spec.LoadBalancerSourceRanges';
    const existing = (old?.spec.loadBalancerSourceRanges ?? []).map((range) => range.trim());
    return [
      ...misplaced(path),
      ...spec.loadBalancerSourceRanges.flatMap((range, i) =>
        validateLegacyCIDR(`${path}[${i}]`, range.trim(), existing),
      ),
    ];
  }
  const annotation = metadata.annotations?.[sourceRangesAnnotation];
  if (annotation === undefined) return [];
  const path = `metadata.annotations[${sourceRangesAnnotation}]`;
  const unchanged = old?.metadata.annotations?.[sourceRangesAnnotation] === annotation;
  const ranges = unchanged || annotation.trim() === '' ? [] : annotation.split(',').map((range) => range.trim());
  return [...misplaced(path), ...ranges.flatMap((range) => validateLegacyCIDR(path, range))];
}

function validateLoadBalancerFields({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.type === 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === undefined) errors.push(required('allocateLoadBalancerNodePorts'));
  } else if (spec.allocateLoadBalancerNodePorts !== undefined) {
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', onlyLoadBalancer));
  }
  return [...errors, ...validateLoadBalancerClass({ spec })];
}

function validateLoadBalancerClass({ spec }: Pick<Service, 'spec'>): FieldError[] {
  if (spec.loadBalancerClass === undefined) return [];
  if (spec.type !== 'LoadBalancer') return [forbidden('spec.loadBalancerClass', onlyLoadBalancer)];
  return nameErrors(qualifiedName, 'spec.loadBalancerClass', spec.loadBalancerClass);
}

/** Of a changed Service. Upstream looks at the class twice, and tells twice what is wrong with it. */
export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const { spec } = service;
  const errors = validateClusterIPChange(service, old);
  const balanced = spec.type === 'LoadBalancer' && old.spec.type === 'LoadBalancer';
  if (balanced && spec.loadBalancerClass !== old.spec.loadBalancerClass) {
    errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'));
  }
  errors.push(...validateLoadBalancerClass(service));
  const checked = needsHealthCheckNodePort(service) && needsHealthCheckNodePort(old);
  if (checked && (spec.healthCheckNodePort ?? 0) !== (old.spec.healthCheckNodePort ?? 0)) {
    errors.push(forbidden('spec.healthCheckNodePort', immutableMessage));
  }
  return [...errors, ...validateService(service, old)];
}

function validateExternalTraffic(service: Service): FieldError[] {
  const { spec } = service;
  const errors: FieldError[] = [];
  if (externallyAccessible(service)) {
    errors.push(...oneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local']));
  } else if (spec.externalTrafficPolicy) {
    const why = 'may only be set for externally-accessible services';
    errors.push(invalid('spec.externalTrafficPolicy', spec.externalTrafficPolicy, why));
  }
  const field = 'spec.healthCheckNodePort';
  const port = spec.healthCheckNodePort ?? 0;
  if (!needsHealthCheckNodePort(service)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    if (port !== 0) errors.push(invalid(field, port, why));
  } else if (port === 0) {
    errors.push(required(field));
  } else if (port < 1 || port > 65_535) {
    errors.push(invalid(field, port, 'must be between 1 and 65535, inclusive'));
  }
  return errors;
}

function validateInternalTraffic(service: Service): FieldError[] {
  const { internalTrafficPolicy } = service.spec;
  // Older ExternalName Services may have one, so it is not forbidden there.
  if (internalTrafficPolicy === undefined && !needsClusterIP(service)) return [];
  return oneOf('spec.internalTrafficPolicy', internalTrafficPolicy, ['Cluster', 'Local']);
}

function validateTrafficDistribution({ spec }: Service): FieldError[] {
  const supported = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (spec.trafficDistribution === undefined || supported.includes(spec.trafficDistribution)) return [];
  return [notSupported('spec.trafficDistribution', spec.trafficDistribution, supported)];
}
