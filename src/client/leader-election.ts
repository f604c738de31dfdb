// One of several processes works at a time: whoever holds a Lease (client-go leaderelection).
import type { Lease } from '../api/coordination/v1/types.generated.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../apimachinery/status.ts';
import { formatMicroTime } from '../apimachinery/time.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { leases } from './resources.ts';
import type { Client, ResourceClient } from './types.ts';

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  /** The Lease; its namespace must exist. */
  readonly name: string;
  readonly namespace: string;
  /** Tells this process from the others. */
  readonly identity: string;
  readonly signal: AbortSignal;
  /** Told of failures that are retried. */
  readonly onError?: (error: unknown) => void;
}

/** Seconds that others wait before they take an unrenewed Lease. These three are kube-controller-manager's. */
const leaseDurationSeconds = 15;
/** Milliseconds of failing renewals after which the leader gives up: before others take the Lease. */
const renewDeadline = 10_000;
/** Milliseconds between tries. */
const retryPeriod = 2000;

/**
 * Waits to be elected, then calls `lead` with a signal that aborts when the Lease is lost; elected again, it is called
 * again. Returns when `signal` aborts, having given the Lease back so that another goes on at once.
 */
export async function runElected(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const elector = new Elector(options);
  const { signal } = options;
  while (!signal.aborted) {
    if (!(await elector.acquire())) return;
    const term = new AbortController();
    const work = lead(AbortSignal.any([signal, term.signal]));
    try {
      await Promise.race([elector.holdOn(), work]);
    } finally {
      term.abort(new Error('leadership was lost'));
      await work.finally(() => elector.release());
    }
  }
}

class Elector {
  readonly #options: LeaderElectionOptions;
  readonly #leases: ResourceClient<Lease>;
  #held: Lease | undefined;
  /** The last change of the Lease that was seen, and when by this clock: nobody else's clock is trusted. */
  #seen: { readonly version: string | undefined; readonly at: number } = { version: undefined, at: 0 };

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#leases = options.client.resource<Lease>(leases);
  }

  /** False when the signal aborted first. */
  async acquire(): Promise<boolean> {
    const { signal, random } = this.#options;
    while (!signal.aborted) {
      if (await this.#try()) return true;
      // Spread, so that those who wait do not all ask at once.
      if (!(await this.#sleep(retryPeriod + random.int(1.2 * retryPeriod)))) return false;
    }
    return false;
  }

  /** Returns when the Lease could not be renewed for too long, or the signal aborts. */
  async holdOn(): Promise<void> {
    const { clock, signal } = this.#options;
    let renewed = clock.monotonic();
    while (!signal.aborted && clock.monotonic() - renewed < renewDeadline) {
      if (!(await this.#sleep(retryPeriod))) return;
      const asked = clock.monotonic();
      // An answer that does not come is none: others begin when the Lease has run out.
      const late = Promise.withResolvers<boolean>();
      const timer = clock.after(Math.max(0, renewed + renewDeadline - asked), () => late.resolve(false));
      const isRenewed = await Promise.race([this.#try(), late.promise]);
      timer.cancel();
      if (isRenewed) renewed = asked;
      else if (!this.#held) return;
    }
  }

  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (!held) return;
    const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    await this.#leases.update({ ...held, spec }).catch((error: unknown) => this.#options.onError?.(error));
  }

  /** Takes or renews the Lease. */
  async #try(): Promise<boolean> {
    try {
      const present = await this.#current();
      this.#held = present ? await this.#take(present) : await this.#leases.create(this.#lease(undefined));
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) this.#held = undefined;
      else this.#options.onError?.(error);
      return false;
    }
    return this.#held !== undefined;
  }

  async #current(): Promise<Lease | undefined> {
    try {
      return await this.#leases.get(this.#options.name, this.#options.namespace);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #take(present: Lease): Promise<Lease | undefined> {
    const { clock, identity } = this.#options;
    const { holderIdentity, leaseDurationSeconds: duration = leaseDurationSeconds } = present.spec;
    const version = present.metadata.resourceVersion;
    if (this.#seen.version !== version) this.#seen = { version, at: clock.monotonic() };
    const expired = clock.monotonic() - this.#seen.at >= duration * 1000;
    if (holderIdentity && holderIdentity !== identity && !expired) return undefined;
    return this.#leases.update(this.#lease(present));
  }

  #lease(present: Lease | undefined): Lease {
    const { name, namespace, identity, clock } = this.#options;
    const now = formatMicroTime(clock.now());
    const mine = present?.spec.holderIdentity === identity;
    const transitions = present?.spec.leaseTransitions ?? 0;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: present?.metadata ?? { name, namespace },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds,
        acquireTime: mine ? (present.spec.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: present && !mine ? transitions + 1 : transitions,
      },
    };
  }

  async #sleep(ms: number): Promise<boolean> {
    const { clock, signal } = this.#options;
    return clock.sleep(ms, signal).then(
      () => true,
      () => false,
    );
  }
}
