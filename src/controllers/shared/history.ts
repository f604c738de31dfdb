// ControllerRevisions: what StatefulSets and DaemonSets remember of their earlier templates (upstream
// pkg/controller/history). Pure.
import type { ControllerRevision } from '../../api/apps/v1/types.generated.ts';
import type { PodTemplateSpec } from '../../api/core/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { shortHash } from './hash.ts';
import { controllerReference } from './owners.ts';
import type { OwnerKind } from './pod-control.ts';

export interface HistoryInput {
  readonly owner: Readonly<KubeObject> & { readonly spec: { readonly template: PodTemplateSpec } };
  readonly kind: OwnerKind;
  /** The label that carries the hash of a revision. */
  readonly hashLabel: string;
  /** Those that the owner controls. */
  readonly revisions: readonly Readonly<ControllerRevision>[];
  readonly collisionCount: number | undefined;
}

export interface History {
  /** The revision of the present template: one that is there, to be renumbered, or to be created. */
  readonly update: ControllerRevision;
  readonly write: 'none' | 'create' | 'renumber';
  /** All others, oldest first. */
  readonly old: readonly Readonly<ControllerRevision>[];
}

export function decideHistory(input: HistoryInput): History {
  const sorted = [...input.revisions].sort(byRevision);
  const fresh = newRevision(input, (sorted.at(-1)?.revision ?? 0) + 1);
  const present = sorted.filter((revision) => jsonEqual(revision.data, fresh.data)).at(-1);
  const old = sorted.filter((revision) => revision !== present);
  if (!present) return { update: fresh, write: 'create', old };
  if (present === sorted.at(-1)) return { update: jsonCopy(present), write: 'none', old };
  return { update: { ...jsonCopy(present), revision: fresh.revision }, write: 'renumber', old };
}

function byRevision(a: Readonly<ControllerRevision>, b: Readonly<ControllerRevision>): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function newRevision({ owner, kind, hashLabel, collisionCount }: HistoryInput, revision: number): ControllerRevision {
  const { template } = owner.spec;
  // A patch that replaces the template: `kubectl rollout undo` sends it as it is.
  const data = { spec: { template: { ...jsonCopy(template), $patch: 'replace' } } };
  const hash = shortHash(data, collisionCount);
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${owner.metadata.name}-${hash}`,
      namespace: owner.metadata.namespace ?? '',
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(owner.metadata.annotations && { annotations: { ...owner.metadata.annotations } }),
      ownerReferences: [controllerReference(owner, kind)],
    },
    data,
    revision,
  };
}

/** The template that a revision holds. */
export function templateOf(revision: Readonly<ControllerRevision>): PodTemplateSpec {
  const { spec } = (revision.data ?? {}) as { spec?: { template?: PodTemplateSpec & { $patch?: string } } };
  const { $patch: _, ...template } = spec?.template ?? {};
  return jsonCopy(template) as PodTemplateSpec;
}

/** Old revisions beyond the limit that no pod is of, oldest first. */
export function surplusRevisions(
  old: readonly Readonly<ControllerRevision>[],
  limit: number,
  inUse: (revision: Readonly<ControllerRevision>) => boolean,
): Readonly<ControllerRevision>[] {
  const idle = old.filter((revision) => !inUse(revision));
  return idle.slice(0, Math.max(0, idle.length - limit));
}
