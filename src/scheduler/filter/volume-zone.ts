// VolumeZone: a volume whose labels name its zone or region is reached from there only.
import { ownValue, table } from '../../apimachinery/table.ts';
import { type FilterPlugin, unresolvable } from '../plugin.ts';

/** Labels, and what is asked of a node that does not have them: the old ones have new names there. */
const newNames = table({
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
});

export const volumeZone: FilterPlugin = ({ pod, volumes }) => {
  const wanted = (pod.spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => {
    const claim = persistentVolumeClaim && volumes.claim(persistentVolumeClaim.claimName, pod.metadata.namespace ?? '');
    const volume = claim?.spec?.volumeName && volumes.volume(claim.spec.volumeName);
    return volume ? topologyOf(volume.metadata.labels) : [];
  });
  if (wanted.length === 0) return undefined;
  return ({ node }) => {
    const { labels } = node.metadata;
    // A cluster in one zone need not say so.
    if (Object.keys(newNames).every((key) => ownValue(labels, key) === undefined)) return undefined;
    const isThere = wanted.every(({ key, values }) =>
      values.has(ownValue(labels, key) ?? ownValue(labels, newNames[key] ?? '') ?? ''),
    );
    return isThere ? undefined : unresolvable('node(s) had no available volume zone');
  };
};

/** A label may name several zones: `a__b`. One with an empty zone among them says nothing. */
function topologyOf(labels: Readonly<Record<string, string>> | undefined) {
  return Object.keys(newNames).flatMap((key) => {
    const values = new Set(
      ownValue(labels, key)
        ?.split('__')
        .map((value) => value.trim()),
    );
    return values.size === 0 || values.has('') ? [] : [{ key, values }];
  });
}
