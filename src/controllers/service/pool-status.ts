// The status of a LoadBalancerPool: how much of it is used, and whether all of its entries are addresses. Pure.
import type { LoadBalancerPool, LoadBalancerPoolStatus } from '../../api/portico/v1/load-balancer-pool.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { parseIP } from '../../net/ip.ts';
import { countOf, includes, parseRanges } from './addresses.ts';

/** `taken` are the addresses that Services have, of whatever pool. */
export function poolStatus(
  pool: Readonly<LoadBalancerPool>,
  taken: Iterable<string>,
  now: number,
): LoadBalancerPoolStatus {
  const { ranges, wrong } = parseRanges(pool.spec.addresses);
  let used = 0;
  for (const text of taken) {
    const ip = parseIP(text);
    if (ip && includes(ranges, ip)) used += 1;
  }
  const free = countOf(ranges) - BigInt(used);
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  const isValid = wrong.length === 0;
  const status = isValid ? 'True' : 'False';
  const present = pool.status?.conditions?.find(({ type }) => type === 'Valid');
  const lastTransitionTime = present?.status === status ? present.lastTransitionTime : formatTime(now);
  const told = isValid
    ? { reason: 'AddressesRead', message: 'all entries are addresses' }
    : {
        reason: 'InvalidAddresses',
        message: `no addresses: ${wrong.map((entry) => JSON.stringify(entry)).join(', ')}`,
      };
  return {
    used,
    free: Number(free < most ? free : most),
    conditions: [{ type: 'Valid', status, lastTransitionTime, ...told }],
  };
}
