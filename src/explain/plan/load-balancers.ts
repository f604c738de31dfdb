// The addresses of load balancers as their controller would give them after a change, from the pools that there are.
import {
  hasLoadBalancerFinalizer,
  ingressIPs,
  loadBalancerCleanupFinalizer,
  wantsLoadBalancer,
} from '../../api/core/v1/service/load-balancer.ts';
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { LoadBalancerPool } from '../../api/portico/v1/load-balancer-pool.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { PoolProvider } from '../../controllers/service/provider.ts';
import { idOf } from '../object-id.ts';
import type { LoadBalancerChange } from './plan.ts';

interface Balanced {
  readonly objects: readonly KubeObject[];
  readonly changes: readonly LoadBalancerChange[];
}

/**
 * Whoever has an address keeps it; the others are given theirs in the order of the objects, which is that of the manifests.
 * Whoever asks before them, or from elsewhere meanwhile, may get it: an address is given when it is asked for.
 */
export function withLoadBalancers(objects: readonly KubeObject[]): Balanced {
  const pools = objects.filter(({ kind }) => kind === 'LoadBalancerPool') as LoadBalancerPool[];
  if (pools.length === 0) return { objects, changes: [] };
  const provider = new PoolProvider(() => pools);
  for (const object of objects) {
    if (isService(object) && !letsGo(object)) provider.book.claim(objectKey(object), ingressIPs(object));
  }
  const changes: LoadBalancerChange[] = [];
  const balanced = objects.map((object) => {
    if (!isService(object)) return object;
    const { service, waitsFor } = settled(object, provider);
    const [before, after] = [ingressIPs(object), ingressIPs(service)];
    if (before.join() !== after.join() || waitsFor !== undefined) {
      changes.push({ object: idOf(object), before, after, ...(waitsFor !== undefined && { waitsFor }) });
    }
    return service;
  });
  return { objects: balanced, changes };
}

const isService = (object: KubeObject): object is Service & { kind: 'Service' } => object.kind === 'Service';

/** One that was a load balancer of ours, and is none any more. */
const letsGo = (service: Service): boolean => hasLoadBalancerFinalizer(service) && !wantsLoadBalancer(service);

interface Settled {
  readonly service: Service;
  /** Why it gets no address. */
  readonly waitsFor?: string;
}

function settled(service: Service, provider: PoolProvider): Settled {
  if (letsGo(service)) return { service: { ...service, status: { ...service.status, loadBalancer: {} } } };
  if (!wantsLoadBalancer(service)) return { service };
  const ensured = provider.ensure(service);
  if (ensured.kind === 'failed') return { service, waitsFor: ensured.message };
  if (ingressIPs(service).join() === ensured.ingress.map(({ ip }) => ip).join()) return { service };
  const finalizers = new Set([...(service.metadata.finalizers ?? []), loadBalancerCleanupFinalizer]);
  return {
    service: {
      ...service,
      metadata: { ...service.metadata, finalizers: [...finalizers] },
      status: { ...service.status, loadBalancer: { ingress: [...ensured.ingress] } },
    },
  };
}
