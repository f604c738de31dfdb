// What a write other than an apply does to metadata.managedFields: the writer becomes the manager of all that it
// changed, and everyone else loses that.
import { isObject } from '../json/value.ts';
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { zeroObject } from '../schema/decode.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { emptySet, type FieldSet, isEmptySet, recursiveDifference, union } from './field-set.ts';
import {
  capUpdaters,
  decodeManagers,
  encodeManagers,
  keyOf,
  loseFields,
  type ManagerId,
  type Managers,
  withoutUnmanaged,
} from './managers.ts';
import { type Comparison, compareTyped } from './typed.ts';

export interface Writer {
  /** The query parameter `fieldManager`, or what stands before the first `/` of the User-Agent. */
  readonly manager: string;
  readonly apiVersion: string;
  /** `status`, `scale`, …; empty for the object itself. */
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  /**
   * Fields that this endpoint does not let the client set (upstream GetResetFields): `status` for the object, `spec` for
   * its status.
   */
  readonly resetFields: FieldSet;
}

export interface UpdateRequest extends Writer {
  readonly schema: ObjectSchema;
  /** The stored object; undefined on create. */
  readonly old: unknown;
  /** The new object, decoded and defaulted. */
  readonly new: unknown;
}

/**
 * The managedFields of the new object; undefined when there are none. Objects that were stored without stay without
 * until the first apply. The client may send managedFields of its own: `[{}]` clears them.
 */
export function recordUpdate(request: UpdateRequest): ManagedFieldsEntry[] | undefined {
  const managers = managersOf(request.old, request.new, request.subresource);
  if (managers.size === 0 && request.old !== undefined && !isReset(request.new)) return undefined;
  const id: ManagerId = {
    manager: request.manager === '' ? 'unknown' : request.manager,
    operation: 'Update',
    apiVersion: request.apiVersion,
    subresource: request.subresource,
  };
  const before = request.old ?? zeroObject(request.schema);
  const after = trackUpdate(managers, id, { before, after: request.new, request });
  // Nothing changed hands: the client's own entries count as they are.
  return encodeManagers(capUpdaters(after));
}

/** The managers after `id` changed `before` to `after`. */
export function trackUpdate(
  managers: Managers,
  id: ManagerId,
  change: {
    readonly before: unknown;
    readonly after: unknown;
    readonly request: Pick<UpdateRequest, 'schema' | 'time' | 'resetFields'>;
  },
): Managers {
  const { before, after, request } = change;
  const comparison = filtered(
    compareTyped(withoutManagedFields(before), withoutManagedFields(after), request.schema),
    request.resetFields,
  );
  // The writer takes what it changed as if it were new, then adds it to what it had: its own old fields stay unless removed.
  const key = keyOf(id);
  const result = loseFields(managers, '', comparison);
  const taken = withoutUnmanaged(union(comparison.modified, comparison.added));
  if (!isEmptySet(taken)) {
    const had = result.get(key)?.fields ?? emptySet;
    result.set(key, { ...id, fields: union(taken, had), time: request.time });
  }
  return result;
}

function managersOf(old: unknown, current: unknown, subresource: string): Managers {
  const given = subresource === '' ? managedFieldsOf(current) : undefined;
  if (isReset(current) && subresource === '') return new Map();
  if (Array.isArray(given) && given.length > 0) {
    const decoded = decodeManagers(given);
    if (decoded) return decoded;
  }
  return decodeManagers(managedFieldsOf(old)) ?? new Map();
}

/** `metadata.managedFields: [{}]` is how a client clears them. */
function isReset(object: unknown): boolean {
  const given = managedFieldsOf(object);
  return Array.isArray(given) && given.length === 1 && isObject(given[0]) && Object.keys(given[0]).length === 0;
}

export function managedFieldsOf(object: unknown): unknown {
  const metadata = isObject(object) ? object.metadata : undefined;
  return isObject(metadata) ? metadata.managedFields : undefined;
}

export function withoutManagedFields(object: unknown): unknown {
  if (!isObject(object) || !isObject(object.metadata) || object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export function filtered(comparison: Comparison, reset: FieldSet): Comparison {
  if (isEmptySet(reset)) return comparison;
  return {
    added: recursiveDifference(comparison.added, reset),
    modified: recursiveDifference(comparison.modified, reset),
    removed: recursiveDifference(comparison.removed, reset),
  };
}
