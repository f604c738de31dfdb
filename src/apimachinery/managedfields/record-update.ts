// What a write other than an apply does to metadata.managedFields: the writer becomes the manager of all that it
// changed, and everyone else loses that.
import { isObject, jsonEqual } from '../json/value.ts';
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { zeroObject } from '../schema/decode.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { type FieldSet, isEmptySet, union } from './field-set.ts';
import {
  capUpdaters,
  decodeManagers,
  encodeManaged,
  encodeManagers,
  keyOf,
  loseFields,
  type ManagerId,
  type Managers,
  storedManagers,
  withoutUnmanaged,
} from './managers.ts';
import { type Outline, outlineOf } from './outline.ts';
import { ConversionError, changeIn, changesOf, reconcileManagers, type Versions } from './versions.ts';

export interface Writer {
  /** The query parameter `fieldManager`, or what stands before the first `/` of the User-Agent. */
  readonly manager: string;
  readonly apiVersion: string;
  /** `status`, `scale`, …; empty for the object itself. */
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  readonly versions: Versions;
}

export interface UpdateRequest extends Writer {
  /** The stored object; undefined on create. */
  readonly old: unknown;
  /** The new object, decoded and defaulted. */
  readonly new: unknown;
}

/**
 * The managedFields of the new object; undefined when there are none. Objects that were stored without stay without
 * until the first apply. The client may send managedFields of its own: `[]` and `[{}]` clear them.
 */
export function recordUpdate(request: UpdateRequest): ManagedFieldsEntry[] | undefined {
  const { versions, apiVersion, subresource } = request;
  const managers = managersOf(request.old, request.new, subresource);
  if (managers.size === 0 && request.old !== undefined) return undefined;
  const manager = request.manager === '' ? 'unknown' : request.manager;
  const id: ManagerId = { manager, operation: 'Update', apiVersion, subresource };
  // As upstream: of what cannot be read by its type nobody owns anything.
  if (versions.misfit?.(request.new) !== undefined || versions.misfit?.(request.old) !== undefined) return undefined;
  try {
    if (managers.size === 0) return firstEntry(id, request);
    const before = request.old ?? zeroObject(versions.view(apiVersion)!.schema);
    return encodeManagers(trackUpdate(managers, id, { before, after: request.new, writer: request }));
  } catch (error) {
    // As upstream: who cannot be told any more what is theirs owns nothing.
    if (error instanceof ConversionError) return undefined;
    throw error;
  }
}

/** Of a new object, all that is not as Go makes it of nothing is the writer's. */
function firstEntry(id: ManagerId, { versions, time, new: created }: UpdateRequest): ManagedFieldsEntry[] | undefined {
  const fields = fieldsOfNew(withoutManagedFields(created), id.apiVersion, versions);
  return isEmptySet(fields) ? undefined : [encodeManaged({ ...id, fields, time })];
}

/** Of the latest new object of each type. */
const latest = new WeakMap<
  ObjectSchema,
  { readonly outline: Outline; readonly own: unknown; readonly fields: FieldSet }
>();

function fieldsOfNew(created: unknown, apiVersion: string, versions: Versions): FieldSet {
  const { schema, own } = versions.view(apiVersion)!;
  const object = versions.convert(created, apiVersion);
  const known = latest.get(schema);
  if (known?.own === own && known?.outline.fits(object)) return known.fields;
  const { added, modified } = changeIn(apiVersion, { before: zeroObject(schema), after: created, versions })!;
  const fields = withoutUnmanaged(union(modified, added));
  latest.set(schema, { outline: outlineOf(object, schema), own, fields });
  return fields;
}

/** The managers after `id` changed `before` to `after`. */
export function trackUpdate(
  managers: Managers,
  id: ManagerId,
  change: {
    readonly before: unknown;
    readonly after: unknown;
    readonly writer: Pick<Writer, 'versions' | 'time'>;
  },
): Managers {
  const { writer } = change;
  const { versions } = writer;
  const before = withoutManagedFields(change.before);
  const changeInVersion = changesOf(before, withoutManagedFields(change.after), versions);
  // The writer takes what it changed as if it were new, then adds it to what it had: its own old fields stay unless removed.
  const result =
    managers.size === 0 ? new Map() : loseFields(reconcileManagers(managers, before, versions), '', changeInVersion);
  const { added, modified } = changeInVersion(id.apiVersion)!;
  const taken = withoutUnmanaged(union(modified, added));
  if (!isEmptySet(taken)) {
    const key = keyOf(id);
    const had = result.get(key)?.fields;
    result.set(key, { ...id, fields: had === undefined ? taken : union(taken, had), time: writer.time });
  }
  return capUpdaters(result);
}

function managersOf(old: unknown, current: unknown, subresource: string): Managers {
  const given = managedFieldsOf(current);
  const present = managedFieldsOf(old);
  // What a client sends along to a subresource does not count, and mostly it sends what it has read.
  if (subresource !== '' || given === undefined || given === null || jsonEqual(given, present)) {
    return storedManagers(present);
  }
  if (isReset(given)) return new Map();
  const decoded = decodeManagers(given);
  return decoded instanceof Map && decoded.size > 0 ? decoded : storedManagers(present);
}

/** `metadata.managedFields: []` and `[{}]` are how a client clears them. */
function isReset(given: unknown): boolean {
  if (!Array.isArray(given) || given.length > 1) return false;
  const [only] = given as unknown[];
  return given.length === 0 || (isObject(only) && Object.keys(only).length === 0);
}

export function managedFieldsOf(object: unknown): unknown {
  const metadata = isObject(object) ? object.metadata : undefined;
  return isObject(metadata) ? metadata.managedFields : undefined;
}

/** The object, or a copy of it without metadata.managedFields. */
export function withoutManagedFields<T>(object: T): T {
  if (!isObject(object) || !isObject(object.metadata) || object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
