// Which ReplicaSet is the current one, and the annotations by which `kubectl rollout` knows revisions.
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import type { PodTemplateSpec } from '../../api/core/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { byCreation } from '../shared/by-creation.ts';
import { shortHash } from '../shared/hash.ts';
import { controllerReference } from '../shared/owners.ts';
import { maxSurgeOf } from './limits.ts';

export const kind = { apiVersion: 'apps/v1', kind: 'Deployment' };
const hashLabel = 'pod-template-hash';
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
/** Characters, as upstream (maxRevHistoryLengthInChars). */
const longestHistory = 2000;
/** Annotations of a Deployment that its ReplicaSets do not inherit. */
const notInherited = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

export interface ReplicaSets {
  /** The one whose template is the Deployment's, if it is there. */
  readonly current: Readonly<ReplicaSet> | undefined;
  /** All others, oldest first. */
  readonly old: readonly Readonly<ReplicaSet>[];
}

export function sortOut(deployment: Readonly<Deployment>, all: readonly Readonly<ReplicaSet>[]): ReplicaSets {
  const sorted = [...all].sort(byCreation);
  // Of several that are equal (made by a client) the oldest is taken, so that the choice is stable.
  const current = sorted.find((set) => set.spec.template && sameTemplate(set.spec.template, deployment.spec.template));
  return { current, old: sorted.filter((set) => set !== current) };
}

/** Equal but for the label that the controller adds. */
export function sameTemplate(a: Readonly<PodTemplateSpec>, b: Readonly<PodTemplateSpec>): boolean {
  return jsonEqual(withoutHash(a), withoutHash(b));
}

function withoutHash({ metadata, spec }: Readonly<PodTemplateSpec>): unknown {
  const { [hashLabel]: _, ...labels } = metadata?.labels ?? {};
  const { annotations = {}, creationTimestamp: _none, ...others } = metadata ?? {};
  return { metadata: { ...others, annotations, labels }, spec };
}

/** An int64 in upstream, beyond what a number holds; 0 for none, or for what is no revision. */
export function revisionOf(set: Readonly<ReplicaSet>): bigint {
  const text = set.metadata.annotations?.[revisionAnnotation] ?? '';
  return /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
}

/** A count that the controller noted on the set; undefined for none and for what is no int32 of at least 0. */
export function notedCount(set: Readonly<ReplicaSet>, annotation: string): number | undefined {
  const text = set.metadata.annotations?.[annotation] ?? '';
  const count = /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  return count !== undefined && count < 2 ** 31 ? count : undefined;
}

/** One more than the newest of the old ones. */
export function nextRevision(old: readonly Readonly<ReplicaSet>[]): bigint {
  let newest = 0n;
  for (const set of old) if (revisionOf(set) > newest) newest = revisionOf(set);
  return newest + 1n;
}

/** A copy of the current ReplicaSet as it should be annotated, or undefined when it is so. */
export function annotated(
  deployment: Readonly<Deployment>,
  current: Readonly<ReplicaSet>,
  revision: bigint,
): ReplicaSet | undefined {
  const annotations = { ...current.metadata.annotations, ...inherited(deployment) };
  const before = revisionOf(current);
  if (before < revision) {
    annotations[revisionAnnotation] = String(revision);
    if (before > 0n) annotations[historyAnnotation] = withRevision(annotations[historyAnnotation], before);
  }
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const same = jsonEqual(annotations, current.metadata.annotations ?? {});
  if (same && (current.spec.minReadySeconds ?? 0) === minReadySeconds) return undefined;
  const copy = jsonCopy(current) as ReplicaSet;
  copy.metadata.annotations = annotations;
  copy.spec.minReadySeconds = minReadySeconds;
  return copy;
}

/** The oldest make room where the text would be too long. */
function withRevision(history: string | undefined, revision: bigint): string {
  const revisions = [...(history ? history.split(',') : []), String(revision)];
  while (revisions.length > 1 && revisions.join(',').length > longestHistory) revisions.shift();
  return revisions.join(',');
}

function inherited(deployment: Readonly<Deployment>): Record<string, string> {
  const entries = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(entries.filter(([key]) => !notInherited.has(key)));
}

/** The ReplicaSet for the present template, not yet created. */
export function newReplicaSet(deployment: Readonly<Deployment>, revision: bigint, replicas: number): ReplicaSet {
  const hash = shortHash(deployment.spec.template, deployment.status?.collisionCount);
  const template = jsonCopy(deployment.spec.template) as PodTemplateSpec;
  template.metadata = { ...template.metadata, labels: { ...template.metadata?.labels, [hashLabel]: hash } };
  const { selector, minReadySeconds } = deployment.spec;
  const desired = deployment.spec.replicas ?? 1;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels: { ...template.metadata.labels },
      annotations: {
        ...inherited(deployment),
        [revisionAnnotation]: String(revision),
        [desiredAnnotation]: String(desired),
        [maxAnnotation]: String(desired + maxSurgeOf(deployment)),
      },
      ownerReferences: [controllerReference(deployment, kind)],
    },
    spec: {
      replicas,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...jsonCopy(selector), matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template,
    },
  };
}
