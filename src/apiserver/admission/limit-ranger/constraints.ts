// What a LimitRange refuses: amounts below its minimum, above its maximum, or limits too far above requests. Each check
// answers with upstream's text, or undefined.

import { podLimits, podRequests } from '../../../api/core/v1/pod/resources.ts';
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../../api/core/v1/types.generated.ts';
import { compareQuantities, printQuantity, type Quantity } from '../../../apimachinery/quantity.ts';
import { type Amounts, parseAmounts, type ResourceList } from '../../../apimachinery/resource-list.ts';
import { ownValue } from '../../../apimachinery/table.ts';

interface Asked {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

interface Constraint {
  /** `Container`, `Pod` or `PersistentVolumeClaim`. */
  readonly type: string;
  readonly resource: string;
  readonly enforced: Quantity;
}

function belowMin({ type, resource, enforced }: Constraint, { requests, limits }: Asked): string | undefined {
  const [request, limit] = [ownValue(requests, resource), ownValue(limits, resource)];
  const text = `minimum ${resource} usage per ${type} is ${printQuantity(enforced)}`;
  if (!request) return `${text}.  No request is specified`;
  if (compareQuantities(request, enforced) < 0) return `${text}, but request is ${printQuantity(request)}`;
  if (limit && compareQuantities(limit, enforced) < 0) return `${text}, but limit is ${printQuantity(limit)}`;
  return undefined;
}

function aboveMax({ type, resource, enforced }: Constraint, { requests, limits }: Asked): string | undefined {
  const [request, limit] = [ownValue(requests, resource), ownValue(limits, resource)];
  const text = `maximum ${resource} usage per ${type} is ${printQuantity(enforced)}`;
  if (!limit) return `${text}.  No limit is specified`;
  if (compareQuantities(limit, enforced) > 0) return `${text}, but limit is ${printQuantity(limit)}`;
  if (request && compareQuantities(request, enforced) > 0) return `${text}, but request is ${printQuantity(request)}`;
  return undefined;
}

function aboveRatio({ type, resource, enforced }: Constraint, { requests, limits }: Asked): string | undefined {
  const [request, limit] = [ownValue(requests, resource), ownValue(limits, resource)];
  const text = `${resource} max limit to request ratio per ${type} is ${printQuantity(enforced)}`;
  if (!request || request.nano === 0n) return `${text}, but no request is specified or request is 0`;
  if (!limit || limit.nano === 0n) return `${text}, but no limit is specified or limit is 0`;
  const ratio = Number(limit.nano) / Number(request.nano);
  return ratio * 1e9 > Number(enforced.nano) ? `${text}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}

/** A claim asks for no limit: what it requests is at most the maximum. */
function claimAboveMax({ type, resource, enforced }: Constraint, { requests }: Asked): string | undefined {
  const request = ownValue(requests, resource);
  const text = `maximum ${resource} usage per ${type} is ${printQuantity(enforced)}`;
  if (!request) return `${text}.  No request is specified`;
  return compareQuantities(request, enforced) > 0 ? `${text}, but request is ${printQuantity(request)}` : undefined;
}

type Check = (constraint: Constraint, asked: Asked) => string | undefined;

function violations(
  type: string,
  asked: Asked,
  checks: readonly (readonly [ResourceList | undefined, Check])[],
): string[] {
  return checks.flatMap(([list, check]) => {
    const enforced = parseAmounts(list);
    return Object.keys(enforced)
      .sort()
      .flatMap((resource) => check({ type, resource, enforced: enforced[resource]! }, asked) ?? []);
  });
}

function itemViolations({ type, min, max, maxLimitRequestRatio }: LimitRangeItem, asked: Asked): string[] {
  return violations(type, asked, [
    [min, belowMin],
    [max, aboveMax],
    [maxLimitRequestRatio, aboveRatio],
  ]);
}

/** What a RuntimeClass adds to a pod is not held against it. */
function askedByContainers({ spec }: Readonly<Pod>): Asked {
  const { overhead: _overhead, ...rest } = spec ?? { containers: [] };
  return { requests: podRequests({ spec: rest }), limits: podLimits({ spec: rest }) };
}

/** Everything in which a pod breaks a LimitRange. */
export function podViolations({ spec }: LimitRange, pod: Readonly<Pod>): string[] {
  return (spec.limits ?? []).flatMap((item) => {
    if (item.type === 'Pod') return itemViolations(item, askedByContainers(pod));
    if (item.type !== 'Container') return [];
    return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].flatMap(({ resources }) =>
      itemViolations(item, {
        requests: parseAmounts(resources?.requests),
        limits: parseAmounts(resources?.limits),
      }),
    );
  });
}

/** The same for a claim. */
export function claimViolations({ spec }: LimitRange, claim: Readonly<PersistentVolumeClaim>): string[] {
  const requests = parseAmounts(claim.spec?.resources?.requests);
  return (spec.limits ?? []).flatMap(({ type, min, max }) => {
    if (type !== 'PersistentVolumeClaim') return [];
    return violations(type, { requests, limits: {} }, [
      [min, belowMin],
      [max, claimAboveMax],
    ]);
  });
}
