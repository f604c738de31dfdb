// What the API server refuses in an Ingress.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import {
  dns1035Label,
  dns1123Subdomain,
  ianaServiceName,
  portNumberErrors,
  wildcardDns1123Subdomain,
} from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { parseIPSloppy } from '../../../../net/ip.ts';
import { validateRequiredSegment } from '../../../validation/references.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressTLS } from '../types.generated.ts';

const { required, invalid, notSupported } = fieldError;

const classAnnotation = 'kubernetes.io/ingress.class';
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];

/** `isNew`: some rules are only for Ingresses that are made now. */
export function validateIngress({ metadata, spec }: Ingress, { isNew }: { readonly isNew: boolean }): FieldError[] {
  const { rules, defaultBackend, ingressClassName, tls = [] } = spec ?? {};
  const errors: FieldError[] = [];
  if (!rules?.length && !defaultBackend) {
    errors.push(invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  errors.push(
    ...(defaultBackend ? validateBackend(defaultBackend, 'spec.defaultBackend') : []),
    ...(rules ?? []).flatMap((rule, i) => validateRule(rule, `spec.rules[${i}]`)),
    ...tls.flatMap((one, i) => validateTLS(one, `spec.tls[${i}]`)),
    ...(ingressClassName === undefined ? [] : nameErrors(dns1123Subdomain, 'spec.ingressClassName', ingressClassName)),
  );
  const annotation = metadata.annotations?.[classAnnotation];
  if (isNew && annotation !== undefined && ingressClassName !== undefined && annotation !== ingressClassName) {
    const why = 'must match `ingressClassName` when both are specified';
    errors.push(invalid(`annotations.${classAnnotation}`, annotation, why));
  }
  return errors;
}

function hostErrors(field: string, host: string): FieldError[] {
  return nameErrors(host.includes('*') ? wildcardDns1123Subdomain : dns1123Subdomain, field, host);
}

function validateTLS({ hosts = [], secretName }: IngressTLS, path: string): FieldError[] {
  return [
    ...hosts.flatMap((host, i) => hostErrors(`${path}.hosts[${i}]`, host)),
    ...(secretName ? nameErrors(dns1123Subdomain, `${path}.secretName`, secretName) : []),
  ];
}

function validateRule({ host, http }: IngressRule, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (host) {
    if (parseIPSloppy(host)) {
      errors.push(invalid(`${path}.host`, host, 'must be a DNS name, not an IP address'));
    }
    errors.push(...hostErrors(`${path}.host`, host));
  }
  if (!http) return errors;
  if (!http.paths?.length) return [...errors, required(`${path}.http.paths`)];
  return [...errors, ...http.paths.flatMap((one, i) => validatePath(one, `${path}.http.paths[${i}]`))];
}

const invalidSequences = ['//', '/./', '/../', '%2f', '%2F'];
const invalidSuffixes = ['/..', '/.'];

function validatePath({ path: url = '', pathType, backend }: HTTPIngressPath, path: string): FieldError[] {
  const at = `${path}.path`;
  const errors: FieldError[] = [];
  if (pathType === undefined || pathType === null) return [required(`${path}.pathType`, 'pathType must be specified')];
  if (pathType === 'ImplementationSpecific') {
    if (url !== '' && !url.startsWith('/')) errors.push(invalid(at, url, 'must be an absolute path'));
  } else if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!url.startsWith('/')) errors.push(invalid(at, url, 'must be an absolute path'));
    for (const sequence of invalidSequences) {
      if (url.includes(sequence)) errors.push(invalid(at, url, `must not contain '${sequence}'`));
    }
    for (const suffix of invalidSuffixes) {
      if (url.endsWith(suffix)) errors.push(invalid(at, url, `cannot end with '${suffix}'`));
    }
  } else errors.push(notSupported(`${path}.pathType`, pathType, pathTypes));
  return [...errors, ...validateBackend(backend ?? {}, `${path}.backend`)];
}

/** Exactly one of a Service's port and an object that the controller knows. */
function validateBackend({ service, resource }: IngressBackend, path: string): FieldError[] {
  if (service && resource) return [invalid(path, '', 'cannot set both resource and service backends')];
  if (resource) {
    const { kind, name } = resource;
    const apiGroup = resource.apiGroup ?? undefined;
    const at = `${path}.resource`;
    return [
      ...(apiGroup === undefined ? [] : nameErrors(dns1123Subdomain, `${at}.apiGroup`, apiGroup)),
      ...validateRequiredSegment(`${at}.kind`, kind, 'kind is required'),
      ...validateRequiredSegment(`${at}.name`, name, 'name is required'),
    ];
  }
  if (!service) return [invalid(path, '', 'resource or service backend is required')];
  const { name, port } = service;
  const errors = name ? nameErrors(dns1035Label, `${path}.service.name`, name) : [required(`${path}.service.name`)];
  const hasNumber = (port?.number ?? 0) !== 0;
  if (port?.name && hasNumber) errors.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (port?.name) errors.push(...nameErrors(ianaServiceName, `${path}.service.port.name`, port.name));
  else if (hasNumber) {
    const wrong = portNumberErrors(port!.number!);
    errors.push(...wrong.map((message) => invalid(`${path}.service.port.number`, port!.number, message)));
  } else errors.push(required(path, 'port name or number is required'));
  return errors;
}

export function validateIngressStatus({ status }: Ingress, old: Ingress): FieldError[] {
  const existing = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`;
    const errors = ip ? validateLegacyIP(`${at}.ip`, ip, existing) : [];
    if (hostname) {
      errors.push(...nameErrors(dns1123Subdomain, `${at}.hostname`, hostname));
      if (parseIPSloppy(hostname)) {
        errors.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
      }
    }
    return errors;
  });
}
