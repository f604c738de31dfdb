// Which claims a pod's generic ephemeral volumes need: pure. Names and words are upstream's (component-helpers/storage/ephemeral).
import type { PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { controllerReference, isControlledBy } from '../shared/owners.ts';

export interface ClaimDecision {
  /** Claims to create, and for which volumes. */
  readonly create: readonly { readonly volume: string; readonly claim: PersistentVolumeClaim }[];
  /** What stands in the way, by volume: a claim of that name that is not the pod's. */
  readonly conflicts: readonly string[];
}

/** `claim` gives the claim of the pod's namespace by name. */
export function reconcile(
  pod: Readonly<Pod>,
  claim: (name: string) => Readonly<PersistentVolumeClaim> | undefined,
): ClaimDecision {
  const create: { volume: string; claim: PersistentVolumeClaim }[] = [];
  const conflicts: string[] = [];
  const { name: podName, namespace = 'default', deletionTimestamp } = pod.metadata;
  for (const { name: volume, ephemeral } of deletionTimestamp ? [] : (pod.spec.volumes ?? [])) {
    const template = ephemeral?.volumeClaimTemplate;
    if (!template) continue;
    const name = `${podName}-${volume}`;
    const present = claim(name);
    if (!present) {
      const { annotations, labels } = template.metadata ?? {};
      const ownerReferences = [controllerReference(pod, { apiVersion: 'v1', kind: 'Pod' })];
      const metadata = {
        name,
        namespace,
        ...(annotations && { annotations }),
        ...(labels && { labels }),
        ownerReferences,
      };
      create.push({
        volume,
        claim: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: template.spec },
      });
    } else if (!isControlledBy(present, pod)) {
      const why = `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`;
      conflicts.push(`ephemeral volume ${volume}: ${why}`);
    }
  }
  return { create, conflicts };
}
