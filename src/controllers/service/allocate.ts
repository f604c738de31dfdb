// Which addresses a Service gets from the pools that there are. Pure.
import type { Service } from '../../api/core/v1/types.generated.ts';
import { addressesAnnotation, type LoadBalancerPool, poolAnnotation } from '../../api/portico/v1/load-balancer-pool.ts';
import { formatIP, type IP, type IPFamily, parseIP } from '../../net/ip.ts';
import { type AddressRange, firstFree, includes, parseRanges } from './addresses.ts';

/** What a Service asks for. */
export interface AddressRequest {
  /** In the order of `spec.ipFamilies`. */
  readonly families: readonly IPFamily[];
  /** Whether every family must have an address; else one is enough. */
  readonly requiresAll: boolean;
  /** Addresses by name: `spec.loadBalancerIP`, or the annotation. */
  readonly requested: readonly string[];
  readonly pool: string | undefined;
  /** Addresses that it has; they are kept while they serve. */
  readonly present: readonly string[];
}

export interface Pool {
  readonly name: string;
  readonly autoAssign: boolean;
  readonly ranges: readonly AddressRange[];
}

export type Allocation =
  | { readonly kind: 'allocated'; readonly ips: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string };

export function poolOf({ metadata, spec }: Readonly<LoadBalancerPool>): Pool {
  return { name: metadata.name, autoAssign: spec.autoAssign ?? true, ranges: parseRanges(spec.addresses).ranges };
}

export function requestOf({ metadata, spec }: Readonly<Service>, present: readonly string[]): AddressRequest {
  const annotations = metadata.annotations ?? {};
  const named = annotations[addressesAnnotation] ?? spec.loadBalancerIP ?? '';
  return {
    families: (spec.ipFamilies ?? ['IPv4']).filter((family) => family === 'IPv4' || family === 'IPv6'),
    requiresAll: spec.ipFamilyPolicy !== 'PreferDualStack',
    requested: named
      .split(',')
      .map((ip) => ip.trim())
      .filter((ip) => ip !== ''),
    pool: annotations[poolAnnotation] || undefined,
    present,
  };
}

/** `ownerOf` names the other Service that has an address already, as `namespace/name`. */
export function allocate(
  request: AddressRequest,
  pools: readonly Pool[],
  ownerOf: (ip: string) => string | undefined,
): Allocation {
  const usable = request.pool === undefined ? pools : pools.filter(({ name }) => name === request.pool);
  if (usable.length === 0) return failed(`there is no LoadBalancerPool ${JSON.stringify(request.pool ?? '')}`);
  const requested = readRequested(request);
  if (requested.kind === 'failed') return requested;
  const given: string[] = [];
  const missing: IPFamily[] = [];
  for (const family of request.families) {
    const named = requested.ips.get(family);
    if (named) {
      const refusal = whyNot(named, usable, ownerOf);
      if (refusal) return failed(refusal);
      given.push(formatIP(named));
      continue;
    }
    const ip = keptAddress(request, family, ownerOf, usable) ?? freeAddress(family, request, usable, ownerOf);
    if (ip) given.push(ip);
    else missing.push(family);
  }
  if (given.length === 0 || (missing.length > 0 && request.requiresAll)) {
    return failed(`no free ${missing.join(' and no free ')} address in ${describe(request, usable)}`);
  }
  return { kind: 'allocated', ips: given };
}

const failed = (message: string): Allocation & { kind: 'failed' } => ({ kind: 'failed', message });

function describe({ pool }: AddressRequest, usable: readonly Pool[]): string {
  if (pool !== undefined) return `LoadBalancerPool ${JSON.stringify(pool)}`;
  const names = usable.filter(({ autoAssign }) => autoAssign).map(({ name }) => JSON.stringify(name));
  return names.length > 0 ? `LoadBalancerPool ${names.join(', ')}` : 'a LoadBalancerPool with autoAssign';
}

function readRequested({
  requested,
  families,
}: AddressRequest):
  | { readonly kind: 'read'; readonly ips: ReadonlyMap<IPFamily, IP> }
  | (Allocation & { kind: 'failed' }) {
  const ips = new Map<IPFamily, IP>();
  for (const text of requested) {
    const ip = parseIP(text);
    if (!ip) return failed(`the requested address ${JSON.stringify(text)} is none`);
    if (!families.includes(ip.family)) {
      return failed(`the requested address ${text} is of family ${ip.family}, which the Service does not have`);
    }
    if (ips.has(ip.family)) return failed(`more than one ${ip.family} address is requested`);
    ips.set(ip.family, ip);
  }
  return { kind: 'read', ips };
}

function whyNot(ip: IP, pools: readonly Pool[], ownerOf: (ip: string) => string | undefined): string | undefined {
  const text = formatIP(ip);
  if (!pools.some(({ ranges }) => includes(ranges, ip))) {
    return `the requested address ${text} is in no LoadBalancerPool that the Service may use`;
  }
  const owner = ownerOf(text);
  return owner && `the requested address ${text} is that of Service ${owner}`;
}

/** An address stays though its pool shrinks or goes: traffic must not break. Asking for another pool moves it. */
function keptAddress(
  { present, pool }: AddressRequest,
  family: IPFamily,
  ownerOf: (ip: string) => string | undefined,
  usable: readonly Pool[],
): string | undefined {
  return present.find((text) => {
    const ip = parseIP(text);
    if (ip?.family !== family || ownerOf(text)) return false;
    return pool === undefined || usable.some(({ ranges }) => includes(ranges, ip));
  });
}

function freeAddress(
  family: IPFamily,
  { pool }: AddressRequest,
  usable: readonly Pool[],
  ownerOf: (ip: string) => string | undefined,
): string | undefined {
  const isTaken = (ip: IP) => ownerOf(formatIP(ip)) !== undefined;
  for (const { ranges, autoAssign } of usable) {
    const ip = autoAssign || pool !== undefined ? firstFree(ranges, family, isTaken) : undefined;
    if (ip) return formatIP(ip);
  }
  return undefined;
}
