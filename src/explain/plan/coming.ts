// What manifests bring for others of them: an API server that is asked about those does not have it yet.
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { isObject, type JsonObject } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';

/** Every cluster has it, and nothing in it that would stand in the way. */
const emptyNamespace = 'kube-node-lease';

/** The fields of a pod that name what must be there when it is made. */
const podNeeds: readonly (readonly [kind: string, fields: readonly string[]])[] = [
  ['ServiceAccount', ['serviceAccountName', 'serviceAccount']],
  ['PriorityClass', ['priorityClassName']],
  ['RuntimeClass', ['runtimeClassName']],
];

const idIn = (kind: string, namespace: string | undefined, name: unknown): string =>
  kind === 'ServiceAccount' ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;

/** What the manifests bring, to be asked of by {@link withoutComing}. */
export function comingOf(manifests: readonly KubeObject[]): ReadonlySet<string> {
  return new Set(manifests.map(({ kind = '', metadata }) => idIn(kind, metadata.namespace, metadata.name)));
}

export interface Detached {
  /** What a server can be asked about. */
  readonly asked: KubeObject;
  /** Its answer, as it would be of the manifest itself. */
  restore(answer: KubeObject): KubeObject;
}

/** The manifest of an object in a namespace, without what is coming; undefined where it needs nothing of that. */
export function withoutComing(manifest: KubeObject, coming: ReadonlySet<string>): Detached | undefined {
  const { metadata, kind } = manifest;
  const spec = (manifest as { spec?: unknown }).spec;
  const taken =
    kind === 'Pod' && isObject(spec)
      ? podNeeds.flatMap(([needed, fields]) => {
          const isComing = (field: string) => coming.has(idIn(needed, metadata.namespace, spec[field]));
          return fields.filter((field) => spec[field] !== undefined && isComing(field));
        })
      : [];
  const isNamespaceComing = coming.has(idIn('Namespace', undefined, metadata.namespace));
  if (taken.length === 0 && !isNamespaceComing) return undefined;
  const split = (isTaken: boolean): JsonObject =>
    Object.fromEntries(Object.entries(isObject(spec) ? spec : {}).filter(([key]) => taken.includes(key) === isTaken));
  const asked = {
    ...manifest,
    ...(taken.length > 0 && { spec: split(false) }),
    ...(isNamespaceComing && { metadata: { ...metadata, namespace: emptyNamespace } }),
  };
  const restore = (answer: KubeObject) => ({
    ...answer,
    metadata: { ...answer.metadata, namespace: metadata.namespace },
    ...(taken.length > 0 && { spec: { ...(answer as { spec?: JsonObject }).spec, ...split(true) } }),
  });
  return { asked, restore };
}

/** The kinds that CustomResourceDefinitions of the manifests bring, by {@link kindId}, with whether their objects are in namespaces. */
export function comingKinds(manifests: readonly KubeObject[]): ReadonlyMap<string, boolean> {
  const kinds = new Map<string, boolean>();
  for (const { kind, ...rest } of manifests) {
    if (kind !== 'CustomResourceDefinition') continue;
    const { group, scope, names, versions = [] } = (rest as Partial<CustomResourceDefinition>).spec ?? {};
    for (const { name } of versions) kinds.set(kindId(`${group}/${name}`, names?.kind), scope !== 'Cluster');
  }
  return kinds;
}

export const kindId = (apiVersion: string | undefined, kind: string | undefined): string => `${apiVersion} ${kind}`;
