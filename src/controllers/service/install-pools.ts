import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { loadBalancerPoolDefinition, loadBalancerPools } from '../../api/portico/v1/load-balancer-pool.ts';
import { isAlreadyExists } from '../../apimachinery/status.ts';
import type { ControllerContext } from '../controller.ts';

const definitions = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
const retryDelay = 1000;
const servedDelay = 20;

/** Makes the kind LoadBalancerPool where there is none, and waits until it is served; false when the signal aborts first. */
export async function installPools(
  { client, clock, onError }: ControllerContext,
  signal: AbortSignal,
): Promise<boolean> {
  const resource = client.resource<CustomResourceDefinition>(definitions);
  let isInstalled = false;
  while (!signal.aborted) {
    try {
      if (!isInstalled) await resource.create(loadBalancerPoolDefinition);
      isInstalled = true;
    } catch (error) {
      isInstalled = isAlreadyExists(error);
      if (!isInstalled) onError?.(error, 'service-lb-controller: the kind LoadBalancerPool');
    }
    const isServed =
      isInstalled &&
      (await client
        .resource(loadBalancerPools)
        .list({ limit: 1 })
        .then(
          () => true,
          () => false,
        ));
    if (isServed) return true;
    await clock.sleep(isInstalled ? servedDelay : retryDelay, signal).catch(() => {});
  }
  return false;
}
