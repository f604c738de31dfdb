// VolumeBinding and VolumeZone, as far as they say where a pod with bound claims may go.
import { matchesTerm } from '../../api/core/v1/node/placement.ts';
import type { PersistentVolume } from '../../api/core/v1/types.generated.ts';
import { type FilterPlugin, unresolvable } from '../plugin.ts';

export const volumeBinding: FilterPlugin = ({ pod, volumes }) => {
  const names = (pod.spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [persistentVolumeClaim.claimName];
    return ephemeral ? [`${pod.metadata.name}-${name}`] : [];
  });
  if (names.length === 0) return undefined;
  const bound: Readonly<PersistentVolume>[] = [];
  for (const name of names) {
    const claim = volumes.claim(name, pod.metadata.namespace ?? '');
    if (!claim) return () => unresolvable(`persistentvolumeclaim "${name}" not found`);
    if (claim.metadata.deletionTimestamp) return () => unresolvable(`persistentvolumeclaim "${name}" is being deleted`);
    const volume = claim.spec?.volumeName && volumes.volume(claim.spec.volumeName);
    if (volume) bound.push(volume);
  }
  const required = bound.flatMap(({ spec }) => spec?.nodeAffinity?.required ?? []);
  if (required.length === 0) return undefined;
  return ({ node }) =>
    required.every(({ nodeSelectorTerms }) => nodeSelectorTerms.some((term) => matchesTerm(node, term)))
      ? undefined
      : unresolvable("node(s) didn't match PersistentVolume's node affinity");
};
