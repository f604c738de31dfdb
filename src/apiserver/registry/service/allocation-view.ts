// Who has which address and port, in memory: read once, then kept by watching storage. It may lag behind; whatever is
// chosen by it is compared with the store in the transaction that takes it.
import type { ServiceCIDR } from '../../../api/networking/v1/types.generated.ts';
import {
  type Deal,
  dealNumber,
  nodePortBand,
  serviceIPBand,
  staticBand,
  usableServiceIPs,
} from '../../../net/allocator.ts';
import { addressAt, type CIDR, contains, parseCIDR, sizeOf } from '../../../net/cidr.ts';
import { type CanonicalIP, formatIP, type IP, type IPFamily, parseIP } from '../../../net/ip.ts';
import { CompactedError, HistoryLostError, type Storage } from '../../../storage/storage.ts';
import type { Random } from '../../../system/random.ts';
import { ipAddressPrefix, nodePortPrefix, serviceCIDRPrefix } from './keys.ts';

export interface PortRange {
  /** Both inclusive. */
  readonly first: number;
  readonly last: number;
}

/** One block of a ServiceCIDR, with what is taken of it. */
class Block {
  readonly cidr: CIDR;
  readonly #taken = new Set<bigint>();
  readonly #usable: { readonly first: bigint; readonly count: bigint };
  readonly #band: bigint;

  constructor(cidr: CIDR, taken: Iterable<IP>) {
    this.cidr = cidr;
    this.#usable = usableServiceIPs(cidr);
    this.#band = staticBand(sizeOf(cidr), serviceIPBand);
    for (const ip of taken) this.add(ip);
  }

  #index(ip: IP): bigint {
    return ip.value - this.cidr.base - this.#usable.first;
  }

  isUsable(ip: IP): boolean {
    if (!contains(this.cidr, ip)) return false;
    const index = this.#index(ip);
    return index >= 0n && index < this.#usable.count;
  }

  add(ip: IP): void {
    if (this.isUsable(ip)) this.#taken.add(this.#index(ip));
  }

  delete(ip: IP): void {
    if (contains(this.cidr, ip)) this.#taken.delete(this.#index(ip));
  }

  deal(dice: number): IP | undefined {
    const { first, count } = this.#usable;
    if (BigInt(this.#taken.size) >= count) return undefined;
    const deal: Deal = { count, band: this.#band, dice, isTaken: (index) => this.#taken.has(index) };
    const index = dealNumber(deal);
    return index === undefined ? undefined : addressAt(this.cidr, first + index);
  }
}

export type Dealt = CanonicalIP | 'full' | 'not ready';

export interface ViewOptions {
  readonly storage: Storage;
  readonly random: Random;
  /** The cluster's own ranges: they count also before their ServiceCIDR is written. */
  readonly defaultCIDRs: readonly CIDR[];
  readonly nodePorts: PortRange;
}

export class AllocationView {
  readonly #options: ViewOptions;
  /** Keys of storage. */
  readonly #addresses = new Set<string>();
  /** Those that give addresses, and all of them, by the name of their ServiceCIDR. */
  readonly #cidrs = new Map<string, readonly CIDR[]>();
  readonly #configured = new Map<string, readonly CIDR[]>();
  readonly #ports = new Set<number>();
  #blocks: readonly Block[] = [];
  #loaded: Promise<number> | undefined;

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  /** Resolves once the view has been read; to the revision that it is true for. */
  load(): Promise<number> {
    this.#loaded ??= this.#load().catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  async #load(): Promise<number> {
    const { storage, defaultCIDRs } = this.#options;
    this.#addresses.clear();
    this.#cidrs.clear();
    this.#configured.clear();
    this.#ports.clear();
    this.#cidrs.set('kubernetes', defaultCIDRs);
    this.#configured.set('kubernetes', defaultCIDRs);
    const revision = await storage.currentRevision();
    for (const prefix of [serviceCIDRPrefix, ipAddressPrefix, nodePortPrefix]) {
      const { items } = await storage.range({ prefix });
      for (const { key, value } of items) this.#put(key, value);
    }
    this.#rebuild();
    return revision;
  }

  /** Follows storage until the signal aborts. Rejects with a HistoryLostError. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(
      [serviceCIDRPrefix, ipAddressPrefix, nodePortPrefix].map((prefix) => this.#follow(prefix, signal)),
    );
  }

  async #follow(prefix: string, signal: AbortSignal): Promise<void> {
    let afterRevision: number | undefined;
    while (!signal.aborted) {
      try {
        afterRevision ??= await this.load();
        for await (const { revision, events } of this.#options.storage.watch({ prefix, afterRevision, signal })) {
          for (const { key, current } of events) {
            if (current) this.#put(key, current.value);
            else this.#delete(key);
          }
          if (prefix === serviceCIDRPrefix && events.length > 0) this.#rebuild();
          afterRevision = revision;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof HistoryLostError) throw error;
        // History is gone, or an etcd that was away for long came too late: all is read again, which waits for it.
        if (error instanceof CompactedError) this.#loaded = undefined;
        afterRevision = undefined;
      }
    }
  }

  #put(key: string, value: string): void {
    if (key.startsWith(nodePortPrefix)) {
      this.#ports.add(Number(key.slice(nodePortPrefix.length)));
    } else if (key.startsWith(ipAddressPrefix)) {
      const ip = addressOf(key);
      if (!ip) return;
      this.#addresses.add(key);
      for (const block of this.#blocks) block.add(ip);
    } else {
      const name = key.slice(serviceCIDRPrefix.length);
      const object = JSON.parse(value) as ServiceCIDR;
      this.#cidrs.set(name, usableCIDRs(object));
      this.#configured.set(name, cidrsOf(object));
    }
  }

  #delete(key: string): void {
    if (key.startsWith(nodePortPrefix)) {
      this.#ports.delete(Number(key.slice(nodePortPrefix.length)));
    } else if (key.startsWith(ipAddressPrefix)) {
      const ip = addressOf(key);
      this.#addresses.delete(key);
      if (ip) for (const block of this.#blocks) block.delete(ip);
    } else {
      this.#cidrs.delete(key.slice(serviceCIDRPrefix.length));
      this.#configured.delete(key.slice(serviceCIDRPrefix.length));
    }
  }

  #rebuild(): void {
    const cidrs = [...this.#cidrs.values()].flat();
    const taken = [...this.#addresses].flatMap((key) => addressOf(key) ?? []);
    this.#blocks = cidrs.map((cidr) => new Block(cidr, taken));
  }

  /** Whether the address can be a cluster IP: in a ready range, and neither its network nor broadcast address. */
  isServiceIP(ip: IP): boolean {
    return this.#blocks.some((block) => block.isUsable(ip));
  }

  /** Whether a range has the address, be it one that gives no more of them. */
  isConfigured(ip: IP): boolean {
    return [...this.#configured.values()].some((cidrs) => cidrs.some((cidr) => new Block(cidr, []).isUsable(ip)));
  }

  /** Storage has this key of an address or port already, though its event is still on the way. */
  noteTaken(key: string): void {
    this.#put(key, '');
  }

  /** An address that is free as far as the view knows. */
  dealIP(family: IPFamily): Dealt {
    const blocks = this.#blocks.filter(({ cidr }) => cidr.family === family);
    if (blocks.length === 0) return 'not ready';
    for (const block of blocks) {
      const ip = block.deal(this.#dice());
      if (ip) return formatIP(ip);
    }
    return 'full';
  }

  /** What a dry run shows in place of an address. */
  placeholderIP(family: IPFamily): CanonicalIP | 'not ready' {
    const block = this.#blocks.find(({ cidr }) => cidr.family === family);
    return block ? formatIP(addressAt(block.cidr, 0n)) : 'not ready';
  }

  /** A node port that is free as far as the view knows, and not among `taken`; undefined: there is none. */
  dealNodePort(taken: ReadonlySet<number>): number | undefined {
    const { first, last } = this.#options.nodePorts;
    const count = BigInt(last - first + 1);
    const isTaken = (index: bigint): boolean => {
      const port = first + Number(index);
      return this.#ports.has(port) || taken.has(port);
    };
    const index = dealNumber({ count, band: staticBand(count, nodePortBand), dice: this.#dice(), isTaken });
    return index === undefined ? undefined : first + Number(index);
  }

  #dice(): number {
    const sides = 2 ** 47;
    return this.#options.random.int(sides) / sides;
  }
}

function addressOf(key: string): IP | undefined {
  return parseIP(key.slice(ipAddressPrefix.length));
}

/** A range that is going away, or not ready, gives no further addresses. No Ready condition counts as ready. */
function usableCIDRs(object: ServiceCIDR): CIDR[] {
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  return object.metadata.deletionTimestamp || ready?.status === 'False' ? [] : cidrsOf(object);
}

function cidrsOf({ spec }: ServiceCIDR): CIDR[] {
  return (spec.cidrs ?? []).flatMap((text) => parseCIDR(text) ?? []);
}
