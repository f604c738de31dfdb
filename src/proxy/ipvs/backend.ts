// Brings IPVS, ipsets, the addresses of kube-ipvs0 and the rules around them to what is wanted, by what differs.
import { isDeepStrictEqual } from 'node:util';
import { renderUpdate } from '../../iptables/render.ts';
import { apply } from '../../ipvs/apply.ts';
import { diff, diffServers, type Retire } from '../../ipvs/diff.ts';
import type { IpvsRuleset, VirtualServer } from '../../ipvs/ruleset.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { NftEvent } from '../../nftables/events.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Follow } from '../../system/follow.ts';
import { Turns } from '../../system/turns.ts';
import { contains, familyOf } from '../address.ts';
import { type Backend, type Condition, planAll, type Sync } from '../backend.ts';
import type { ProxyConfig } from '../config.ts';
import { touchOf } from '../iptables/edits.ts';
import { withMissingJumps } from '../iptables/jumps.ts';
import { hasChain, restore, save } from '../iptables/programs.ts';
import { Monitor } from '../monitor.ts';
import type { ServicePortPlan } from '../plan.ts';
import { IpvsKernel } from './kernel.ts';
import { hasRetired, retireBy } from './retire.ts';
import { ipvsCanaries, ipvsFootprint, ipvsJumps } from './rules.ts';
import { type FamilyRules, familyRules } from './ruleset.ts';
import { ipvsConfigOf } from './servers.ts';
import type { IpvsSettings } from './settings.ts';

/** Between looks whether the connections of real servers that take no new ones have ended, in milliseconds. */
const retirePeriod = 60_000;

export interface IpvsBackendOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  /** Without it nothing is heard of rules that someone else removes. */
  readonly follow?: Follow | undefined;
  readonly settings?: IpvsSettings | undefined;
}

export class IpvsBackend implements Backend {
  readonly #exec: Exec;
  readonly #clock: Clock;
  readonly #settings: IpvsSettings;
  readonly #kernel: IpvsKernel;
  #configs: readonly ProxyConfig[] = [];
  #plans = new Map<IPFamily, Map<string, ServicePortPlan>>();
  /** What the kernel holds after the last sync; undefined when that is not known. */
  #known: IpvsRuleset | undefined;
  #wanted: readonly VirtualServer[] = [];
  /** The rules around IPVS as last written, by family. */
  readonly #written = new Map<IPFamily, string>();
  /** Of the node's interfaces as of the last sync, by family in the order of `#configs`. */
  #localAddresses: readonly (readonly string[])[] = [];
  /** Syncs and looks at retired servers never overlap. */
  readonly #turns = new Turns();
  readonly #monitor: Monitor;
  /** Someone else changed the rules around IPVS. */
  #edited = false;
  #changed: () => void = () => {};

  private constructor({ exec, clock, follow, settings = {} }: IpvsBackendOptions) {
    this.#exec = exec;
    this.#clock = clock;
    this.#settings = settings;
    this.#kernel = new IpvsKernel(exec);
    const look = () => this.#changed();
    this.#monitor = new Monitor({
      exec,
      clock,
      follow,
      heard: (event) => this.#hear(event),
      listens: look,
      ended: look,
    });
  }

  /** Rejects with an Error of one line, which says what to do, where the machine has no IPVS. */
  static async open(options: IpvsBackendOptions): Promise<IpvsBackend> {
    const backend = new IpvsBackend(options);
    const lacking = await backend.#kernel.lacks();
    if (lacking !== undefined) throw new Error(lacking);
    return backend;
  }

  configure(configs: readonly ProxyConfig[]): void {
    this.#configs = configs;
    this.#plans = new Map(configs.map(({ family }) => [family, new Map()]));
    this.#known = undefined;
  }

  set(family: IPFamily, owner: string, plan: ServicePortPlan | undefined): void {
    const plans = this.#plans.get(family);
    if (plan) plans?.set(owner, plan);
    else plans?.delete(owner);
  }

  sync(how: Sync): Promise<void> {
    planAll(how);
    const { full } = how;
    return this.#turns.take(async () => {
      const known = full ? undefined : this.#known;
      this.#known = undefined;
      const before = known ?? (await this.#read());
      const families = await this.#families();
      const wanted = {
        addresses: families.flatMap(({ addresses }) => addresses),
        sets: families.flatMap(({ sets }) => sets),
        servers: families.flatMap(({ servers }) => servers),
      };
      const { sets, addresses } = diff(before, wanted);
      // What is heard from here on is after what was read.
      if (full) this.#edited = false;
      await this.#kernel.applySets(sets);
      for (const [index, { family }] of this.#configs.entries()) {
        await this.#writeRules(family, families[index]!, { whole: known === undefined });
      }
      const servers = await this.#syncServers(before.servers, wanted.servers);
      await this.#kernel.applyAddresses(addresses);
      this.#wanted = wanted.servers;
      this.#known = { ...apply(before, { sets, addresses, servers: [] }), servers };
    });
  }

  condition(): Promise<Condition> {
    return this.#turns.take(() => this.#condition());
  }

  async #condition(): Promise<Condition> {
    const known = this.#known;
    if (this.#edited || !known || !(await this.#kernel.hasDevice())) return 'broken';
    if (!isDeepStrictEqual(await this.#readLocalAddresses(), this.#localAddresses)) return 'broken';
    for (const { family } of this.#configs) {
      for (const canary of ipvsCanaries) if (!(await hasChain(this.#exec, family, canary))) return 'broken';
    }
    const { addresses, sets, servers } = diff(await this.#list(), known);
    if (addresses.length + sets.length + servers.length === 0) return 'intact';
    // The next sync looks at all of it again, and changes what differs.
    this.#known = undefined;
    return 'edited';
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    this.#changed = changed;
    await Promise.all([this.#monitor.run(signal), this.#retireFromTimeToTime(signal)]);
  }

  /** We write rules only while nobody listens: whatever is heard of ours is of someone else. */
  #hear(event: NftEvent): void {
    if (touchOf(event, ipvsFootprint) === undefined) return;
    this.#edited = true;
    this.#changed();
  }

  async #retireFromTimeToTime(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(retirePeriod, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.#turns.take(() => this.#retire());
      } catch {
        // The next look finds that nothing is known, and a full sync tells what is wrong.
        this.#changed();
      }
    }
  }

  /** Removes real servers whose last connection has ended. */
  async #retire(): Promise<void> {
    const known = this.#known;
    if (!known || !hasRetired(known.servers, this.#wanted)) return;
    this.#known = undefined;
    this.#known = { ...known, servers: await this.#syncServers(known.servers, this.#wanted) };
  }

  /** Gives what the kernel holds afterwards. */
  async #syncServers(before: readonly VirtualServer[], wanted: readonly VirtualServer[]): Promise<VirtualServer[]> {
    let from = before;
    let retire: Retire = () => 'remove';
    if (diffServers(before, wanted).some((c) => c.verb === 'delete-real' && c.server.protocol === 'tcp')) {
      const listing = await this.#kernel.servers();
      from = this.#own(listing.servers);
      retire = retireBy(listing);
    }
    const commands = diffServers(from, wanted, retire);
    await this.#kernel.applyServers(commands);
    return [
      ...apply({ servers: from, sets: [], addresses: [] }, { servers: commands, sets: [], addresses: [] }).servers,
    ];
  }

  async #read(): Promise<IpvsRuleset> {
    await this.#kernel.prepare(this.#settings);
    return this.#list();
  }

  /** What of ours the kernel holds, but for the rules around it. */
  async #list(): Promise<IpvsRuleset> {
    const [addresses, sets, { servers }] = await Promise.all([
      this.#kernel.carriedAddresses(),
      this.#kernel.sets(),
      this.#kernel.servers(),
    ]);
    return { addresses: addresses.filter((ip) => this.#isOurFamily(ip)), sets, servers: this.#own(servers) };
  }

  #isOurFamily(address: string): boolean {
    return this.#configs.some(({ family }) => familyOf(address) === family);
  }

  /** Without those of families that are not ours, and of prefixes that the operator keeps for others. */
  #own(servers: readonly VirtualServer[]): VirtualServer[] {
    const excluded = this.#settings.excludeCIDRs ?? [];
    return servers.filter(
      ({ address }) => this.#isOurFamily(address) && !excluded.some((cidr) => contains(cidr, address)),
    );
  }

  #readLocalAddresses(): Promise<string[][]> {
    return Promise.all(this.#configs.map(({ family }) => this.#kernel.localAddresses(family)));
  }

  async #families(): Promise<FamilyRules[]> {
    this.#localAddresses = await this.#readLocalAddresses();
    return this.#configs.map((config, index) => {
      const plans = [...this.#plans.get(config.family)!].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, plan]) => plan);
      return familyRules(plans, ipvsConfigOf(config, this.#localAddresses[index]));
    });
  }

  async #writeRules(family: IPFamily, { updates }: FamilyRules, how: { readonly whole: boolean }): Promise<void> {
    const text = updates.map(renderUpdate).join('');
    if (!how.whole && this.#written.get(family) === text) return;
    this.#written.delete(family);
    await this.#monitor.silenced(async () => {
      const saved = await save(this.#exec, family);
      const complete = updates.map((update) => withMissingJumps(update, ipvsJumps, saved));
      await restore(this.#exec, family, complete);
    });
    this.#written.set(family, text);
  }
}
