// What `kubectl apply` would send for a manifest: what it says, and away with what the last apply said and it says no more.
import type { Schemas } from '../../api/schema.ts';
import { isObject, type JsonObject } from '../../apimachinery/json/value.ts';
import { type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { applyMergePatch } from '../../apimachinery/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../../apimachinery/patch/strategic-merge.ts';
import type { Field, ObjectSchema, Schema } from '../../apimachinery/schema/schema.ts';
import { ownValue } from '../../apimachinery/table.ts';

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

export interface ApplyPatch {
  readonly type: 'strategic' | 'merge';
  readonly body: JsonObject;
  /** Of the kind; undefined for custom resources. */
  readonly schema: ObjectSchema | undefined;
}

/** Strategic for built-in kinds, whose lists are merged by their keys; a merge patch for all others. */
export function applyPatchOf(manifest: KubeObject, live: KubeObject, schemas: Schemas): ApplyPatch {
  const { kind = '', apiVersion = 'v1', metadata } = manifest;
  const schema = schemas.schemaOf({ ...parseApiVersion(apiVersion), kind });
  // What a server would not take from an apply is left out.
  const { status: _, ...taken } = manifest as KubeObject & { status?: unknown };
  // kubectl writes an annotation of its own into each, so there are always some.
  const wanted = { ...taken, metadata: { ...metadata, annotations: metadata.annotations ?? {} } };
  const body = withoutDropped(wanted as unknown as JsonObject, lastApplied(live), schema);
  return { type: schema ? 'strategic' : 'merge', body, schema };
}

/** The manifest applied to the object that there is, when no API server is at hand to say. */
export function applied(manifest: KubeObject, live: KubeObject, schemas: Schemas): KubeObject {
  const { body, schema } = applyPatchOf(manifest, live, schemas);
  const before = live as unknown as JsonObject;
  return (schema ? applyStrategicMergePatch(before, body, schema) : applyMergePatch(before, body)) as KubeObject;
}

function lastApplied({ metadata }: KubeObject): JsonObject {
  const text = metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined) return {};
  try {
    const { status: _, ...last }: JsonObject = JSON.parse(text);
    return isObject(last) ? last : {};
  } catch {
    return {}; // kubectl would refuse it; what is there stays
  }
}

/** The patch of a map; `null` takes a key away. */
function withoutDropped(wanted: JsonObject, last: JsonObject, schema: Schema | undefined): JsonObject {
  const dropped = Object.keys(last).filter((key) => !Object.hasOwn(wanted, key) && last[key] !== null);
  const gone = Object.fromEntries(dropped.map((key) => [key, null]));
  const patched = Object.entries(wanted).map(([key, value]) => {
    const field = schema?.kind === 'object' ? schema.fields.get(key) : undefined;
    return [key, valuePatch(value, ownValue(last, key), field)] as const;
  });
  return { ...gone, ...Object.fromEntries(patched) };
}

function valuePatch(wanted: unknown, last: unknown, field: Field | undefined): unknown {
  if (isObject(wanted)) return withoutDropped(wanted, isObject(last) ? last : {}, field?.schema);
  const key = field?.patchMergeKey;
  if (!Array.isArray(wanted) || !field?.patchStrategy.includes('merge') || key === undefined) return wanted;
  const items = field.schema.kind === 'list' ? field.schema.items : undefined;
  const earlier = new Map((Array.isArray(last) ? last : []).filter(isObject).map((item) => [item[key], item]));
  const present = new Set(wanted.filter(isObject).map((item) => item[key]));
  const dropped = [...earlier.keys()].filter((name) => !present.has(name));
  return [
    ...wanted.map((item) => (isObject(item) ? withoutDropped(item, earlier.get(item[key]) ?? {}, items) : item)),
    ...dropped.map((name) => ({ $patch: 'delete', [key]: name })),
  ];
}
