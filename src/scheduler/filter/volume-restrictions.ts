// VolumeRestrictions: a disk that pods name themselves is written by one pod of a node; a claim of the access mode
// ReadWriteOncePod is one pod's in the whole cluster.
import type { Volume } from '../../api/core/v1/types.generated.ts';
import { type FilterPlugin, type PodContext, resolvable } from '../plugin.ts';

export const diskConflict: FilterPlugin = ({ pod }) => {
  const disks = (pod.spec.volumes ?? []).filter(
    ({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }) =>
      gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd,
  );
  if (disks.length === 0) return undefined;
  return ({ pods }) => {
    const taken = [...pods.values()].some(({ spec }) =>
      spec.volumes?.some((other) => disks.some((disk) => conflicts(disk, other))),
    );
    return taken ? resolvable('node(s) had no available disk') : undefined;
  };
};

/** Of the same disk, unless both only read it; of one of EBS also then. */
export function conflicts(a: Readonly<Volume>, b: Readonly<Volume>): boolean {
  const writes = (one?: { readonly readOnly?: boolean }, other?: { readonly readOnly?: boolean }) =>
    !(one?.readOnly && other?.readOnly);
  const same = <T>(left: T | undefined, right: T | undefined) => left !== undefined && left === right;
  const isOneImage =
    same(a.rbd?.image, b.rbd?.image) &&
    (a.rbd?.pool ?? 'rbd') === (b.rbd?.pool ?? 'rbd') &&
    a.rbd?.monitors.some((monitor) => b.rbd?.monitors.includes(monitor));
  return (
    (same(a.gcePersistentDisk?.pdName, b.gcePersistentDisk?.pdName) &&
      writes(a.gcePersistentDisk, b.gcePersistentDisk)) ||
    same(a.awsElasticBlockStore?.volumeID, b.awsElasticBlockStore?.volumeID) ||
    (same(a.iscsi?.iqn, b.iscsi?.iqn) && writes(a.iscsi, b.iscsi)) ||
    (isOneImage === true && writes(a.rbd, b.rbd))
  );
}

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
