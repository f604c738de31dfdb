// Laws of decoding and of field ownership, on random objects of real kinds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtinSchemas } from '../../api/schema.ts';
import { jsonEqual } from '../json/value.ts';
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { arbitraryObject } from '../schema/arbitrary.contract.ts';
import { decodeObject, zeroObject } from '../schema/decode.ts';
import { apply } from './apply.ts';
import { compareTyped } from './compare.ts';
import { difference, type FieldSet, intersection, isEmptySet, union } from './field-set.ts';
import { withoutUnmanaged } from './managers.ts';
import { outlineOf } from './outline.ts';
import { recordUpdate } from './record-update.ts';
import { fieldSetOf } from './typed.ts';
import { oneVersion } from './versions.ts';

const schemas = builtinSchemas();
const kinds = [
  { group: '', version: 'v1', kind: 'Service' },
  { group: '', version: 'v1', kind: 'Pod' },
  { group: 'apps', version: 'v1', kind: 'Deployment' },
  { group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice' },
];
const runs = { numRuns: 60 };

describe.each(kinds)('$kind', (gvk) => {
  const schema = schemas.schemaOf(gvk)!;
  const anything = arbitraryObject(schema, 5).map((value) => withoutEmptyLists(value) as Record<string, unknown>);
  const decoded = anything.map((value) => decodeObject(value, schema).object);
  const writer = {
    apiVersion: 'x/v1',
    subresource: '',
    time: '2026-01-01T00:00:00Z',
    versions: oneVersion({ schema }),
    kind: gvk.kind,
  };

  test('what was decoded is decoded to itself', () => {
    fc.assert(
      fc.property(decoded, (object) => {
        expect(decodeObject(object, schema)).toEqual({ object, unknownFields: [] });
      }),
      runs,
    );
  });

  test('nothing differs from itself, and all that differs is found', () => {
    fc.assert(
      fc.property(decoded, decoded, (a, b) => {
        const same = compareTyped(a, structuredClone(a), schema);
        expect([same.added, same.modified, same.removed].every(isEmptySet)).toBe(true);
        const { added, modified, removed } = compareTyped(a, b, schema);
        const back = compareTyped(b, a, schema);
        expect([back.removed, back.modified, back.added]).toEqual([added, modified, removed]);
        expect(isEmptySet(union(union(added, modified), removed))).toBe(jsonEqual(sortedLists(a), sortedLists(b)));
      }),
      runs,
    );
  });

  test('the creator owns all that it set', () => {
    fc.assert(
      fc.property(decoded, (object) => {
        const fields = fieldsOf(recordUpdate({ ...writer, manager: 'm', old: undefined, new: object }));
        const { added, modified } = compareTyped(zeroObject(schema), object, schema);
        expect(withoutUnmanaged(union(added, modified))).toEqual(fields);
      }),
      runs,
    );
  });

  test('objects of one outline have the same fields', () => {
    const made = (object: unknown) => {
      const { added, modified } = compareTyped(zeroObject(schema), object, schema);
      return union(added, modified);
    };
    let fitting = 0;
    fc.assert(
      fc.property(decoded, fc.infiniteStream(fc.nat(40)), (object, choices) => {
        const outline = outlineOf(object, schema);
        expect(outline.fits(structuredClone(object))).toBe(true);
        const other = varied(object, choices);
        if (!outline.fits(other)) return;
        fitting++;
        expect(made(other)).toEqual(made(object));
      }),
      { numRuns: 300 },
    );
    expect(fitting).toBeGreaterThan(10);
  });

  test('no field has two managers by updates', () => {
    fc.assert(
      fc.property(decoded, decoded, (first, second) => {
        const before = withManagers(first, recordUpdate({ ...writer, manager: 'a', old: undefined, new: first }));
        const entries = recordUpdate({ ...writer, manager: 'b', old: before, new: second }) ?? [];
        const [one, two] = entries.map((e) => e.fieldsV1 as FieldSet);
        if (one && two) expect(isEmptySet(intersection(one, two))).toBe(true);
      }),
      runs,
    );
  });

  test('an apply holds afterwards, and once more is nothing', () => {
    fc.assert(
      fc.property(decoded, anything, (first, config) => {
        const live = withManagers(first, recordUpdate({ ...writer, manager: 'a', old: undefined, new: first }));
        const applied = { ...config, apiVersion: writer.apiVersion, kind: gvk.kind };
        const once = apply({ ...writer, manager: 'b', live, applied, force: true });
        const mine = once.managedFields?.find((e) => e.manager === 'b')?.fieldsV1 as FieldSet | undefined;
        expect(withoutUnmanaged(fieldSetOf(applied, schema))).toEqual(mine ?? {});
        const again = apply({
          ...writer,
          manager: 'b',
          live: withManagers(once.object, once.managedFields),
          applied,
          force: false,
        });
        expect(again.managedFields).toEqual(once.managedFields);
        expect(again.object).toEqual(once.object);
      }),
      runs,
    );
  });

  test('what one manager applied and applies no longer is gone', () => {
    fc.assert(
      fc.property(anything, (config) => {
        const identity = { apiVersion: writer.apiVersion, kind: gvk.kind };
        const applied = { ...config, ...identity };
        const once = apply({ ...writer, manager: 'm', live: undefined, applied, force: false });
        const live = withManagers(once.object, once.managedFields);
        const none = apply({ ...writer, manager: 'm', live, applied: identity, force: false });
        const left = fieldSetOf(decodeObject(none.object, schema).object, schema);
        const unset = fieldSetOf(zeroObject(schema), schema);
        expect(withoutUnmanaged(difference(left, unset))).toEqual({});
        expect(none.managedFields).toBeUndefined();
      }),
      runs,
    );
  });
});

/** Now and then with another value in place of one that it holds: one like it, one that counts as none, more or fewer items. */
function varied(value: unknown, choices: Iterator<number>): unknown {
  const choice = choices.next().value;
  if (Array.isArray(value)) {
    if (choice === 0) return [];
    const items: unknown[] = value.map((item) => varied(item, choices));
    return choice === 1 ? items.slice(1) : choice === 2 ? [...items, items[0]] : items;
  }
  if (typeof value === 'object' && value !== null) {
    if (choice === 0) return null;
    const entries = Object.entries(value).filter((_, i) => choice !== 1 || i > 0);
    return Object.fromEntries(entries.map(([key, v]) => [key, varied(v, choices)]));
  }
  if (typeof value === 'string') return choice === 0 ? '' : choice === 1 ? '0' : choice < 10 ? `${value}x` : value;
  if (typeof value === 'number') return choice === 0 ? 0 : choice < 10 ? value + 1 : value;
  return typeof value === 'boolean' && choice === 0 ? !value : value;
}

/** An empty list says nothing that can be owned, and is gone once it is stored. */
function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, v]) => !Array.isArray(v) || v.length > 0);
  return Object.fromEntries(kept.map(([key, v]) => [key, withoutEmptyLists(v)]));
}

function fieldsOf(entries: ManagedFieldsEntry[] | undefined): FieldSet {
  return (entries?.[0]?.fieldsV1 ?? {}) as FieldSet;
}

function withManagers(
  object: Record<string, unknown>,
  managedFields: ManagedFieldsEntry[] | undefined,
): Record<string, unknown> {
  return { ...object, metadata: { ...(object.metadata as object), ...(managedFields && { managedFields }) } };
}

/** Comparison does not look at the order of items that have keys. */
function sortedLists(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sortedLists);
    return items.every((i) => typeof i === 'object') ? items.map((i) => JSON.stringify(i)).sort() : items.toSorted();
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, v]) => [key, sortedLists(v)]),
  );
}
