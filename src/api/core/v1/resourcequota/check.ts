// Whether a write fits into the quotas of its namespace, and what they have used after it.
import type { KubeObject } from '../../../../apimachinery/object.ts';
import {
  type Amounts,
  addAmounts,
  exceeding,
  parseAmounts,
  pickAmounts,
  printAmounts,
  subtractAmounts,
} from '../../../../apimachinery/resource-list.ts';
import type { ResourceQuota } from '../types.generated.ts';
import type { Evaluator } from './evaluators.ts';
import { scopeSelectorsOf } from './scopes.ts';

export interface QuotaRequest {
  readonly evaluator: Evaluator;
  readonly object: Readonly<KubeObject>;
  /** The object before an update. */
  readonly old: Readonly<KubeObject> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type QuotaDecision =
  | { readonly allowed: false; readonly reason: string }
  /** `charged`: new amounts used, by the name of the quota; only quotas that change. */
  | { readonly allowed: true; readonly charged: ReadonlyMap<string, Record<string, string>> };

const free: QuotaDecision = { allowed: true, charged: new Map() };

/** All quotas of the object's namespace are given; those that do not concern it are passed over. */
export function checkQuotas(quotas: readonly Readonly<ResourceQuota>[], request: QuotaRequest): QuotaDecision {
  const { evaluator, object, old, now } = request;
  const concerned = quotas.filter((quota) => matches(quota, evaluator, object));
  if (concerned.length === 0) return free;
  const usage = evaluator.usage(object, now);
  const added = addedCost(request);
  // A quota that the object did not concern before is charged for all of it.
  const costTo = (quota: Readonly<ResourceQuota>) =>
    old && !matches(quota, evaluator, old) ? withoutZeros(usage) : added;
  if (concerned.every((quota) => Object.keys(costTo(quota)).length === 0)) return free;
  for (const quota of concerned) {
    const reason = unmeasurable(quota, evaluator, object);
    if (reason !== undefined) return { allowed: false, reason };
  }
  const negative = Object.keys(usage).filter((name) => usage[name]!.nano < 0n);
  if (negative.length > 0) {
    return { allowed: false, reason: `quota usage is negative for resource(s): ${negative.sort().join(',')}` };
  }
  const charged = new Map<string, Record<string, string>>();
  for (const quota of concerned) {
    const done = charge(quota, costTo(quota));
    if (typeof done === 'string') return { allowed: false, reason: done };
    if (done) charged.set(quota.metadata.name, done);
  }
  return { allowed: true, charged };
}

/** What a write makes an object cost beyond what it cost before; empty for most updates. */
export function addedCost({ evaluator, object, old, now }: QuotaRequest): Amounts {
  const usage = evaluator.usage(object, now);
  return withoutZeros(old ? subtractAmounts(usage, evaluator.usage(old, now)) : usage);
}

/** Whether a quota limits something of what the object costs, and its scopes are about the object. */
function matches(quota: Readonly<ResourceQuota>, evaluator: Evaluator, object: Readonly<KubeObject>): boolean {
  const names = Object.keys(quota.status?.hard ?? {});
  if (evaluator.matchingResources(names).length === 0) return false;
  return scopeSelectorsOf(quota).every((selector) => evaluator.matchesScope(selector, object));
}

function unmeasurable(
  quota: Readonly<ResourceQuota>,
  evaluator: Evaluator,
  object: Readonly<KubeObject>,
): string | undefined {
  const { hard = {}, used = {} } = quota.status ?? {};
  const restricted = evaluator.matchingResources(Object.keys(hard));
  const missing = evaluator.missing?.(restricted, object);
  if (missing !== undefined) return `failed quota: ${quota.metadata.name}: ${missing}`;
  if (restricted.every((name) => Object.hasOwn(used, name))) return undefined;
  return `status unknown for quota: ${quota.metadata.name}, resources: ${[...restricted].sort().join(',')}`;
}

/** The amounts used after the charge; a text when it is too much; undefined when it costs nothing. */
function charge(quota: Readonly<ResourceQuota>, cost: Amounts): Record<string, string> | string | undefined {
  const hard = parseAmounts(quota.status?.hard);
  const used = parseAmounts(quota.status?.used);
  const requested = pickAmounts(cost, Object.keys(hard));
  const after = addAmounts(used, requested);
  const exceeded = exceeding(pickAmounts(after, Object.keys(requested)), hard);
  if (exceeded.length > 0) {
    const text = (amounts: Amounts): string => printList(pickAmounts(amounts, exceeded));
    return `exceeded quota: ${quota.metadata.name}, requested: ${text(requested)}, used: ${text(used)}, limited: ${text(hard)}`;
  }
  return Object.keys(requested).length > 0 ? printAmounts(after) : undefined;
}

function withoutZeros(amounts: Amounts): Amounts {
  return Object.fromEntries(Object.entries(amounts).filter(([, { nano }]) => nano !== 0n));
}

function printList(amounts: Amounts): string {
  return Object.entries(printAmounts(amounts))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, amount]) => `${name}=${amount}`)
    .join(',');
}
