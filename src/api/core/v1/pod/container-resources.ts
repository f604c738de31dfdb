// What a container, or a Pod as a whole, asks for and is limited to.

import type { ObjectMeta } from '../../../../apimachinery/meta/v1.generated.ts';
import { compareQuantities, printQuantity } from '../../../../apimachinery/quantity.ts';
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import {
  amountOf,
  isHugePages,
  validateContainerResourceName,
  validateHugePages,
  validateRequestAgainstLimit,
  validateResourceName,
  validateResourceQuantity,
} from '../../../validation/quantities.ts';
import type {
  ContainerResizePolicy,
  PodResourceClaim,
  PodSpec,
  ResourceClaim,
  ResourceRequirements,
} from '../types.generated.ts';
import { mirrorAnnotation } from './annotations.ts';
import { internalForm } from './internal-form.ts';
import { podLimits, podRequests } from './resources.ts';

const { required, forbidden, invalid, duplicate, notFound, notSupported } = fieldError;

type NameRule = (field: string, name: string) => FieldError[];

/** Requests, limits and claims; `nameRule` says which resources may be named here. */
export function validateResources(
  resources: ResourceRequirements,
  path: string,
  claimNames: readonly string[] = [],
  nameRule: NameRule = validateContainerResourceName,
): FieldError[] {
  const { limits = {}, requests = {} } = resources;
  const errors: FieldError[] = [];
  for (const [name, amount] of Object.entries(limits)) {
    const at = `${path}.limits[${name}]`;
    errors.push(...nameRule(at, name), ...validateResourceQuantity(at, name, amount));
    if (isHugePages(name)) errors.push(...validateHugePages(at, name, amount));
  }
  for (const [name, amount] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    errors.push(
      ...nameRule(at, name),
      ...validateResourceQuantity(at, name, amount),
      ...validateRequestAgainstLimit(path, { name, request: amount, limit: ownValue(limits, name) }),
    );
    if (isHugePages(name)) errors.push(...validateHugePages(at, name, amount));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  }
  return [...errors, ...validateClaimReferences(resources.claims ?? [], `${path}.claims`, claimNames)];
}

/** Each refers to a claim of the Pod, and none twice: neither the whole claim, nor one request of it. */
function validateClaimReferences(
  claims: readonly ResourceClaim[],
  path: string,
  claimNames: readonly string[],
): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name, request }, i) => {
    const at = `${path}[${i}]`;
    if (!name) return [required(at)];
    const errors: FieldError[] = [];
    const key = request ? `${name}/${request}` : name;
    if (seen.has(name)) errors.push(duplicate(at, name));
    else {
      if (request) errors.push(...nameErrors(dns1123Label, `${at}.request`, request));
      if (seen.has(key)) errors.push(duplicate(at, key));
      else if (!request) {
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(duplicate(at, name));
      }
      seen.add(key);
    }
    if (claimNames.includes(name)) return errors;
    const list = claimNames.length === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`;
    const detail = `must be one of the names in pod.spec.resourceClaims${list}`;
    return [...errors, { ...notFound(at, name), detail }];
  });
}

/** The claims that a Pod brings. */
export function validateResourceClaims(
  claims: readonly PodResourceClaim[],
  path: string,
  pod: Pick<ObjectMeta, 'annotations'> | undefined,
): FieldError[] {
  if (pod?.annotations?.[mirrorAnnotation] !== undefined) {
    return claims.map(() => forbidden('', 'static pods do not support resource claims'));
  }
  const seen = new Set<string>();
  return claims.flatMap((claim, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    const { name } = claim;
    if (!name) errors.push(required(`${at}.name`));
    else if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    else errors.push(...nameErrors(dns1123Label, `${at}.name`, name));
    seen.add(name);
    return [...errors, ...validateClaimSource(claim, at)];
  });
}

function validateClaimSource(claim: PodResourceClaim, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceClaimName, resourceClaimTemplateName } = claim;
  const wrong = (why: string): number => errors.push(invalid(path, internalForm('PodResourceClaim', claim), why));
  if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
    wrong('at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified');
  }
  if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
    wrong('must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
  }
  for (const [field, name] of Object.entries({ resourceClaimName, resourceClaimTemplateName })) {
    if (name !== undefined) errors.push(...nameErrors(dns1123Subdomain, `${path}.${field}`, name));
  }
  return errors;
}

/** What happens to a running container when its resources change. */
export function validateResizePolicy(
  policies: readonly ContainerResizePolicy[],
  path: string,
  podRestartPolicy: string,
): FieldError[] {
  const seen = new Set<string>();
  return policies.flatMap(({ resourceName, restartPolicy }, i) => {
    const errors: FieldError[] = [];
    if (seen.has(resourceName)) errors.push(duplicate(`${path}[${i}]`, resourceName));
    seen.add(resourceName);
    if (!resourceName) errors.push(required(path));
    else if (!['cpu', 'memory'].includes(resourceName)) {
      errors.push(notSupported(path, resourceName, ['cpu', 'memory']));
    }
    const supported = ['NotRequired', 'RestartContainer'];
    if (!restartPolicy) errors.push(required(path));
    else if (!supported.includes(restartPolicy)) errors.push(notSupported(path, restartPolicy, supported));
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      const why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
      errors.push(invalid(path, restartPolicy, why));
    }
    return errors;
  });
}

/** Resources of the Pod itself: where it names one, at least what its containers ask for together. */
export function validatePodResources(spec: PodSpec, path: string): FieldError[] {
  const { resources } = spec;
  if (!resources) return [];
  if (spec.os?.name === 'windows') return [forbidden(path, 'may not be set for a windows pod')];
  return [
    ...(resources.claims ? [forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level')] : []),
    ...validateResources(resources, path, [], validatePodResourceName),
    ...validateAgainstContainers(spec, resources, path),
  ];
}

function validateAgainstContainers(spec: PodSpec, resources: ResourceRequirements, path: string): FieldError[] {
  const { resources: _own, overhead: _overhead, ...containersOnly } = spec;
  const hugePages = Object.entries(podLimits({ spec: containersOnly })).filter(([name]) => isHugePages(name));
  const sums = { requests: Object.entries(podRequests({ spec: containersOnly })), limits: hugePages };
  const errors = (['requests', 'limits'] as const).flatMap((list) =>
    sums[list].flatMap(([name, sum]) => {
      const own = amountOf(ownValue(resources[list], name));
      if (!own || compareQuantities(sum, own) <= 0) return [];
      const why = `must be greater than or equal to aggregate container ${list} of ${printQuantity(sum)}`;
      return [invalid(`${path}.${list}[${name}]`, printQuantity(own), why)];
    }),
  );
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const [own, most] = [amountOf(limit), amountOf(ownValue(resources.limits, name))];
      if (!own || !most || compareQuantities(own, most) <= 0) continue;
      const why = `must be less than or equal to pod limits of ${printQuantity(most)}`;
      errors.push(invalid(`${path}.containers[${i}][${name}].limits`, printQuantity(own), why));
    }
  }
  return errors;
}

function validatePodResourceName(field: string, name: string): FieldError[] {
  const errors = validateResourceName(field, name);
  if (errors.length > 0 || ['cpu', 'memory'].includes(name) || isHugePages(name)) return errors;
  return [notSupported(field, name, ['cpu', 'hugepages-', 'memory'])];
}
