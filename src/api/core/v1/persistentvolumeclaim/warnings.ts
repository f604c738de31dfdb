// What the author of a claim, or of a template of one, should know though nothing is refused.
import { printQuantity, quantityMilliValue } from '../../../../apimachinery/quantity.ts';
import { amountOf } from '../../../validation/quantities.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../types.generated.ts';

export const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

export function claimWarnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  const deprecated = `metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`;
  return [
    ...(metadata.annotations?.[classAnnotation] === undefined ? [] : [deprecated]),
    ...claimSpecWarnings(spec, 'spec'),
  ];
}

/** There is no part of a byte. */
export function claimSpecWarnings(spec: PersistentVolumeClaimSpec | undefined, path: string): string[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const size = amountOf(spec?.resources?.[list]?.storage);
    if (!size || quantityMilliValue(size) % 1000 === 0) return [];
    const at = `${path}.resources.${list}[storage]`;
    return [`${at}: fractional byte value "${printQuantity(size)}" is invalid, must be an integer`];
  });
}
