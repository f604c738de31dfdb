// Gives load balancers their addresses, from the cluster's LoadBalancerPools. The nodes announce them by themselves.
import { ingressIPs } from '../../api/core/v1/service/load-balancer.ts';
import type { LoadBalancerIngress, Service } from '../../api/core/v1/types.generated.ts';
import type { LoadBalancerPool } from '../../api/portico/v1/load-balancer-pool.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { canonicalIP } from '../../net/ip.ts';
import { allocate, poolOf, requestOf } from './allocate.ts';

export type Ensured =
  | { readonly kind: 'ensured'; readonly ingress: readonly LoadBalancerIngress[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Which Service has which address. An address is one Service's until that lets go of it, whatever caches say in between. */
class AddressBook {
  readonly #owners = new Map<string, string>();
  readonly #addresses = new Map<string, Set<string>>();

  /** The first to claim an address has it. */
  claim(key: string, ips: readonly string[]): void {
    const own = this.#addresses.get(key) ?? new Set();
    for (const text of ips) {
      const ip = canonicalIP(text) ?? text;
      if ((this.#owners.get(ip) ?? key) !== key) continue;
      this.#owners.set(ip, key);
      own.add(ip);
    }
    if (own.size > 0) this.#addresses.set(key, own);
  }

  /** The Service has these from now on, and none of its others. */
  replace(key: string, ips: readonly string[]): void {
    this.release(key);
    this.claim(key, ips);
  }

  /** Gives whether it had any. */
  release(key: string): boolean {
    const own = this.#addresses.get(key) ?? [];
    for (const ip of own) this.#owners.delete(ip);
    this.#addresses.delete(key);
    return [...own].length > 0;
  }

  ownerOf(ip: string): string | undefined {
    return this.#owners.get(ip);
  }

  addressesOf(key: string): readonly string[] {
    return [...(this.#addresses.get(key) ?? [])];
  }

  get all(): Iterable<string> {
    return this.#owners.keys();
  }
}

export class PoolProvider {
  readonly book = new AddressBook();
  readonly #pools: () => readonly Readonly<LoadBalancerPool>[];

  constructor(pools: () => readonly Readonly<LoadBalancerPool>[]) {
    this.#pools = pools;
  }

  /** Whether there are load balancers in this cluster at all; while there are none, Services wait without a word. */
  get isPresent(): boolean {
    return this.#pools().length > 0;
  }

  /** Gives the Service its load balancer, or says what it has. */
  ensure(service: Readonly<Service>): Ensured {
    const key = objectKey(service);
    const pools = [...this.#pools()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).map(poolOf);
    const ofAnother = (ip: string) => {
      const owner = this.book.ownerOf(ip);
      return owner === key ? undefined : owner;
    };
    const allocation = allocate(requestOf(service, this.book.addressesOf(key)), pools, ofAnother);
    if (allocation.kind === 'failed') return allocation;
    this.book.replace(key, allocation.ips);
    return { kind: 'ensured', ingress: allocation.ips.map((ip) => ({ ip, ipMode: 'VIP' })) };
  }

  /** Whether the Service has a load balancer. */
  has(service: Readonly<Service>): boolean {
    return this.book.addressesOf(objectKey(service)).length > 0 || ingressIPs(service).length > 0;
  }

  /** Gives whether the Service had any address. */
  release(service: Readonly<Service>): boolean {
    return this.book.release(objectKey(service));
  }
}
