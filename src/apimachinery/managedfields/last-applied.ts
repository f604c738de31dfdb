// The annotation in which `kubectl apply` (client-side) keeps what it applied last, and the way from it to server-side
// apply.
import { isObject } from '../json/value.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { difference, emptySet, type FieldSet, union } from './field-set.ts';
import { compareTyped, fieldSetOf } from './typed.ts';

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

function annotationOf(object: unknown): string | undefined {
  const metadata = isObject(object) ? object.metadata : undefined;
  const annotations = isObject(metadata) ? metadata.annotations : undefined;
  const text = isObject(annotations) ? annotations[lastAppliedAnnotation] : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** The fields that client-side apply wrote and that still have the values it wrote: kubectl may take them. */
export function allowedFromLastApplied(live: unknown, schema: ObjectSchema): FieldSet {
  const text = annotationOf(live);
  if (text === undefined || text === '') return emptySet;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    // Written by hand or cut short: then nothing is allowed.
    return emptySet;
  }
  const { added, modified, removed } = compareTyped(last, live, schema);
  return difference(fieldSetOf(last, schema), union(union(added, modified), removed));
}

/** Keeps the annotation of an object that has one in step with what was applied, for older clients. */
export function renewLastApplied(object: Record<string, unknown>, config: unknown): Record<string, unknown> {
  if (annotationOf(object) === undefined || !isObject(object.metadata) || !isObject(object.metadata.annotations)) {
    return object;
  }
  const text = `${JSON.stringify(withoutAnnotation(config))}\n`;
  const annotations = { ...object.metadata.annotations, [lastAppliedAnnotation]: text };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function withoutAnnotation(config: unknown): unknown {
  if (!isObject(config) || !isObject(config.metadata) || !isObject(config.metadata.annotations)) return config;
  const { [lastAppliedAnnotation]: _, ...annotations } = config.metadata.annotations;
  return { ...config, metadata: { ...config.metadata, annotations } };
}
