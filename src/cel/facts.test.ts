// Facts of kube-apiserver 1.36's environment: what expressions cost, at the most and in fact, and what is wrong with them.
import { expect, test } from 'vitest';
import { compileExpression } from './compile.ts';
import { authorizerValue } from './functions/authorizer.ts';
import { type StructuralSchema, schemaType } from './schema.ts';
import { bool, type CelType, double, duration, dyn, int, listOf, mapOf, opaque, optionalOf, string } from './types.ts';
import { fromJson, ListValue, MapValue, Optional, parseDuration } from './values.ts';

const text = { type: 'string' };
const number = { type: 'integer' };
const spec: Readonly<Record<string, StructuralSchema>> = {
  name: { ...text, maxLength: 10 },
  long: text,
  labels: { type: 'object', maxProperties: 20, additionalProperties: { ...text, maxLength: 63 } },
  list: { type: 'array', items: number },
  names: { type: 'array', maxItems: 5, items: { ...text, maxLength: 8 } },
  set: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
  parts: {
    type: 'array',
    maxItems: 10,
    items: {
      type: 'object',
      required: ['id'],
      properties: { id: text, n: number, deep: { type: 'array', items: text } },
    },
  },
};
const self = schemaType({ type: 'object', properties: { spec: { type: 'object', properties: spec } } }) as CelType;
const object = {
  spec: {
    name: 'abc',
    long: 'looong',
    labels: { app: 'web', tier: 'front' },
    list: [3, 1, 2],
    names: ['x', 'yy'],
    set: ['x', 'y'],
    parts: [
      { id: 'a', n: 1, deep: ['d'] },
      { id: 'b', n: 2 },
    ],
  },
};
const variables = {
  self,
  any: dyn,
  n: int,
  s: string,
  d: double,
  b: bool,
  dur: duration,
  li: listOf(int),
  ls: listOf(string),
  m: mapOf(string, int),
  o: optionalOf(int),
  authorizer: opaque('kubernetes.authorization.Authorizer'),
};
const bindings = {
  self: fromJson(object, self),
  any: fromJson({ i: 5, s: 'str', d: 2.5 }),
  n: 7n,
  s: 'héllo wörld',
  d: 2.5,
  b: true,
  dur: parseDuration('90m'),
  li: new ListValue([3n, 1n, 2n]),
  ls: new ListValue(['b', 'a', 'cc']),
  m: new MapValue(
    new Map([
      ['x', 1n],
      ['y', 2n],
    ]),
  ),
  o: new Optional(5n),
  authorizer: authorizerValue(() => ({ allowed: true })),
};

test.each<[string, { readonly cost?: number; readonly error?: string; readonly most: number }]>([
  ["[3, 1, 2].sort() == [1, 2, 3] && ls.sortBy(x, size(x)).last().value() == 'cc'", { cost: 108, most: 88 }],
  ['[1, 2, 2].distinct().size() + [[1], [2]].flatten().size() + lists.range(3).size()', { cost: 61, most: 101 }],
  ['[1, 2, 3].slice(1, 3).reverse().first().value()', { cost: 28, most: 38 }],
  ['[1].slice(0, 2)', { error: 'cannot slice(0, 2), list is length 1', most: 23 }],
  ["sign(quantity('-1')) == -1", { cost: 3, most: 3 }],
  ["quantity('1.5Gi').asInteger()", { error: 'cannot convert value to integer', most: 2 }],
  ['int(s)', { error: "type conversion error from 'string' to 'int'", most: 2 }],
  ["{'a': 1}[s]", { error: 'no such key: héllo wörld', most: 32 }],
  [
    "ip('10.0.0.256')",
    {
      error:
        'IP Address "10.0.0.256" parse error during conversion from string: ParseAddr("10.0.0.256"): IPv4 field has value >255',
      most: 1,
    },
  ],
  [
    "ip('::1::')",
    {
      error:
        'IP Address "::1::" parse error during conversion from string: ParseAddr("::1::"): multiple :: in address (at ":")',
      most: 1,
    },
  ],
  [
    "cidr('10.0.0.0/33')",
    {
      error:
        'network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/33"): prefix length out of range',
      most: 2,
    },
  ],
  ["cidr('10.0.0.0/8').containsIP('x')", { error: 'no such overload', most: 6 }],
  [
    "cidr('10.0.0.0/8').containsCIDR('x')",
    {
      error:
        'network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("x"): no \'/\'',
      most: 9,
    },
  ],
  ["s.find(s + '(')", { error: 'Illegal regex: error parsing regexp: missing closing ): `héllo wörld(`', most: 4 }],
  [
    "timestamp('2024-02-29T12:00:00Z').getHours('x:1')",
    { error: 'strconv.Atoi: parsing "x": invalid syntax', most: 2 },
  ],
  ["timestamp('2024-02-29T12:00:00Z').getHours('../x')", { error: 'time: invalid location name', most: 2 }],
  ["timestamp('0001-01-01T00:00:00Z').getDayOfYear() == 0", { cost: 2, most: 3 }],
  ["format.byte().validate('').hasValue()", { cost: 23, most: 2 }],
  ['[1][-9223372036854775808]', { error: 'index out of bounds: -9223372036854775808', most: 11 }],
  ['null.isInteger()', { error: 'no such overload: isInteger(null_type)', most: 1 }],
  ["(b ? null : quantity('1')).isInteger()", { error: 'no such overload: isInteger(null_type)', most: 3 }],
  ["'abc'.endsWith(any.i)", { error: 'no such overload', most: Infinity }],
  ['uint(d - 3.0)', { error: 'unsigned integer overflow', most: 3 }],
  ["(timestamp(0) - duration('1ns')).getHours() == 23", { cost: 3, most: 5 }],
  ["timestamp('0099-06-01T12:00:00Z').getFullYear('Europe/Berlin') == 99", { cost: 2, most: 3 }],
  ["optional.ofNonZeroValue(timestamp('0001-01-01T00:00:00Z')).hasValue()", { cost: 2, most: 3 }],
  ["format.dns1035LabelPrefix().validate('-').hasValue()", { cost: 10, most: 34 }],
  ['[dyn(null)].max()', { error: 'no such overload: max(list)', most: 12 }],
  ['[any.d].sum()', { cost: 13, most: 12 }],
  ['[any.i].sort()', { cost: 13, most: 25 }],
  ["semver('ß', true)", { error: 'Invalid character(s) found in major number "0ß"', most: 1 }],
  [
    "url('x y')",
    { error: 'URL parse error during conversion from string: parse "x y": invalid URI for request', most: 1 },
  ],
  ["semver('01.2.3')", { error: 'Major number must not contain leading zeroes "01"', most: 1 }],
  ["semver('1.2')", { error: 'No Major.Minor.Patch elements found', most: 1 }],
  ['s.substring(3, 1)', { error: 'invalid substring range. start: 3, end: 1', most: 1 }],
  ['dyn(1).all(x, true)', { error: "got 'types.Int', expected iterable type", most: 5 }],
  ['any.s < 1', { error: 'no such overload', most: 2 }],
  ["any.i.matches('a')", { error: 'no such overload', most: Infinity }],
  ['li.all(x, x > 0)', { cost: 17, most: 2 }],
  ['li.map(x, x > 1, x + 1)', { cost: 36, most: 12 }],
  ['m.transformMap(k, v, v + 1)', { cost: 12, most: 32 }],
  ['o.optMap(x, x + 1)', { cost: 7, most: 17 }],
  ["m[?'x'].orValue(2)", { cost: 2, most: 3 }],
  ["b ? self.spec.name : 'x'", { cost: 3, most: 4 }],
  ['n in [1, 2]', { cost: 1, most: 13 }],
  ['has(self.spec.name) && self.spec.parts.exists(p, p.n > 1 && has(p.deep))', { cost: 21, most: 86 }],
  ['self.spec.names.all(x, self.spec.names.all(y, x == y))', { cost: 25, most: 264 }],
  ["self.spec.labels.all(k, self.spec.labels[k].matches('^a+$'))", { cost: 14, most: 684 }],
  ["self.spec.name.replace('a', 'bb').split(',').join('-').contains('a')", { cost: 7, most: Infinity }],
  ['self.spec.long.lowerAscii() + self.spec.name', { cost: 8, most: 629156 }],
  ['self.spec.list.sum() + self.spec.list.max()', { cost: 13, most: 3145733 }],
  ['self.spec.parts.map(p, p.id).sort()', { cost: 51, most: 375 }],
  ['sets.contains(self.spec.names, self.spec.set)', { cost: 11, most: 5242882 }],
  ["authorizer.group('').resource('pods').labelSelector('a=b').check('get').allowed()", { cost: 350115, most: 350115 }],
  ['format.dns1123Label().validate(self.spec.name).hasValue()', { cost: 13, most: 133 }],
  ["'%s is %d'.format([self.spec.name, 1])", { cost: 14, most: 14 }],
])('%s', (source, { cost, error, most }) => {
  const { program, errors } = compileExpression(source, { variables });
  expect(errors).toBeUndefined();
  const done = program!.evaluate(bindings);
  expect(done.error).toBe(error);
  if (error === undefined) expect(done.cost).toBe(cost);
  // What is not known is as large as it may be.
  if (most === Infinity) expect(program!.estimatedCost).toBeGreaterThan(1e15);
  else expect(program!.estimatedCost).toBe(most);
});

test.each([
  ["bool('maybe')", "type conversion error from 'string' to 'bool'"],
  [
    '{1: 2}[1e21]',
    "ERROR: <input>:1:7: found no matching overload for '_[_]' applied to '(map(int, int), double)'\n | {1: 2}[1e21]\n | ......^",
  ],
  [
    '[1][dur]',
    "ERROR: <input>:1:4: found no matching overload for '_[_]' applied to '(list(int), duration)'\n | [1][dur]\n | ...^",
  ],
  ['1 && true', "ERROR: <input>:1:1: expected type 'bool' but found 'int'\n | 1 && true\n | ^"],
  ["[1, 'a', 2.0]", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a', 2.0]\n | ....^"],
  [
    "{'a': 1, 'b': dyn(1)}",
    "ERROR: <input>:1:18: expected type 'int' but found 'dyn'\n | {'a': 1, 'b': dyn(1)}\n | .................^",
  ],
  [
    '[1].filter(x, x)',
    "ERROR: <input>:1:11: found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'\n | [1].filter(x, x)\n | ..........^",
  ],
  ['li.map(1, x)', 'ERROR: <input>:1:8: argument is not an identifier\n | li.map(1, x)\n | .......^'],
  ['li.all(x, x, true)', 'ERROR: <input>:1:11: duplicate variable name: x\n | li.all(x, x, true)\n | ..........^'],
  [
    'cel.bind(x, 1, x)',
    "ERROR: <input>:1:1: undeclared reference to 'cel' (in container '')\n | cel.bind(x, 1, x)\n | ^\nERROR: <input>:1:9: undeclared reference to 'bind' (in container '')\n | cel.bind(x, 1, x)\n | ........^\nERROR: <input>:1:10: undeclared reference to 'x' (in container '')\n | cel.bind(x, 1, x)\n | .........^\nERROR: <input>:1:16: undeclared reference to 'x' (in container '')\n | cel.bind(x, 1, x)\n | ...............^",
  ],
  [
    'optional.of(d).optFlatMap(o0, 1)',
    "ERROR: <input>:1:26: found no matching overload for '_?_:_' applied to '(bool, int, optional_type(dyn))'\n | optional.of(d).optFlatMap(o0, 1)\n | .........................^",
  ],
  [
    "url('/a').foo",
    "ERROR: <input>:1:10: unexpected failed resolution of 'kubernetes.URL'\n | url('/a').foo\n | .........^",
  ],
  [
    "'%d'.format([s])",
    "ERROR: <input>:1:14: error during formatting: decimal clause can only be used on integers, was given string\n | '%d'.format([s])\n | .............^",
  ],
  [
    "'%s'.format([1, 2])",
    "ERROR: <input>:1:12: too many arguments supplied to string.format (expected 1, got 2)\n | '%s'.format([1, 2])\n | ...........^",
  ],
  ["s.matches('(')", "ERROR: <input>:1:11: invalid matches argument\n | s.matches('(')\n | ..........^"],
  ["matches('(', 'a')", "ERROR: <input>:1:9: invalid matches argument\n | matches('(', 'a')\n | ........^"],
  ["matches('a', '(')", 'error parsing regexp: missing closing ): `(`'],
  [
    'timestamp(253402300800)',
    'ERROR: <input>:1:11: invalid timestamp argument\n | timestamp(253402300800)\n | ..........^',
  ],
  [
    "'%d %q'.format([d])",
    "ERROR: <input>:1:17: error during formatting: decimal clause can only be used on integers, was given double\n | '%d %q'.format([d])\n | ................^",
  ],
  [
    "'é' + 1",
    "ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, int)'\n | 'é' + 1\n | .．..^",
  ],
  ['[?1]', "ERROR: <input>:1:3: expected type 'optional_type(int)' but found 'int'\n | [?1]\n | ..^"],
  ['{1: 2}.x.y', "ERROR: <input>:1:9: type 'int' does not support field selection\n | {1: 2}.x.y\n | ........^"],
  ["int('x') == 1", "type conversion error from 'string' to 'int'"],
])('%s is refused', (source, message) => {
  expect(compileExpression(source, { variables }).errors).toBe(message);
});

const start = "'-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

test.each([
  ['1 +', 4, `mismatched input '<EOF>' expecting {'[', '{', '(', '.', ${start}`],
  ['a && && b', 6, `extraneous input '&&' expecting {'[', '{', '(', '.', ${start}`],
  ['f(,)', 3, `extraneous input ',' expecting {'[', '{', '(', ')', '.', ${start}`],
  ['1 2', 3, "extraneous input '2' expecting <EOF>"],
  ['1 2 3', 3, "mismatched input '2' expecting <EOF>"],
  ['(s', 3, "missing ')' at '<EOF>'"],
  ['f(s t)', 5, "extraneous input 't' expecting ')'"],
  ['[s', 3, "mismatched input '<EOF>' expecting {']', ','}"],
  ['{1:2 3}', 6, "extraneous input '3' expecting {'}', ','}"],
  ['{1', 3, "mismatched input '<EOF>' expecting ':'"],
  ['b ? n m', 7, "missing ':' at 'm'"],
])('%s is no expression', (source, column, message) => {
  const { errors = '' } = compileExpression(source, { variables });
  expect(errors.split('\n')[0]).toBe(`ERROR: <input>:1:${column}: Syntax error: ${message}`);
});
