// Addresses of hollow nodes and their pods: a part of 100.64.0.0/10 for each node.
import { addressAt, type CIDR, formatCIDR, parseCIDR } from '../../net/cidr.ts';
import { formatIP } from '../../net/ip.ts';

/** Nodes that have a /24 each below the range of the nodes' own addresses. */
export const mostHollowNodes = 63 * 256;

const pods = parseCIDR('100.64.0.0/10') as CIDR;
const nodes = parseCIDR('100.127.0.0/16') as CIDR;

/** `index` counts from 0. */
export function podCIDROf(index: number): string {
  return formatCIDR({ ...pods, base: pods.base + BigInt(index) * 256n, prefixLength: 24 });
}

export function nodeIPOf(index: number): string {
  return formatIP(addressAt(nodes, BigInt(index + 1)));
}

/** The addresses of one node's pods: 253 of them, the first being the node's own end. */
export class PodAddresses {
  readonly #index: number;
  readonly #taken = new Map<string, string>();
  #next = 0;

  constructor(index: number) {
    this.#index = index;
  }

  /** The pod's address: what it has, or a free one (the longest free first). Undefined when all are taken. */
  of(podKey: string, present: string | undefined): string | undefined {
    for (const [ip, key] of this.#taken) if (key === podKey) return ip;
    if (present !== undefined) {
      this.#taken.set(present, podKey);
      return present;
    }
    for (let tries = 0; tries < 253; tries += 1) {
      const ip = formatIP(addressAt(pods, BigInt(this.#index * 256 + 2 + this.#next)));
      this.#next = (this.#next + 1) % 253;
      if (this.#taken.has(ip)) continue;
      this.#taken.set(ip, podKey);
      return ip;
    }
    return undefined;
  }

  release(podKey: string): void {
    for (const [ip, key] of this.#taken) if (key === podKey) this.#taken.delete(ip);
  }
}
