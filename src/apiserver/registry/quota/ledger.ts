// Charges writes to the ResourceQuotas of their namespace. A charge is part of the write's own storage transaction, which
// compares the quotas with what was read: nothing is charged that is not written, nothing written that does not fit,
// however many requests and servers write at a time.
import {
  addedCost,
  checkQuotas,
  type QuotaDecision,
  type QuotaRequest,
} from '../../../api/core/v1/resourcequota/check.ts';
import { evaluatorOf } from '../../../api/core/v1/resourcequota/evaluators.ts';
import type { ResourceQuota } from '../../../api/core/v1/types.generated.ts';
import type { ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { forbidden } from '../../../apimachinery/status.ts';
import { resourcePrefix } from '../../../storage/registry-keys.ts';
import type { Clock } from '../../../system/clock.ts';
import { naming } from '../../naming.ts';
import { encodeForStorage, type StoredObject } from '../../watch-cache/stored-object.ts';
import type { WatchCache } from '../../watch-cache/watch-cache.ts';
import { type Companions, noCompanions } from '../hooks.ts';

const quotaPrefix = resourcePrefix({ group: '', resource: 'resourcequotas' });

export interface LedgerEntry {
  readonly definition: ResourceDefinition;
  /** Complete and valid. */
  readonly object: KubeObject;
  /** Undefined for a create. */
  readonly old: Readonly<KubeObject> | undefined;
}

export class QuotaLedger {
  readonly #cache: WatchCache;
  readonly #clock: Clock;
  /** The last write that waits in each namespace with quotas: those of one server go one after another. */
  readonly #waiting = new Map<string, Promise<unknown>>();

  constructor(cache: WatchCache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  /**
   * Calls `write` with what must be written along with the object; throws 403 where it does not fit. A write whose
   * transaction fails is tried again by the caller, through here.
   */
  settle<T>(entry: LedgerEntry, write: (charges: Companions) => Promise<T>): Promise<T> {
    const { definition, object } = entry;
    const { namespace = '' } = object.metadata;
    if (!definition.namespaced || this.#quotas(namespace).length === 0) return write(noCompanions);
    return this.#settleCharged(entry, write);
  }

  async #settleCharged<T>(entry: LedgerEntry, write: (charges: Companions) => Promise<T>): Promise<T> {
    const { definition, object, old } = entry;
    const { namespace = '' } = object.metadata;
    const evaluator = evaluatorOf(definition);
    if (!evaluator || (old && !evaluator.countsUpdates)) return write(noCompanions);
    if (old && evaluator.asksAbout?.(object, old) === false) return write(noCompanions);
    const request = { evaluator, object, old, now: this.#clock.now() };
    // Most updates cost nothing more, and need not wait for others.
    const isElsewhere = old !== undefined && evaluator.changesScope?.(object, old) === true;
    if (old && !isElsewhere && Object.keys(addedCost(request)).length === 0) return write(noCompanions);
    return this.#inTurn(namespace, async () => {
      await this.#cache.waitForNow();
      const quotas = this.#quotas(namespace);
      const decision = checked(quotas, request);
      if (!decision.allowed) throw forbidden(definition, object.metadata.name, decision.reason);
      return write(chargesOf(quotas, decision.charged));
    });
  }

  #quotas(namespace: string): StoredObject<ResourceQuota>[] {
    return this.#cache.resource(quotaPrefix).list(`${quotaPrefix}${namespace}/`) as StoredObject<ResourceQuota>[];
  }

  async #inTurn<T>(namespace: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#waiting.get(namespace) ?? Promise.resolve()).then(work, work);
    this.#waiting.set(namespace, mine);
    try {
      return await mine;
    } finally {
      if (this.#waiting.get(namespace) === mine) this.#waiting.delete(namespace);
    }
  }
}

function checked(quotas: readonly StoredObject<ResourceQuota>[], request: QuotaRequest): QuotaDecision {
  const objects = quotas.map((stored) => stored.object);
  try {
    return checkQuotas(objects, request);
  } catch (error) {
    // Which of them it is shows when each is asked alone.
    for (const one of objects) naming(one as KubeObject, () => checkQuotas([one], request));
    throw error;
  }
}

function chargesOf(
  quotas: readonly StoredObject<ResourceQuota>[],
  charged: ReadonlyMap<string, Record<string, string>>,
): Companions {
  const changed = quotas.filter((stored) => charged.has(stored.object.metadata.name));
  return {
    compare: changed.map(({ key, revision }) => ({ key, modRevision: revision })),
    operations: changed.map((stored) => {
      const quota = stored.copy();
      const used = charged.get(quota.metadata.name)!;
      const value = encodeForStorage({ ...quota, status: { ...quota.status, used } } as KubeObject);
      return { type: 'put', key: stored.key, value };
    }),
  };
}
