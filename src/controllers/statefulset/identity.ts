// What makes a pod of a StatefulSet that very one: its name, its labels, its volumes, its claims. Pure.
import type { ControllerRevision, StatefulSet } from '../../api/apps/v1/types.generated.ts';
import type { PersistentVolumeClaim, Pod, Volume } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import { templateOf } from '../shared/history.ts';
import { controllerReference } from '../shared/owners.ts';
import { podOfTemplate } from '../shared/pod-of-template.ts';

export const kind = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
const revisionLabel = 'controller-revision-hash';
const nameLabel = 'statefulset.kubernetes.io/pod-name';
const indexLabel = 'apps.kubernetes.io/pod-index';

/** -1 for a name that no StatefulSet of this name gives. */
export function ordinalOf(set: Readonly<StatefulSet>, pod: Readonly<Pod>): number {
  const match = /^(.*)-(\d{1,10})$/.exec(pod.metadata.name);
  return match?.[1] === set.metadata.name ? Number(match[2]) : -1;
}

/** The ordinal of the first pod (spec.ordinals). */
export function startOf(set: Readonly<StatefulSet>): number {
  return set.spec.ordinals?.start ?? 0;
}

export function isWanted(set: Readonly<StatefulSet>, ordinal: number): boolean {
  return ordinal >= startOf(set) && ordinal < startOf(set) + (set.spec.replicas ?? 1);
}

export function revisionOf(pod: Readonly<Pod>): string {
  return pod.metadata.labels?.[revisionLabel] ?? '';
}

/** The pod of one ordinal, made from the template that a revision holds. */
export function podOf(set: Readonly<StatefulSet>, ordinal: number, revision: Readonly<ControllerRevision>): Pod {
  const pod = podOfTemplate(set, templateOf(revision));
  const name = `${set.metadata.name}-${ordinal}`;
  delete pod.metadata.generateName;
  pod.metadata.name = name;
  pod.metadata.labels = {
    ...pod.metadata.labels,
    [nameLabel]: name,
    [indexLabel]: String(ordinal),
    [revisionLabel]: revision.metadata.name,
  };
  pod.spec.hostname = name;
  if (set.spec.serviceName) pod.spec.subdomain = set.spec.serviceName;
  const claimed = claimNames(set, ordinal).map(
    ({ template, claimName }): Volume => ({ name: template, persistentVolumeClaim: { claimName } }),
  );
  const own = (pod.spec.volumes ?? []).filter(({ name }) => !claimed.some((volume) => volume.name === name));
  if (claimed.length + own.length > 0) pod.spec.volumes = [...claimed, ...own];
  return pod;
}

/** Labels that an adopted or changed pod lacks; undefined when it has them. */
export function missingIdentity(set: Readonly<StatefulSet>, pod: Readonly<Pod>): Record<string, string> | undefined {
  const wanted = { [nameLabel]: pod.metadata.name, [indexLabel]: String(ordinalOf(set, pod)) };
  return Object.entries(wanted).every(([key, value]) => pod.metadata.labels?.[key] === value) ? undefined : wanted;
}

export function claimNames(
  set: Readonly<StatefulSet>,
  ordinal: number,
): readonly { readonly template: string; readonly claimName: string }[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => ({
    template: metadata.name,
    claimName: `${metadata.name}-${set.metadata.name}-${ordinal}`,
  }));
}

export function claimsOf(set: Readonly<StatefulSet>, ordinal: number): PersistentVolumeClaim[] {
  const names = claimNames(set, ordinal);
  return (set.spec.volumeClaimTemplates ?? []).map((template, i) => {
    const { status: _, ...claim } = jsonCopy(template) as PersistentVolumeClaim;
    const labels = { ...claim.metadata.labels, ...set.spec.selector.matchLabels };
    claim.metadata = {
      ...claim.metadata,
      name: names[i]?.claimName ?? '',
      namespace: set.metadata.namespace ?? '',
      labels,
    };
    return claim;
  });
}

/**
 * Who a claim goes with, by spec.persistentVolumeClaimRetentionPolicy: with the set, with its pod once that is surplus, or
 * with nobody. The references as they should be; undefined when they are.
 */
export function claimOwners(
  set: Readonly<StatefulSet>,
  claim: Readonly<PersistentVolumeClaim>,
  pod: Readonly<Pod>,
): OwnerReference[] | undefined {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const surplus = !isWanted(set, ordinalOf(set, pod));
  const withPod = whenScaled === 'Delete' && surplus;
  const withSet = whenDeleted === 'Delete' && !withPod;
  const present = claim.metadata.ownerReferences ?? [];
  const others = present.filter(({ uid }) => uid !== set.metadata.uid && uid !== pod.metadata.uid);
  const wanted = [
    ...(withSet ? [controllerReference(set, kind)] : []),
    ...(withPod ? [controllerReference(pod, { apiVersion: 'v1', kind: 'Pod' })] : []),
  ];
  const uids = new Set(wanted.map(({ uid }) => uid));
  const own = present.filter((reference) => !others.includes(reference));
  const same = own.length === wanted.length && own.every(({ uid }) => uids.has(uid));
  return same ? undefined : [...others, ...wanted];
}
