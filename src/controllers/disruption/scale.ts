// How many replicas the controllers of pods want: those that we know by heart from the cache, all others by their scale
// subresource.

import type { Deployment, ReplicaSet, StatefulSet } from '../../api/apps/v1/types.generated.ts';
import type { Pod, ReplicationController } from '../../api/core/v1/types.generated.ts';
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import { type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import { deployments, replicaSets, replicationControllers, statefulSets } from '../../client/resources.ts';
import type { Client } from '../../client/types.ts';
import type { ControllerContext } from '../controller.ts';
import { controllerOf } from '../shared/owners.ts';
import { findScale } from '../shared/scale-client.ts';

/** A controller, and how many replicas it wants. */
interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

type Finder = (owner: OwnerReference, namespace: string) => Scaled | undefined;

/** The sum over all controllers; a text says why it cannot be had. Pods without a controller count for nothing. */
export type ScaleOf = (pods: readonly Readonly<Pod>[], namespace: string) => Promise<number | string>;

export function createScaleOf({ client, informers }: ControllerContext): ScaleOf {
  const sets = informers.informer<ReplicaSet>(replicaSets);
  const deploymentsOf = informers.informer<Deployment>(deployments);
  const stateful = informers.informer<StatefulSet>(statefulSets);
  const replication = informers.informer<ReplicationController>(replicationControllers);

  const finders = table<Finder>({
    'apps/ReplicaSet'({ name, uid }, namespace) {
      const set = sets.lister.get(name, namespace);
      const owner = set && controllerOf(set);
      if (owner?.kind !== 'Deployment') return scaled(set, uid);
      // While it rolls out, a Deployment wants its pods of two sets.
      return scaled(deploymentsOf.lister.get(owner.name, namespace), owner.uid);
    },
    'apps/StatefulSet': ({ name, uid }, namespace) => scaled(stateful.lister.get(name, namespace), uid),
    '/ReplicationController': ({ name, uid }, namespace) => scaled(replication.lister.get(name, namespace), uid),
  });

  return async (pods, namespace) => {
    const seen = new Set<string>();
    const wanted = new Map<string, number>();
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (!owner || seen.has(owner.uid)) continue;
      seen.add(owner.uid);
      const { group } = parseApiVersion(owner.apiVersion);
      const known = finders[`${group}/${owner.kind}`]?.(owner, namespace);
      const found = known ?? (await scaleSubresource(client, owner, namespace));
      if (typeof found === 'string') return found;
      if (!found) return `found no controllers for pod "${pod.metadata.name}"`;
      wanted.set(found.uid, found.replicas);
    }
    return [...wanted.values()].reduce((sum, replicas) => sum + replicas, 0);
  };
}

/** Undefined where the object of that name is another. */
function scaled(
  object: (KubeObject & { readonly spec?: { readonly replicas?: number } }) | undefined,
  uid: string,
): Scaled | undefined {
  return object?.metadata.uid === uid ? { uid, replicas: object.spec?.replicas ?? 0 } : undefined;
}

/** A text says why the kind does not scale. */
async function scaleSubresource(
  client: Client,
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string,
): Promise<Scaled | string | undefined> {
  const found = await findScale(client, { apiVersion, kind, name, namespace });
  if ('scale' in found) return scaled(found.scale, uid);
  if (found.why === 'missing') return undefined;
  if (found.why === 'unserved') return `no matches for kind "${kind}" in version "${apiVersion}"`;
  return found.why === 'unscalable' ? `${found.resource} does not implement the scale subresource` : found.message;
}
