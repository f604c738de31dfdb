import { loadBalancerPools } from '../api/portico/v1/load-balancer-pool.ts';
import { type KubeObject, objectKey, parseApiVersion } from '../apimachinery/object.ts';

/** `Service default/web`: how items, traces, plans and the history name an object. */
export function idOf(object: Readonly<KubeObject>): string {
  return `${object.kind} ${objectKey(object)}`;
}

/**
 * The object with its group in its kind where the group is somebody else's: a `Service` of serving.knative.dev is no Service, and
 * kinds are all that tells objects apart here. Groups of Kubernetes have no dot, or end in k8s.io.
 */
export function withOwnKind<T extends KubeObject>(object: T): T {
  const { group } = parseApiVersion(object.apiVersion ?? '');
  const isForeign = group.includes('.') && !group.endsWith('.k8s.io') && group !== loadBalancerPools.group;
  return isForeign ? { ...object, kind: `${object.kind}.${group}` } : object;
}
