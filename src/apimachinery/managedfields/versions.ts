// An object in the versions of its resource: managers own fields as the version has them in which they wrote.
import type { ObjectSchema } from '../schema/schema.ts';
import { type Comparison, compareTyped, noChange } from './compare.ts';
import type { FieldSet } from './field-set.ts';
import type { ChangeIn, Managed, Managers } from './managers.ts';
import { reconciled } from './reconcile.ts';

/** An object cannot be had in the version that a manager wrote: none of this can be told then. */
export class ConversionError extends Error {}

export type OwnFields = (set: FieldSet) => FieldSet;

export interface VersionView {
  readonly schema: ObjectSchema;
  /** What of a set an endpoint lets the client own (upstream GetResetFields); absent: all of it. */
  readonly own?: OwnFields | undefined;
}

export interface Versions {
  /** Undefined: there is no such version any more. Throws a ConversionError where that cannot be. */
  view(apiVersion: string): VersionView | undefined;
  /** The object in a version that has a view: itself where it is of that version. Throws a ConversionError. */
  convert(object: unknown, apiVersion: string): unknown;
  /** Why an object of the request's version does not fit its type; undefined: it does. Absent: all that is stored fits. */
  misfit?(object: unknown): string | undefined;
}

/** A resource with one version; what other versions wrote is read as if it had been this one. */
export function oneVersion(view: VersionView): Versions {
  return { view: () => view, convert: (object) => object };
}

function ownPart({ added, modified, removed }: Comparison, own: OwnFields): Comparison {
  return { added: own(added), modified: own(modified), removed: own(removed) };
}

/** What a change from `before` to `after` is in each version, each worked out once. */
export function changesOf(before: unknown, after: unknown, versions: Versions): ChangeIn {
  const known = new Map<string, Comparison | undefined>();
  return (apiVersion) => {
    if (known.has(apiVersion)) return known.get(apiVersion);
    const change = changeIn(apiVersion, { before, after, versions });
    known.set(apiVersion, change);
    return change;
  };
}

/** The same in one version; undefined: there is no such version any more. */
export function changeIn(
  apiVersion: string,
  { before, after, versions }: { readonly before: unknown; readonly after: unknown; readonly versions: Versions },
): Comparison | undefined {
  const view = versions.view(apiVersion);
  if (!view) return undefined;
  const was = converted(before, apiVersion, { versions, what: 'old' });
  const is = converted(after, apiVersion, { versions, what: 'new' });
  if (was === is) return noChange;
  const change = compareTyped(was, is, view.schema);
  return view.own ? ownPart(change, view.own) : change;
}

function converted(
  object: unknown,
  apiVersion: string,
  { versions, what }: { readonly versions: Versions; readonly what: 'old' | 'new' },
): unknown {
  try {
    return versions.convert(object, apiVersion);
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    throw new ConversionError(`failed to convert ${what} object: ${error.message}`, { cause: error });
  }
}

/** The managers under the schemas of today. Throws a ConversionError where the live object cannot be had in their version. */
export function reconcileManagers(managers: Managers, live: unknown, versions: Versions): Managers {
  let changed: Map<string, Managed> | undefined;
  for (const [key, managed] of managers) {
    const view = versions.view(managed.apiVersion);
    if (view !== undefined) versions.convert(live, managed.apiVersion);
    const fields = view === undefined ? undefined : reconciled(managed.fields, view.schema);
    if (fields === managed.fields) continue;
    changed ??= new Map(managers);
    if (fields === undefined) changed.delete(key);
    else changed.set(key, { ...managed, fields });
  }
  return changed ?? managers;
}
