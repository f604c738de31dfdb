// The objects as they would be: with manifests applied, or without a pod or a node.
import { isObject } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { idOf } from '../object-id.ts';

/** Puts each changed object in the place of the one of its kind and name; what is new comes last. */
export function withObjects(objects: readonly KubeObject[], changed: readonly KubeObject[]): KubeObject[] {
  const replacing = new Map(changed.map((object) => [idOf(object), object]));
  const kept = objects.map((object) => replacing.get(idOf(object)) ?? object);
  const present = new Set(objects.map(idOf));
  return [...kept, ...[...replacing].flatMap(([key, object]) => (present.has(key) ? [] : [object]))];
}

/**
 * A manifest laid over the object that there is, when no API server is at hand to say: fields given take the place of
 * those that are there, and what the manifest leaves out stays, so that a Service keeps its addresses.
 */
export function overlaid(objects: readonly KubeObject[], manifest: KubeObject): KubeObject {
  const present = objects.find((object) => idOf(object) === idOf(manifest));
  return present ? (merged(present, manifest, '') as KubeObject) : manifest;
}

/** Replaced as a whole, as an apply by their owner does. */
const wholes = ['.spec.selector', '.metadata.labels', '.metadata.annotations'];

function merged(old: unknown, given: unknown, path: string): unknown {
  if (!isObject(old) || !isObject(given) || wholes.includes(path)) return given;
  const result: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(given)) result[key] = merged(old[key], value, `${path}.${key}`);
  return result;
}

export interface Gone {
  readonly kind: 'Pod' | 'Node' | 'Service';
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
