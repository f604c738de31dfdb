import { expect, test } from 'vitest';
import { parseYaml } from './yaml.ts';

test.each([
  ['a: yes\nb: off\nc: "yes"\nd: true', { a: true, b: false, c: 'yes', d: true }],
  ['mode: 0644\nhex: 0x1f\nbits: 0b11\nmany: 1_000\nzero: 0', { mode: 420, hex: 31, bits: 3, many: 1000, zero: 0 }],
  ['day: 2026-01-01\nsize: 1e3\nnone: ~', { day: '2026-01-01', size: 1000, none: null }],
  ['base: &b {x: 1}\nown: {<<: *b, z: 2}', { base: { x: 1 }, own: { x: 1, z: 2 } }],
  ['1: a', { 1: 'a' }],
  ['a: 1\n---\na: 2', { a: 1 }],
  ['', null],
  [
    'a: 08\nb: 0O17\nc: 0XfF\nd: -0x1\ne: 0B1\nf: 1_0.5\ng: 1e400\nh: .5\ni: +1',
    { a: 8, b: 15, c: 255, d: -1, e: 1, f: 10.5, g: '1e400', h: 0.5, i: 1 },
  ],
  ['a: 1:30\nb: 0x\nc: 1.2.3\nd: _1\ne: .\nf: 0b2', { a: '1:30', b: '0x', c: '1.2.3', d: '_1', e: '.', f: '0b2' }],
  ['a: 18446744073709551616', { a: 2 ** 64 }],
  ['a: !!float 1\nb: !!int "1"\nc: !!bool yes\nd: !!str 1', { a: 1, b: 1, c: true, d: '1' }],
  ['a: !!binary aGk=\nb: !!timestamp 2001-01-01', { a: 'hi', b: '2001-01-01' }],
  ['a: [\n  1\n]', { a: [1] }],
  ['{"a":1} }', { a: 1 }],
])('%j', async (text, value) => {
  expect((await parseYaml(text)).value).toEqual(value);
});

test('repeated keys are told with the line of the later value, which stands', async () => {
  const { value, repeatedKeys } = await parseYaml('a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n');
  expect(value).toEqual({ a: 2, b: { c: 3, d: 2 } });
  expect(repeatedKeys).toEqual(['line 5: key "c" already set in map', 'line 6: key "a" already set in map']);
});

test.each([
  ['a: 1\na:\n\n  - b', ['line 4: key "a" already set in map']],
  ['a: 1\na:\n  b: 1', ['line 3: key "a" already set in map']],
  ['a: 1\na:\n  b: 1\n  b: 2', ['line 4: key "b" already set in map', 'line 3: key "a" already set in map']],
  ['a: 1\na: 2\na: 3', ['line 2: key "a" already set in map', 'line 3: key "a" already set in map']],
])('repeated keys of %j as sigs.k8s.io/yaml tells them', async (text, told) => {
  expect((await parseYaml(text)).repeatedKeys).toEqual(told);
});

test('what is no YAML is refused with the reason', async () => {
  await expect(parseYaml('a: [1')).rejects.toThrow(/^error converting YAML to JSON: yaml: /);
  await expect(parseYaml('a: \x07')).rejects.toThrow('yaml: control characters are not allowed');
  await expect(parseYaml('a: -.inf')).rejects.toThrow('error converting YAML to JSON: json: unsupported value: -Inf');
  await expect(parseYaml('~: v')).rejects.toThrow(
    'error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: "v"',
  );
  await expect(parseYaml('a: *none')).rejects.toThrow('error converting YAML to JSON: yaml: Unresolved alias');
  await expect(parseYaml('['.repeat(50_000))).rejects.toThrow('yaml: exceeded max depth of 10000');
});
