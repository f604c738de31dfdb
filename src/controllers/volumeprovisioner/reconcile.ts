// Which claims get a directory on a node as their volume, and which such volumes go: pure.
import { isClaimedBy, selectedNode } from '../../api/core/v1/persistentvolume/matching.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';

export const provisioner = 'portico.dev/local-path';
const provisionedBy = 'pv.kubernetes.io/provisioned-by';
const hostname = 'kubernetes.io/hostname';

export interface Wanted {
  readonly volumeName: string;
  readonly nodeName: string;
}

/** The volume that a claim waits for, and where; undefined when it waits for none of ours. */
export function wantedVolume(
  claim: Readonly<PersistentVolumeClaim>,
  storageClass: Readonly<StorageClass> | undefined,
  volumes: readonly Readonly<PersistentVolume>[],
): Wanted | undefined {
  const { metadata, spec, status } = claim;
  const nodeName = metadata.annotations?.[selectedNode];
  if (storageClass?.provisioner !== provisioner || !nodeName || metadata.deletionTimestamp) return undefined;
  if (spec?.volumeName || status?.phase === 'Bound' || (spec?.volumeMode ?? 'Filesystem') !== 'Filesystem')
    return undefined;
  if (volumes.some((volume) => isClaimedBy(volume, claim))) return undefined;
  return { volumeName: `pvc-${metadata.uid}`, nodeName };
}

export interface Made extends Wanted {
  /** On the node. */
  readonly path: string;
}

export function volumeOf(
  { metadata, spec }: Readonly<PersistentVolumeClaim>,
  storageClass: Readonly<StorageClass>,
  { volumeName, nodeName, path }: Made,
): PersistentVolume {
  const { name, namespace = '', uid = '' } = metadata;
  const expression = { key: hostname, operator: 'In', values: [nodeName] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName, annotations: { [provisionedBy]: provisioner } },
    spec: {
      accessModes: [...(spec?.accessModes ?? [])],
      capacity: { storage: String(spec?.resources?.requests?.storage ?? '0') },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid },
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
    },
  };
}

/** The node whose directory is to be removed; undefined for a volume that stays, or is not ours. */
export function nodeToClear({ metadata, spec, status }: Readonly<PersistentVolume>): string | undefined {
  if (metadata.annotations?.[provisionedBy] !== provisioner || status?.phase !== 'Released') return undefined;
  if (spec?.persistentVolumeReclaimPolicy !== 'Delete') return undefined;
  const [term] = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return term?.matchExpressions?.find(({ key }) => key === hostname)?.values?.[0];
}
