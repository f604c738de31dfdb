// The annotation in which `kubectl apply` (client-side) keeps what it applied last, and the way from it to server-side
// apply.
import { isObject, setKey } from '../json/value.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { misfits } from './check-applied.ts';
import { compareTyped } from './compare.ts';
import { difference, emptySet, type FieldSet, union } from './field-set.ts';
import { goJson } from './path-element.ts';
import { fieldSetOf } from './typed.ts';

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

function annotationOf(object: unknown): string | undefined {
  const metadata = isObject(object) ? object.metadata : undefined;
  const annotations = isObject(metadata) ? metadata.annotations : undefined;
  const text = isObject(annotations) ? annotations[lastAppliedAnnotation] : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** The fields that client-side apply wrote and that still have the values it wrote: kubectl may take them. */
export function allowedFromLastApplied(
  live: unknown,
  { schema, apiVersion, kind }: { readonly schema: ObjectSchema; readonly apiVersion: string; readonly kind: string },
): FieldSet {
  const text = annotationOf(live);
  if (text === undefined || text === '') return emptySet;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    // Written by hand or cut short: then nothing is allowed.
    return emptySet;
  }
  if (!isObject(last) || last.apiVersion !== apiVersion || last.kind !== kind) return emptySet;
  // Neither may hold what has no one owner.
  if (misfits(last, schema) !== undefined || misfits(live, schema) !== undefined) return emptySet;
  const { added, modified, removed } = compareTyped(last, live, schema);
  return difference(fieldSetOf(last, schema), union(union(added, modified), removed));
}

/** Bytes of all annotations together; beyond, the annotation goes. */
const mostAnnotations = 256 * 1024;

/** Keeps the annotation of an object that has one in step with what was applied, for older clients. */
export function renewLastApplied(object: Record<string, unknown>, config: unknown): Record<string, unknown> {
  const present = annotationOf(object);
  if (!present || !isObject(object.metadata) || !isObject(object.metadata.annotations)) return object;
  const text = `${goJson(sorted(withoutAnnotation(config)))}\n`;
  const { [lastAppliedAnnotation]: _, ...others } = object.metadata.annotations;
  const size = Object.entries(others).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  const fits = size + byteLength(lastAppliedAnnotation) + byteLength(text) <= mostAnnotations;
  const annotations = fits ? { ...object.metadata.annotations, [lastAppliedAnnotation]: text } : others;
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const byteLength = (text: unknown): number => Buffer.byteLength(String(text));

/** As Go writes a map: keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) setKey(result, key, sorted(value[key]));
  return result;
}

function withoutAnnotation(config: unknown): unknown {
  if (!isObject(config) || !isObject(config.metadata) || !isObject(config.metadata.annotations)) return config;
  const { [lastAppliedAnnotation]: _, ...annotations } = config.metadata.annotations;
  return { ...config, metadata: { ...config.metadata, annotations } };
}
