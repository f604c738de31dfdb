// The objects as they would be: with manifests applied, or without a pod or a node.
import type { KubeObject } from '../../apimachinery/object.ts';
import { idOf } from '../object-id.ts';

/** Puts each changed object in the place of the one of its kind and name; what is new comes last. */
export function withObjects(objects: readonly KubeObject[], changed: readonly KubeObject[]): KubeObject[] {
  const replacing = new Map(changed.map((object) => [idOf(object), object]));
  const kept = objects.map((object) => replacing.get(idOf(object)) ?? object);
  const present = new Set(objects.map(idOf));
  return [...kept, ...[...replacing].flatMap(([key, object]) => (present.has(key) ? [] : [object]))];
}

export interface Gone {
  readonly kind: 'Pod' | 'Node' | 'Service' | 'NetworkPolicy';
  readonly namespace: string;
  readonly name: string;
}

/** A node takes its pods along. */
export function withoutObjects(objects: readonly KubeObject[], gone: readonly Gone[]): KubeObject[] {
  return objects.filter((object) => {
    const { kind, metadata } = object;
    const nodeName = kind === 'Pod' ? (object as { spec?: { nodeName?: string } }).spec?.nodeName : undefined;
    return !gone.some(
      (one) =>
        (one.kind === kind &&
          one.name === metadata.name &&
          (kind === 'Node' || one.namespace === metadata.namespace)) ||
        (one.kind === 'Node' && nodeName === one.name),
    );
  });
}
