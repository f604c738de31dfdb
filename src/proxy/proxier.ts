// The loop around the modes: waits for Services, slices and the node, and brings the kernel to what they ask for. A change
// starts a sync at once; changes that come while one runs go into the next.
import type { Node, Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { endpointSlices, nodes, services } from '../client/resources.ts';
import type { Informer, Informers } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { IPFamily } from './address.ts';
import type { Backend } from './backend.ts';
import { proxyNodeOf } from './node.ts';
import { ownerOf } from './owner.ts';
import type { ServicePortPlan } from './plan.ts';
import { ServiceView } from './service-view.ts';
import { configOf, type ProxySettings } from './settings.ts';
import { SyncStatus } from './sync-status.ts';
import { Wakeup } from './wakeup.ts';

export interface ProxierOptions {
  readonly settings: ProxySettings;
  readonly nodeName: string;
  readonly backend: Backend;
  readonly informers: Informers;
  readonly clock: Clock;
  /** Default: both. */
  readonly families?: readonly IPFamily[];
  /**
   * `own` (default) watches only the Services and slices that a proxy needs; `shared` uses the informers of everything,
   * for a process that holds them anyway.
   */
  readonly watches?: 'own' | 'shared';
  /** Called after each sync with what it changed; may do more work that belongs to the same change (conntrack, health). */
  readonly onSynced?: (change: SyncedChange) => Promise<void> | void;
  /** One line about something that went wrong, or was put right. */
  readonly log?: (message: string) => void;
}

/** What a sync brought into the kernel. */
export interface SyncedChange {
  readonly full: boolean;
  /** Milliseconds from the beginning of the sync until the kernel had it. */
  readonly duration: number;
  /** Per family and port of a Service: the plan before and after; a side is undefined when there is none. */
  readonly ports: readonly PortChange[];
}

export interface PortChange {
  readonly family: IPFamily;
  readonly owner: string;
  readonly before: ServicePortPlan | undefined;
  readonly after: ServicePortPlan | undefined;
}

/** Between checks that the rules are still there, and the longest wait before a failed sync is tried again. */
const syncPeriod = 30_000;
/** Everything is written anew so often, whatever seems to be there. */
const fullSyncPeriod = 3_600_000;
const firstRetry = 500;

export class Proxier {
  readonly #options: ProxierOptions;
  readonly #families: readonly IPFamily[];
  readonly #view = new ServiceView();
  readonly #wakeup = new Wakeup();
  /** Plans in the kernel or on their way there, by family and Service, then by port. */
  readonly #plans: ReadonlyMap<IPFamily, Map<string, Map<string, ServicePortPlan>>>;
  readonly status: SyncStatus;
  #node: Readonly<Node> | undefined;
  #configuration = '';
  #replan = true;
  #full = true;
  #lastFull = 0;
  #suspect = false;
  /** Changes of syncs that failed, until one succeeds. */
  #unreported: PortChange[] = [];

  constructor(options: ProxierOptions) {
    this.#options = options;
    this.#families = options.families ?? ['IPv4', 'IPv6'];
    this.#plans = new Map(this.#families.map((family) => [family, new Map()]));
    this.status = new SyncStatus(options.clock);
  }

  /** All plans that are in force, for health checks and explanations. */
  *plans(): Iterable<ServicePortPlan> {
    for (const services of this.#plans.values()) for (const ports of services.values()) yield* ports.values();
  }

  /** The Services and slices that rules are made from. */
  get view(): ServiceView {
    return this.#view;
  }

  /** The node object, once known. */
  get node(): Readonly<Node> | undefined {
    return this.#node;
  }

  /**
   * Runs until the signal aborts; rules stay as they are then. The informers must be running, or be started meanwhile.
   * Failures are logged and tried again, never thrown.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { backend, clock } = this.#options;
    try {
      await this.#follow(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const watching = backend.watch(() => this.#suspectRules(), signal);
    let retry = firstRetry;
    while (!signal.aborted) {
      const succeeded = await this.#step();
      retry = succeeded ? firstRetry : Math.min(retry * 2, syncPeriod);
      if (!succeeded) {
        // Where a small change was refused, all of it may still be taken.
        const small = !this.#full;
        this.#full = true;
        if (small) continue;
        await clock.sleep(retry, signal).catch(() => {});
        continue;
      }
      if (this.#hasWork() || signal.aborted) continue;
      const timer = clock.after(syncPeriod, () => this.#suspectRules());
      await this.#wakeup.wait(signal);
      timer.cancel();
    }
    await watching;
  }

  #hasWork(): boolean {
    return this.#full || this.#replan || this.#suspect || this.#view.hasChanges;
  }

  #suspectRules(): void {
    this.#suspect = true;
    this.#wakeup.wake();
  }

  /** Watches the objects, and waits until the first list of each is here. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { informers, nodeName, watches = 'own' } = this.#options;
    const own = watches === 'own';
    const node = informers.informer<Node>(nodes, own ? { fieldSelector: `metadata.name=${nodeName}` } : {});
    const service = informers.informer<Service>(
      services,
      own ? { labelSelector: '!service.kubernetes.io/service-proxy-name', fieldSelector: 'spec.clusterIP!=None' } : {},
    );
    const slice = informers.informer<EndpointSlice>(
      endpointSlices,
      own ? { labelSelector: '!service.kubernetes.io/headless' } : {},
    );
    this.#followNode(node);
    const changed = () => {
      this.status.queued();
      this.#wakeup.wake();
    };
    const follow =
      <T>(set: (object: Readonly<T>) => void) =>
      (object: Readonly<T>) => {
        set(object);
        changed();
      };
    const setService = follow<Service>((object) => this.#view.setService(object));
    service.addHandler({
      added: setService,
      updated: setService,
      deleted: follow<Service>((object) => this.#view.deleteService(object)),
    });
    const setSlice = follow<EndpointSlice>((object) => this.#view.setSlice(object));
    slice.addHandler({
      added: setSlice,
      updated: setSlice,
      deleted: follow<EndpointSlice>((object) => this.#view.deleteSlice(object)),
    });
    await Promise.all([node.synced(signal), service.synced(signal), slice.synced(signal)]);
    // A node that registers itself may come later than its proxy.
    while (!this.#node) {
      await this.#wakeup.wait(signal);
      signal.throwIfAborted();
    }
  }

  #followNode(informer: Informer<Node>): void {
    const set = (node: Readonly<Node>) => {
      if (node.metadata.name !== this.#options.nodeName) return;
      const before = this.#node && this.#families.map((family) => proxyNodeOf(this.#node!, family));
      this.#node = node;
      const after = this.#families.map((family) => proxyNodeOf(node, family));
      if (JSON.stringify(before) === JSON.stringify(after)) return;
      this.#replan = true;
      this.#wakeup.wake();
    };
    // A node that is deleted keeps its rules until it is registered again.
    informer.addHandler({ added: set, updated: set });
  }

  /** One sync, or a look whether one is needed; false when it failed. */
  async #step(): Promise<boolean> {
    const { backend, clock, log } = this.#options;
    try {
      if (this.#suspect) {
        this.#suspect = false;
        if (!(await backend.intact())) {
          log?.('rules were removed by someone else: writing them anew');
          this.#full = true;
        }
      }
      if (clock.now() - this.#lastFull >= fullSyncPeriod) this.#full = true;
      const full = this.#full;
      if (!full && !this.#replan && !this.#view.hasChanges) {
        this.status.idle();
        return true;
      }
      await this.#sync(full);
      return true;
    } catch (error) {
      this.status.failed();
      log?.(`sync failed: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  async #sync(full: boolean): Promise<void> {
    const { backend, clock, onSynced, log } = this.#options;
    const start = clock.now();
    this.status.started();
    for (const change of this.#plan()) this.#unreported.push(change);
    const whole = full || this.#full;
    await backend.sync({ full: whole });
    this.#full = false;
    if (whole) this.#lastFull = clock.now();
    const duration = clock.now() - start;
    this.status.succeeded({ full: whole, duration });
    const ports = this.#unreported;
    this.#unreported = [];
    try {
      await onSynced?.({ full: whole, duration, ports });
    } catch (error) {
      // The rules are in the kernel; what failed is beside them.
      log?.(error instanceof Error ? error.message : String(error));
    }
  }

  /** Plans what changed and hands it to the backend. */
  #plan(): PortChange[] {
    this.#configure();
    const replan = this.#replan;
    this.#replan = false;
    const changed = this.#view.takeChanged();
    const names = replan ? [...new Set([...this.#view.names(), ...changed])] : changed;
    const changes: PortChange[] = [];
    for (const family of this.#families) for (const name of names) changes.push(...this.#planService(family, name));
    return changes;
  }

  #planService(family: IPFamily, name: string): PortChange[] {
    const { backend } = this.#options;
    const services = this.#plans.get(family)!;
    const before = services.get(name);
    const plans = this.#view.plans(name, family, proxyNodeOf(this.#node!, family));
    const after = new Map(plans.map((plan) => [ownerOf(plan.servicePort), plan]));
    const changes: PortChange[] = [];
    for (const [owner, plan] of before ?? []) {
      if (after.has(owner)) continue;
      backend.set(family, owner, undefined);
      changes.push({ family, owner, before: plan, after: undefined });
    }
    for (const [owner, plan] of after) {
      backend.set(family, owner, plan);
      changes.push({ family, owner, before: before?.get(owner), after: plan });
    }
    if (after.size > 0) services.set(name, after);
    else services.delete(name);
    return changes;
  }

  /** Starts the backend over when the node's addresses changed what its constant rules say. */
  #configure(): void {
    if (!this.#replan) return;
    const { settings, backend } = this.#options;
    const configs = this.#families.map((family) => configOf(settings, family, proxyNodeOf(this.#node!, family)));
    const configuration = JSON.stringify(configs);
    if (configuration === this.#configuration) return;
    this.#configuration = configuration;
    backend.configure(configs);
    for (const [family, services] of this.#plans) {
      for (const ports of services.values()) for (const [owner, plan] of ports) backend.set(family, owner, plan);
    }
    this.#full = true;
  }
}
