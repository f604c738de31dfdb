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
  await expect(parseYaml('['.repeat(50_000))).rejects.toThrow('yaml: exceeded max depth of 10000');
});

// Recorded from sigs.k8s.io/yaml.
test.each([
  ['a: [1', "line 1: did not find expected ',' or ']'"],
  ['a: {b', "line 1: did not find expected ',' or '}'"],
  ['a: *none', "unknown anchor 'none' referenced"],
  ['a: &x 1\nb: *y', "unknown anchor 'y' referenced"],
  ['\ta: 1', 'found character that cannot start any token'],
  ['a:\n\t- b', 'line 2: found character that cannot start any token'],
  ['a: 1\n b: 2', 'line 2: mapping values are not allowed in this context'],
  ['a: b: c', 'mapping values are not allowed in this context'],
  ['- a\nb: c', "line 1: did not find expected '-' indicator"],
  ['a: "x', 'found unexpected end of stream'],
  ["a: 'x", 'found unexpected end of stream'],
  ['a: |\n x\n\ty', 'line 3: found a tab character where an indentation space is expected'],
  ['{', 'line 1: did not find expected node content'],
  ['[', 'line 1: did not find expected node content'],
  ['}', 'did not find expected node content'],
  [']', 'did not find expected node content'],
  ['a: @b', 'found character that cannot start any token'],
  ['- - a\n - b', "line 1: did not find expected '-' indicator"],
  ['a:\n  - b\n c: d', 'line 2: did not find expected key'],
  ['a: !!int x', 'cannot decode !!str `x` as a !!int'],
  ['a: !!float x', 'cannot decode !!str `x` as a !!float'],
  ['a: !!bool x', 'cannot decode !!str `x` as a !!bool'],
  ['a: !!null x', 'cannot decode !!str `x` as a !!null'],
  ['? a: b\n: c', 'invalid map key: map[interface {}]interface {}{"a":"b"}'],
  ['[a]: b', 'invalid map key: []interface {}{"a"}'],
  ['{a: b}: c', 'invalid map key: map[interface {}]interface {}{"a":"b"}'],
  ['? [a]\n: b', 'invalid map key: []interface {}{"a"}'],
  ['a: "\\x"', 'did not find expected hexdecimal number'],
  ['a: "\\q"', 'found unknown escape character'],
  ['a: "\\u12"', 'did not find expected hexdecimal number'],
  ['a: "\\U00110000"', 'found invalid Unicode character escape code'],
  ['a\nb: c', 'line 2: mapping values are not allowed in this context'],
  ['a: b\nc', "line 3: could not find expected ':'"],
  ['a: b\n- c', 'line 1: did not find expected key'],
  ['a: &x *x', 'did not find expected key'],
  ['a: *', 'did not find expected alphabetic or numeric character'],
  ['a: &', 'did not find expected alphabetic or numeric character'],
  ['a: |z\n b', 'did not find expected comment or line break'],
  ['a: |0\n b', 'found an indentation indicator equal to 0'],
  ['a: |10\n b', 'did not find expected comment or line break'],
  ['<<: 1', 'map merge requires map or sequence of maps as the value'],
  ['<<: [1]', 'map merge requires map or sequence of maps as the value'],
  ['"a": b c: d', 'mapping values are not allowed in this context'],
  ['- [a, b', "line 1: did not find expected ',' or ']'"],
  ['{a: b, c', "line 1: did not find expected ',' or '}'"],
  ['{a: b c: d}', "did not find expected ',' or '}'"],
  ['a: [b]]', 'did not find expected key'],
  ['a:\n\tb: c', 'line 2: found character that cannot start any token'],
  ['\u0001', 'control characters are not allowed'],
  ['a: \u007f', 'control characters are not allowed'],
  ['*a : b', "unknown anchor 'a' referenced"],
  ['a:\n- b\n-c', "line 4: could not find expected ':'"],
  ['a:\n  b: c\n d: e', 'line 2: did not find expected key'],
  ['a:\n  b: c\n   d: e', 'line 3: mapping values are not allowed in this context'],
  ['spec:\n  containers:\n  - name: a\n   image: b', 'line 3: did not find expected key'],
  ['spec:\n  containers:\n  - name: a\n     image: b', 'line 4: mapping values are not allowed in this context'],
  ['metadata:\nname: x\n  y: z', 'line 3: mapping values are not allowed in this context'],
  ['a: {b: [c, d}', "did not find expected ',' or ']'"],
  ['a: [b, {c: d]', "did not find expected ',' or '}'"],
  ['a: !e!b c', 'found undefined tag handle'],
  ['? -', 'invalid map key: []interface {}{interface {}(nil)}'],
  ['a: -', 'block sequence entries are not allowed in this context'],
  ['a: ?', 'mapping keys are not allowed in this context'],
  ['a: - b', 'block sequence entries are not allowed in this context'],
  ['a: ? b', 'mapping keys are not allowed in this context'],
  ['- a: b\n  c', "line 3: could not find expected ':'"],
  ['a:\n  - b: c\n    d\n  - e', "line 4: could not find expected ':'"],
])('%j is refused as upstream: %s', async (text, why) => {
  await expect(parseYaml(text)).rejects.toMatchObject({ message: `error converting YAML to JSON: yaml: ${why}` });
});
