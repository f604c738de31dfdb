// What the objects of a namespace use of a quota.
import {
  type Evaluator,
  evaluatorOf,
  resourceCounted,
  totalUsage,
} from '../../api/core/v1/resourcequota/evaluators.ts';
import { scopeSelectorsOf } from '../../api/core/v1/resourcequota/scopes.ts';
import type { ResourceQuota, ResourceQuotaStatus } from '../../api/core/v1/types.generated.ts';
import { type GroupResource, type KubeObject, printResource } from '../../apimachinery/object.ts';
import { quantityOf } from '../../apimachinery/quantity.ts';
import { equalAmounts, parseAmounts, pickAmounts, printAmounts } from '../../apimachinery/resource-list.ts';

/** The resources whose objects a quota counts, each once. */
export function countedResources({ spec }: Readonly<ResourceQuota>): GroupResource[] {
  const counted = Object.keys(spec?.hard ?? {}).flatMap((name) => resourceCounted(name) ?? []);
  return [...new Map(counted.map((resource) => [printResource(resource), resource])).values()];
}

export interface QuotaInput {
  readonly quota: Readonly<ResourceQuota>;
  /** All objects of the namespace by {@link printResource}; what could not be listed is absent, and its usage stays. */
  readonly objects: ReadonlyMap<string, readonly Readonly<KubeObject>[]>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The status that a quota should have; undefined when it has it. */
export function quotaStatus({ quota, objects, now }: QuotaInput): ResourceQuotaStatus | undefined {
  const hard = quota.spec?.hard ?? {};
  const names = Object.keys(hard);
  let used = pickAmounts(parseAmounts(quota.status?.used), names);
  for (const resource of countedResources(quota)) {
    const listed = objects.get(printResource(resource));
    const evaluator = evaluatorOf(resource);
    if (!listed || !evaluator) continue;
    const matching = evaluator.matchingResources(names);
    const none = Object.fromEntries(matching.map((name) => [name, quantityOf(0)]));
    const counted = listed.filter((object) => isInScope(quota, evaluator, object));
    const usage = totalUsage(counted.map((object) => evaluator.usage(object, now)));
    used = { ...used, ...none, ...pickAmounts(usage, matching) };
  }
  const isCurrent =
    quota.status?.hard !== undefined &&
    equalAmounts(parseAmounts(quota.status.hard), parseAmounts(hard)) &&
    equalAmounts(parseAmounts(quota.status.used), used);
  return isCurrent ? undefined : { hard, used: printAmounts(used) };
}

function isInScope(quota: Readonly<ResourceQuota>, evaluator: Evaluator, object: Readonly<KubeObject>): boolean {
  return scopeSelectorsOf(quota).every((selector) => evaluator.matchesScope(selector, object));
}

/** Whether a change lets an object cost another amount than before, or cost it to other quotas. */
export function changesUsage(
  resource: GroupResource,
  {
    object,
    old,
    now,
  }: { readonly object: Readonly<KubeObject>; readonly old: Readonly<KubeObject>; readonly now: number },
): boolean {
  const evaluator = evaluatorOf(resource);
  if (!evaluator?.countsUpdates) return false;
  if (evaluator.changesScope?.(object, old)) return true;
  return !equalAmounts(evaluator.usage(object, now), evaluator.usage(old, now));
}

/** Whether what a quota says of its limits differs from what its status was counted for. */
export function isUncounted({ spec, status }: Readonly<ResourceQuota>): boolean {
  if (!status?.hard) return true;
  return !equalAmounts(parseAmounts(spec?.hard), parseAmounts(status.hard));
}
