// What the author of a PersistentVolume should know though nothing is refused.

import { quantityMilliValue } from '../../../../apimachinery/quantity.ts';
import { table } from '../../../../apimachinery/table.ts';
import { amountOf } from '../../../validation/quantities.ts';
import { nodeSelectorTermWarnings } from '../node/labels.ts';
import type { PersistentVolume } from '../types.generated.ts';

const deprecatedAnnotations = table<string>({
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
});

const deprecatedSources = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const;

export function volumeWarnings({ metadata, spec }: PersistentVolume): string[] {
  const storage = amountOf(spec.capacity?.storage);
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return [
    ...Object.keys(metadata.annotations ?? {}).flatMap((key) => {
      const why = deprecatedAnnotations[key];
      return why ? [`metadata.annotations[${key}]: ${why}`] : [];
    }),
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle'
      ? [
          'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        ]
      : []),
    ...terms.flatMap((term, i) => nodeSelectorTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`)),
    ...Object.entries(deprecatedSources)
      .filter(([source]) => spec[source as keyof typeof deprecatedSources] !== undefined)
      .map(([source, why]) => `spec.${source === 'storageos' ? 'storageOS' : source}: ${why}`),
    ...(storage && quantityMilliValue(storage) % 1000 !== 0
      ? [`spec.capacity[storage]: fractional byte value "${spec.capacity?.storage}" is invalid, must be an integer`]
      : []),
  ];
}
