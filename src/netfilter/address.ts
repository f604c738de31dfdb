// Addresses as rules and routes compare them.
import { type CIDR, contains, parseCIDRSloppy } from '../net/cidr.ts';
import { type IP, parseIPSloppy } from '../net/ip.ts';
import type { NodeNetwork, Route } from './packet.ts';

function ipOf(text: string): IP | undefined {
  return parseIPSloppy(text)?.ip;
}

/** Whether the prefix, or the one address, that rules name holds the address. */
export function isWithin(address: string, range: string): boolean {
  if (!range.includes('/')) return address === range;
  const ip = ipOf(address);
  const cidr = parseCIDRSloppy(range)?.cidr;
  return ip !== undefined && cidr !== undefined && contains(cidr, ip);
}

/** Whether an address or a number lies between two of its kind, or is one of them. */
export function isBetween(value: string, first: string, last: string): boolean {
  const [at, from, to] = [value, first, last].map((text) => (/^\d+$/.test(text) ? BigInt(text) : ipOf(text)?.value));
  return at !== undefined && from !== undefined && to !== undefined && from <= at && at <= to;
}

/** Of canonical text: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Routes to a node are the same on all others: each is read once. */
const blocks = new WeakMap<Route, CIDR>();

function blockOf(route: Route): CIDR | undefined {
  const block = blocks.get(route) ?? parseCIDRSloppy(route.destination)?.cidr;
  if (block) blocks.set(route, block);
  return block;
}

/** Where the node's packets go. */
export class Routing {
  readonly #network: NodeNetwork;
  readonly #own: ReadonlySet<string>;
  readonly #routes: readonly { readonly cidr: CIDR; readonly route: Route }[];

  /** `more` are addresses of the node's own beside those of its devices. */
  constructor(network: NodeNetwork, more: readonly string[]) {
    this.#network = network;
    this.#own = new Set([...network.devices.flatMap((device) => device.addresses), ...more]);
    this.#routes = network.routes
      .flatMap((route) => {
        const cidr = blockOf(route);
        return cidr ? [{ cidr, route }] : [];
      })
      .sort((a, b) => b.cidr.prefixLength - a.cidr.prefixLength);
  }

  get routesLocalnet(): boolean {
    return this.#network.routeLocalnet ?? false;
  }

  isLocal(address: string): boolean {
    return this.#own.has(address) || isLoopbackAddress(address);
  }

  routeTo(address: string): Route | undefined {
    const ip = ipOf(address);
    return ip && this.#routes.find(({ cidr }) => contains(cidr, ip))?.route;
  }

  /** The source that the node gives to what it sends there, or puts in place of another's. */
  sourceFor(address: string): string | undefined {
    // To itself, the node speaks as the address it speaks to.
    if (this.isLocal(address)) return address;
    const device = this.routeTo(address)?.device;
    return device === undefined ? undefined : this.addressOf(device);
  }

  /** The address that stands for the node on a device; where the device has none of its own, another of the node's. */
  addressOf(device: string): string | undefined {
    const { devices } = this.#network;
    const first = (addresses: readonly string[]) => addresses.find((address) => !isLoopbackAddress(address));
    return (
      first(devices.find(({ name }) => name === device)?.addresses ?? []) ??
      first(devices.flatMap(({ addresses }) => addresses))
    );
  }
}
