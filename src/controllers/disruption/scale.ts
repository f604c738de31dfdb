// How many replicas the controllers of pods want: those that we know by heart from the cache, all others by their scale
// subresource.

import type { Deployment, ReplicaSet, StatefulSet } from '../../api/apps/v1/types.generated.ts';
import type { Pod, ReplicationController } from '../../api/core/v1/types.generated.ts';
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import { table } from '../../apimachinery/table.ts';
import { deployments, replicaSets, replicationControllers, statefulSets } from '../../client/resources.ts';
import type { Client } from '../../client/types.ts';
import type { ControllerContext } from '../controller.ts';
import { controllerOf } from '../shared/owners.ts';
import { findScale } from '../shared/scale-client.ts';

/** Replicas wanted by one controller; undefined where there is no such object; a text where it has no scale. */
type Finder = (owner: OwnerReference, namespace: string) => Promise<number | string | undefined>;

/** The sum over all controllers; a text says why it cannot be had. Pods without a controller count for nothing. */
export type ScaleOf = (pods: readonly Readonly<Pod>[], namespace: string) => Promise<number | string>;

export function createScaleOf({ client, informers }: ControllerContext): ScaleOf {
  const sets = informers.informer<ReplicaSet>(replicaSets);
  const deploymentsOf = informers.informer<Deployment>(deployments);
  const stateful = informers.informer<StatefulSet>(statefulSets);
  const replication = informers.informer<ReplicationController>(replicationControllers);

  const finders = table<Finder>({
    async 'apps/v1/ReplicaSet'({ name, uid }, namespace) {
      const set = sets.lister.get(name, namespace);
      if (!set || set.metadata.uid !== uid) return undefined;
      const owner = controllerOf(set);
      if (owner?.kind !== 'Deployment') return set.spec.replicas ?? 0;
      const deployment = deploymentsOf.lister.get(owner.name, namespace);
      return deployment?.metadata.uid === owner.uid ? (deployment.spec.replicas ?? 0) : undefined;
    },
    async 'apps/v1/StatefulSet'({ name, uid }, namespace) {
      const set = stateful.lister.get(name, namespace);
      return set?.metadata.uid === uid ? (set.spec.replicas ?? 0) : undefined;
    },
    async 'v1/ReplicationController'({ name, uid }, namespace) {
      const one = replication.lister.get(name, namespace);
      return one?.metadata.uid === uid ? (one.spec.replicas ?? 0) : undefined;
    },
  });

  return async (pods, namespace) => {
    const owners = new Map<string, OwnerReference>();
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (owner) owners.set(owner.uid, owner);
    }
    let total = 0;
    for (const owner of owners.values()) {
      const known = finders[`${owner.apiVersion}/${owner.kind}`];
      const replicas = await (known ? known(owner, namespace) : scaleSubresource(client, owner, namespace));
      if (typeof replicas === 'string') return replicas;
      total += replicas ?? 0;
    }
    return total;
  };
}

async function scaleSubresource(
  client: Client,
  { apiVersion, kind, name }: OwnerReference,
  namespace: string,
): Promise<number | string | undefined> {
  const found = await findScale(client, { apiVersion, kind, name, namespace });
  if (typeof found === 'string') return found;
  return found.scale.spec.replicas ?? 0;
}
