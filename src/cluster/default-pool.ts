// The LoadBalancerPool of a cluster of this machine: addresses of its node network, which the host has a route to.
import { type LoadBalancerPool, loadBalancerPools } from '../api/portico/v1/load-balancer-pool.ts';
import { isAlreadyExists, isNotFound } from '../apimachinery/status.ts';
import type { Client } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import { hasIPv6 } from './host-network.ts';
import type { NetworkLayout } from './layout.ts';

const name = 'default';
const timeout = 120_000;

/** Makes the pool unless the cluster has one of that name, whatever the user made of it. */
export async function defaultPool(
  client: Client,
  { loadBalancers: [v4, v6] }: NetworkLayout,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const pools = client.resource<LoadBalancerPool>(loadBalancerPools);
  const { group, version } = loadBalancerPools;
  const spec = { addresses: hasIPv6() ? [v4, v6] : [v4] };
  const pool = { apiVersion: `${group}/${version}`, kind: 'LoadBalancerPool', metadata: { name }, spec };
  const end = clock.monotonic() + timeout;
  for (;;) {
    try {
      await pools.create(pool);
      return;
    } catch (error) {
      if (isAlreadyExists(error)) return;
      // The control plane has just begun: it installs the kind first.
      if (!isNotFound(error) || clock.monotonic() > end) throw error;
    }
    await clock.sleep(20, signal);
  }
}
