// The loop around the modes: waits for Services, slices and the node, and brings the kernel to what they ask for. A change
// starts a sync at once; changes that come while one runs go into the next.
import type { Node } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { Informers } from '../client/types.ts';
import type { IPFamily } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';
import { Wakeup } from '../system/wakeup.ts';
import type { Backend, RuleCounts } from './backend.ts';
import type { ProxyConfig } from './config.ts';
import { type InputsOptions, ProxyInputs } from './inputs.ts';
import { proxyNodeOf } from './node.ts';
import { ownerOf } from './owner.ts';
import type { ProxyNode, ServicePortPlan } from './plan.ts';
import type { ServiceView } from './service-view.ts';
import { configOf, defaultSyncPeriod, needsInterfaceAddresses, type ProxySettings } from './settings.ts';
import { SyncStatus } from './sync-status.ts';
import { WrittenRules } from './written.ts';

export interface ProxierOptions {
  readonly settings: ProxySettings;
  readonly nodeName: string;
  readonly backend: Backend;
  readonly informers: Informers;
  readonly clock: Clock;
  /** Default: both. */
  readonly families?: readonly IPFamily[];
  /** See {@link InputsOptions}. */
  readonly watches?: InputsOptions['watches'];
  /** Takes the ranges of cluster IPs from the API where the settings have none. */
  readonly followServiceCIDRs?: boolean;
  /** The addresses of the machine's interfaces, asked for where node ports are limited to prefixes. */
  readonly interfaceAddresses?: () => Promise<readonly string[]>;
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
  /** Slices that no sync had brought before. */
  readonly slices: readonly Readonly<EndpointSlice>[];
}

export interface PortChange {
  readonly family: IPFamily;
  readonly owner: string;
  readonly before: ServicePortPlan | undefined;
  readonly after: ServicePortPlan | undefined;
}

/** What one port of a Service has in the kernel. */
export interface PortRules {
  readonly family: IPFamily;
  /** `namespace/name:port/protocol`. */
  readonly port: string;
  /** In the text of the mode's program. */
  readonly rules: readonly string[];
}

/** So many Services are planned in one go; then what is planned can be on its way. */
const servicesAtOnce = 500;

/** Everything is written anew so often, whatever seems to be there. */
const fullSyncPeriod = 3_600_000;
const firstRetry = 500;

export class Proxier {
  readonly #options: ProxierOptions;
  readonly #families: readonly IPFamily[];
  readonly #inputs: ProxyInputs;
  readonly #syncPeriod: number;
  readonly #wakeup = new Wakeup();
  /** Plans in the kernel or on their way there, by family and Service, then by port. */
  readonly #plans: ReadonlyMap<IPFamily, Map<string, Map<string, ServicePortPlan>>>;
  readonly status: SyncStatus;
  readonly written = new WrittenRules();
  /** What each family was last planned with. */
  #configs: readonly ProxyConfig[] = [];
  #configuration = '';
  #interfaceAddresses: readonly string[] | undefined;
  /** The node or the settings may have changed what all plans say. */
  #reconfigure = true;
  /** Services whose plans may no longer be what they are made of. */
  readonly #stale = new Set<string>();
  #full = true;
  #lastFull = 0;
  #suspect = false;
  /** Changes of syncs that failed, until one succeeds. */
  #unreported: PortChange[] = [];

  constructor(options: ProxierOptions) {
    this.#options = options;
    this.#families = options.families ?? ['IPv4', 'IPv6'];
    this.#plans = new Map(this.#families.map((family) => [family, new Map()]));
    this.#syncPeriod = options.settings.syncPeriod ?? defaultSyncPeriod;
    this.status = new SyncStatus(options.clock, { timeout: 2 * this.#syncPeriod });
    this.#inputs = new ProxyInputs({
      informers: options.informers,
      nodeName: options.nodeName,
      watches: options.watches,
      followServiceCIDRs: options.followServiceCIDRs,
      ignoreExternalIPs: options.settings.ignoreExternalIPs,
      onChange: (kind) => {
        this.status.queued(kind);
        this.#wakeup.wake();
      },
      onConfiguration: () => {
        this.#reconfigure = true;
        this.#wakeup.wake();
      },
    });
  }

  /** All plans that are in force, for health checks and explanations. */
  *plans(): Iterable<ServicePortPlan> {
    for (const services of this.#plans.values()) for (const ports of services.values()) yield* ports.values();
  }

  /** Where the mode counts its rules. */
  ruleCounts(): readonly RuleCounts[] {
    return this.#options.backend.ruleCounts?.() ?? [];
  }

  /** What the ports of a Service have in the kernel; nothing in a mode that cannot say. */
  rulesOf(name: string): readonly PortRules[] {
    const { backend } = this.#options;
    return [...this.#plans].flatMap(([family, services]) =>
      [...(services.get(name)?.keys() ?? [])].map((port) => ({
        family,
        port,
        rules: backend.rulesOf?.(family, port) ?? [],
      })),
    );
  }

  /** The Services and slices that rules are made from. */
  get view(): ServiceView {
    return this.#inputs.view;
  }

  /** The node object, once known. */
  get node(): Readonly<Node> | undefined {
    return this.#inputs.node;
  }

  /**
   * Runs until the signal aborts; rules stay as they are then. The informers must be running, or be started meanwhile.
   * Failures are logged and tried again, never thrown.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { backend, clock, settings } = this.#options;
    try {
      await this.#inputs.follow(signal);
      await this.#knowNode(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const watching = backend.watch(() => this.#suspectRules(), signal);
    let retry = firstRetry;
    while (!signal.aborted) {
      const started = clock.monotonic();
      const succeeded = await this.#step();
      retry = succeeded ? firstRetry : Math.min(retry * 2, this.#syncPeriod);
      if (!succeeded) {
        // Where a small change was refused, all of it may still be taken.
        const small = !this.#full;
        this.#full = true;
        if (small) continue;
        await clock.sleep(retry, signal).catch(() => {});
        continue;
      }
      if (!this.#hasWork() && !signal.aborted) {
        const timer = clock.after(this.#syncPeriod, () => this.#suspectRules());
        await this.#wakeup.wait(signal);
        timer.cancel();
      }
      const early = started + (settings.minSyncPeriod ?? 0) - clock.monotonic();
      if (early > 0) await clock.sleep(early, signal).catch(() => {});
    }
    await watching;
  }

  #hasWork(): boolean {
    return this.#full || this.#reconfigure || this.#suspect || this.view.hasChanges;
  }

  #suspectRules(): void {
    this.#suspect = true;
    this.#wakeup.wake();
  }

  /** A node that registers itself may come later than its proxy, and its podCIDRs later still. */
  async #knowNode(signal: AbortSignal): Promise<void> {
    const { settings, nodeName, log } = this.#options;
    const needsPodCIDRs = settings.detectLocal?.mode === 'NodeCIDR';
    let told = '';
    while (true) {
      const { node } = this;
      const assigned = (node?.spec?.podCIDRs ?? []).length > 0 && !node?.metadata.deletionTimestamp;
      if (node && (assigned || !needsPodCIDRs)) return;
      const missing = node
        ? `node ${JSON.stringify(nodeName)} has no podCIDR`
        : `there is no node ${JSON.stringify(nodeName)}`;
      if (missing !== told) log?.(`${missing} yet: waiting for it`);
      told = missing;
      await this.#wakeup.wait(signal);
      signal.throwIfAborted();
    }
  }

  /** One sync, or a look whether one is needed; false when it failed. */
  async #step(): Promise<boolean> {
    const { clock, log } = this.#options;
    try {
      const edited = this.#suspect && (await this.#look());
      if (clock.monotonic() - this.#lastFull >= fullSyncPeriod) this.#full = true;
      if (this.#reconfigure) await this.#configure();
      const full = this.#full;
      if (!full && !edited && this.#stale.size === 0 && !this.view.hasChanges) {
        this.status.idle();
        return true;
      }
      await this.#sync(full);
      return true;
    } catch (error) {
      this.status.failed({ full: this.#full });
      log?.(`sync failed: ${errorMessage(error)}`);
      return false;
    }
  }

  /** Looks whether the rules are still there, and whether the machine has other addresses; true when there is something to write. */
  async #look(): Promise<boolean> {
    const { backend, log, settings } = this.#options;
    this.#suspect = false;
    if (needsInterfaceAddresses(settings)) this.#reconfigure = true;
    const condition = await backend.condition();
    if (condition === 'intact') return false;
    const broken = condition === 'broken';
    log?.(
      broken
        ? 'rules were removed by someone else: writing them anew'
        : 'rules were changed by someone else: putting them right',
    );
    if (broken) this.#full = true;
    return true;
  }

  async #sync(full: boolean): Promise<void> {
    const { backend, clock, onSynced, log } = this.#options;
    const start = clock.monotonic();
    this.status.started();
    await backend.sync({ full, planning: this.#planning() });
    this.#full = false;
    const end = clock.monotonic();
    if (full) this.#lastFull = end;
    const duration = end - start;
    this.status.succeeded();
    const slices = this.written.succeeded(clock.now(), { full });
    const ports = this.#unreported;
    this.#unreported = [];
    try {
      await onSynced?.({ full, duration, ports, slices });
    } catch (error) {
      // The rules are in the kernel; what failed is beside them.
      log?.(errorMessage(error));
    }
  }

  /** Plans what changed and hands it to the backend, some Services with each step. */
  *#planning(): Iterable<void> {
    for (const name of this.view.takeChanged()) this.#stale.add(name);
    let planned = 0;
    for (const name of this.#stale) {
      this.#stale.delete(name);
      this.written.plan(name, this.view.sources(name));
      for (const { family, node } of this.#configs) this.#planService(family, name, node);
      planned += 1;
      if (planned % servicesAtOnce === 0) yield;
    }
  }

  #planService(family: IPFamily, name: string, node: ProxyNode): void {
    const { backend } = this.#options;
    const services = this.#plans.get(family)!;
    const before = services.get(name);
    const plans = this.view.plans(name, family, node);
    const after = new Map(plans.map((plan) => [ownerOf(plan.servicePort), plan]));
    for (const [owner, plan] of before ?? []) {
      if (after.has(owner)) continue;
      backend.set(family, owner, undefined);
      this.#unreported.push({ family, owner, before: plan, after: undefined });
    }
    for (const [owner, plan] of after) {
      backend.set(family, owner, plan);
      this.#unreported.push({ family, owner, before: before?.get(owner), after: plan });
    }
    if (after.size > 0) services.set(name, after);
    else services.delete(name);
  }

  /** Plans all anew when the node or the settings say something else; starts the backend over when its rules do. */
  async #configure(): Promise<void> {
    const { settings, backend, interfaceAddresses } = this.#options;
    // Asked first: what changes while it answers is read below.
    if (needsInterfaceAddresses(settings)) this.#interfaceAddresses = await interfaceAddresses?.();
    const { node } = this;
    if (!node) return;
    this.#reconfigure = false;
    const serviceCIDRs = settings.serviceCIDRs.length > 0 ? settings.serviceCIDRs : this.#inputs.serviceCIDRs;
    const configs = this.#families.map((family) =>
      configOf({ ...settings, serviceCIDRs }, family, proxyNodeOf(node, family, settings), this.#interfaceAddresses),
    );
    const configuration = JSON.stringify(configs);
    if (configuration === this.#configuration) return;
    this.#configuration = configuration;
    this.#configs = configs;
    for (const name of this.view.names()) this.#stale.add(name);
    backend.configure(configs);
    this.#full = true;
  }
}
