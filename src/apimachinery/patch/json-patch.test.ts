import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyJsonPatch, PatchApplyError, PatchSyntaxError } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';

const document = Object.freeze({ a: Object.freeze([1, 2]), b: Object.freeze({ 'c/d': 1, 'e~f': 2 }) });

test.each([
  [
    { op: 'add', path: '/x', value: { y: 1 } },
    { ...document, x: { y: 1 } },
  ],
  [
    { op: 'add', path: '/a/1', value: 9 },
    { ...document, a: [1, 9, 2] },
  ],
  [
    { op: 'add', path: '/a/-', value: 9 },
    { ...document, a: [1, 2, 9] },
  ],
  [
    { op: 'replace', path: '/a/0', value: 9 },
    { ...document, a: [9, 2] },
  ],
  [
    { op: 'remove', path: '/a/0' },
    { ...document, a: [2] },
  ],
  [
    { op: 'remove', path: '/b/c~1d' },
    { ...document, b: { 'e~f': 2 } },
  ],
  [
    { op: 'replace', path: '/b/e~0f', value: 3 },
    { ...document, b: { 'c/d': 1, 'e~f': 3 } },
  ],
  [
    { op: 'move', from: '/a', path: '/z' },
    { b: document.b, z: [1, 2] },
  ],
  [
    { op: 'copy', from: '/a/0', path: '/z' },
    { ...document, z: 1 },
  ],
  [{ op: 'test', path: '/a', value: [1, 2] }, document],
  [{ op: 'test', path: '/nothing', value: null }, document],
  [{ op: 'replace', path: '', value: {} }, {}],
  [{ op: 'replace', path: '', value: 1 }, document],
  [
    { op: 'replace', path: '/x', value: 1 },
    { ...document, x: 1 },
  ],
  [
    { op: 'copy', from: '/x', path: '/y' },
    { ...document, y: null },
  ],
  [
    { op: 'add', path: '/a/-1', value: 9 },
    { ...document, a: [1, 2, 9] },
  ],
  [
    { op: 'remove', path: '/a/-2' },
    { ...document, a: [2] },
  ],
  [
    { op: 'replace', path: '/a/01', value: 9 },
    { ...document, a: [1, 9] },
  ],
  [
    { op: 'add', path: 'x/y', value: 1 },
    { ...document, y: 1 },
  ],
])('%j', (operation, expected) => {
  expect(applyJsonPatch(document, [operation])).toEqual(expected);
});

test.each([
  [{ op: 'test', path: '/a/0', value: 5 }, 'testing value /a/0 failed: test failed'],
  [{ op: 'test', path: '/x/y', value: null }, 'test operation does not apply: is missing path: /x/y: missing value'],
  [{ op: 'test', path: '/a/-' }, `error in test for path: '/a/-': strconv.Atoi: parsing "-": invalid syntax`],
  [
    { op: 'remove', path: '/nothing' },
    "error in remove for path: '/nothing': Unable to remove nonexistent key: nothing: missing value",
  ],
  [{ op: 'remove', path: '' }, 'remove operation does not apply: doc is missing path: "": missing value'],
  [
    { op: 'replace', path: '/x/y', value: 1 },
    'replace operation does not apply: doc is missing path: /x/y: missing value',
  ],
  [
    { op: 'replace', path: '/a/2', value: 1 },
    'replace operation does not apply: doc is missing key: /a/2: missing value',
  ],
  [
    { op: 'add', path: '/a/9', value: 1 },
    "error in add for path: '/a/9': Unable to access invalid index: 9: invalid index referenced",
  ],
  [
    { op: 'add', path: '/a/x', value: 1 },
    `error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax`,
  ],
  [
    { op: 'move', from: '/b', path: '/b/x' },
    'move operation does not apply: doc is missing destination path: /b/x: missing value',
  ],
  [{ op: 'move', path: '/b/x' }, 'move operation failed to decode from: operation, missing from field: missing value'],
  [
    { op: 'test', path: 1 },
    'test operation failed to decode path: json: cannot unmarshal number into Go value of type string',
  ],
  [{ op: 'turn', path: '/a' }, 'Unexpected kind: turn'],
  [{ path: '/a' }, 'Unexpected kind: unknown'],
])('%j does not apply', (operation, message) => {
  expect(() => applyJsonPatch(document, [operation])).toThrow(new PatchApplyError(message));
});

test('what is no list of operations is refused as such', () => {
  expect(() => applyJsonPatch(document, { op: 'add' })).toThrow(PatchSyntaxError);
});

const json = fc.jsonValue({ maxDepth: 3 });

test('merge patch: laws of RFC 7386', () => {
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const once = applyMergePatch(target, patch);
      // A list in the place of an object keeps what it loses in the place of anything else.
      const twice = applyMergePatch(once, patch);
      expect(applyMergePatch(twice, patch)).toEqual(twice);
      expect(applyMergePatch(target, {})).toEqual(
        typeof target === 'object' && !Array.isArray(target) ? (target ?? {}) : {},
      );
    }),
  );
  expect(applyMergePatch({ a: { b: 1, c: 2 } }, { a: { b: null }, d: { e: null, f: 1 } })).toEqual({
    a: { c: 2 },
    d: { f: 1 },
  });
  const list = [1, null, { x: null, y: 1 }];
  expect(applyMergePatch({ a: [], b: {} }, { a: list, b: list, c: list })).toEqual({
    a: [1, null, { y: 1 }],
    b: list,
    c: [1, null, { y: 1 }],
  });
});

test('JSON patch: what is added can be removed again', () => {
  const key = fc.string({ maxLength: 4 });
  fc.assert(
    fc.property(fc.dictionary(key, json), key, json, (object, name, value) => {
      fc.pre(!Object.hasOwn(object, name) && name !== '__proto__');
      const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const added = applyJsonPatch(object, [
        { op: 'add', path, value },
        { op: 'test', path, value },
      ]);
      expect(applyJsonPatch(added, [{ op: 'remove', path }])).toEqual(object);
    }),
  );
});

test('JSON patch: copies of copies end at three MiB', () => {
  const copies = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/k${i}` }));
  expect(() => applyJsonPatch({ data: { a: 'x'.repeat(1000) } }, copies)).toThrow(/accumulated size increase of copy/);
});

test('JSON patch: what was copied is a value of its own, and the document given stays as it was', () => {
  const document = { a: { list: [1] }, rest: { x: 1 } };
  const before = structuredClone(document);
  const patched = applyJsonPatch(document, [
    { op: 'add', path: '/a/list/-', value: 2 },
    { op: 'copy', from: '/a', path: '/b' },
    { op: 'add', path: '/b/list/-', value: 3 },
    { op: 'move', from: '/a/list', path: '/c' },
    { op: 'replace', path: '/c/0', value: { y: 1 } },
    { op: 'add', path: '/c/0/z', value: 2 },
  ]);
  expect(patched).toEqual({ a: {}, b: { list: [1, 2, 3] }, c: [{ y: 1, z: 2 }, 2], rest: { x: 1 } });
  expect(document).toEqual(before);
});

test('JSON patch: ten thousand operations on a wide object copy it once', () => {
  const wide = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 'v']));
  const many = Array.from({ length: 10_000 }, (_, i) => ({ op: 'replace', path: `/data/k${i}`, value: 'w' }));
  let copies = 0;
  const counted = new Proxy(wide, {
    ownKeys(target) {
      copies += 1;
      return Reflect.ownKeys(target);
    },
  });
  const { data } = applyJsonPatch({ data: counted }, many) as { data: Record<string, string> };
  expect([data.k0, data.k9999, data.k10000]).toEqual(['w', 'w', 'v']);
  expect(copies).toBe(1);
});
