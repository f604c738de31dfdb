// VolumeRestrictions: a claim of the access mode ReadWriteOncePod is one pod's in the whole cluster.
import { type FilterPlugin, type PodContext, resolvable } from '../plugin.ts';

const inUse = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';

export const readWriteOncePod: FilterPlugin = (context) => {
  const claims = exclusiveClaims(context);
  if (claims.size === 0) return undefined;
  const { namespace } = context.pod.metadata;
  const taken = context.nodes.some(({ pods }) =>
    [...pods.values()].some(
      ({ metadata, spec }) =>
        metadata.namespace === namespace &&
        spec.volumes?.some(({ persistentVolumeClaim: claim }) => claim && claims.has(claim.claimName)),
    ),
  );
  return taken ? () => resolvable(inUse) : undefined;
};

/** Names of the pod's claims that no other pod may use beside it. */
function exclusiveClaims({ pod, volumes }: PodContext): ReadonlySet<string> {
  const names = (pod.spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
    claim ? [claim.claimName] : [],
  );
  const isExclusive = (name: string) =>
    volumes.claim(name, pod.metadata.namespace ?? '')?.spec?.accessModes?.includes('ReadWriteOncePod');
  return new Set(names.filter(isExclusive));
}
