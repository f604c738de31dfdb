import { describe, expect, test } from 'vitest';
import { compileExpression } from './compile.ts';
import { authorizerValue } from './functions/authorizer.ts';
import { type StructuralSchema, schemaType } from './schema.ts';
import { type CelType, dyn, int, opaque, printType, string } from './types.ts';
import { fromJson, toJson, type Value } from './values.ts';

const schema: StructuralSchema = {
  type: 'object',
  properties: {
    replicas: { type: 'integer' },
    ratio: { type: 'number' },
    name: { type: 'string', maxLength: 10 },
    'a-b': { type: 'string' },
    if: { type: 'boolean' },
    port: { 'x-kubernetes-int-or-string': true },
    since: { type: 'string', format: 'date-time' },
    wait: { type: 'string', format: 'duration' },
    raw: { type: 'string', format: 'byte' },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    none: { type: 'integer' },
    open: { type: 'array', items: { type: 'object', properties: { id: { type: 'string' } } } },
    list: { type: 'array', items: { type: 'integer' } },
    set: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    parts: {
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'string' }, n: { type: 'integer' } } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['id'],
    },
  },
};
const selfType = schemaType(schema) as CelType;
const self = {
  replicas: 3,
  ratio: 1,
  name: 'abc',
  'a-b': 'dash',
  if: true,
  port: '80%',
  since: '2024-02-29T12:30:15.5Z',
  wait: '1h30m',
  raw: 'aGk=',
  none: null,
  open: [{ more: 1 }, { more: 1 }, { more: 2 }],
  labels: { app: 'web', tier: 'front' },
  list: [3, 1, 2],
  set: ['x', 'y'],
  parts: [
    { id: 'a', n: 1 },
    { id: 'b', n: 2 },
  ],
};
const variables = {
  self: selfType,
  any: dyn,
  n: int,
  s: string,
  authorizer: opaque('kubernetes.authorization.Authorizer'),
};
const bindings = {
  self: fromJson(self, selfType),
  any: fromJson({ a: { b: [1, 2.5, 'x', null, true] }, i: 5 }),
  n: 7n as Value,
  s: 'héllo',
  authorizer: authorizerValue(({ resource, verb, namespace }) => ({
    allowed: resource === 'pods' && verb === 'get',
    reason: namespace ?? '',
  })),
};

function evaluate(source: string): unknown {
  const { program, errors } = compileExpression(source, { variables });
  if (!program) return errors;
  const done = program.evaluate(bindings);
  return done.error === undefined ? toJson(done.value) : `error: ${done.error}`;
}

describe('expressions that hold', () => {
  test.each([
    // Arithmetic and logic.
    '1 + 2 * 3 == 7 && 7 % 4 == 3 && -7 / 2 == -3 && 0x1f == 31',
    '1.5 + 1.5 == 3.0 && 1 < 1.5 && 2u > 1 && 1 == dyn(1.0) && !(1 == dyn("1"))',
    '"a" + "b" == "ab" && b"a" + b"b" == b"ab" && r"\\d" == "\\\\d"',
    'true || 1 / 0 > 0',
    '1 / 0 > 0 || true',
    '!(false && 1 / 0 > 0)',
    'true ? true : 1 / 0 > 0',
    '--1 == 1 && !!true',
    '{"a": 1, "b": 2}["b"] == 2 && {1: "x"}[dyn(1u)] == "x" && 1 in {1: 2} && !("z" in {"a": 1})',
    '[1, 2] + [3] == [1, 2, 3] && [1, 2, 3][2] == 3 && 2 in [1, 2]',
    'type(1) == int && type("") == string && type([1]) == list && type(type(1)) == type && type(null) == null_type',
    '"a" < "b" && b"a" < b"b" && duration("1s") < duration("2s") // a comment',
    // Schema types.
    'self.replicas == 3 && type(self.ratio) == double && self.name.size() == 3',
    'self.a__dash__b == "dash" && self.__if__',
    'type(self.port) == string && self.port.endsWith("%")',
    'self.since.getFullYear() == 2024 && self.since.getMonth() == 1 && self.since.getDayOfYear() == 59',
    'self.since.getHours("+02:00") == 14 && self.since.getHours("Europe/Berlin") == 13 && self.since.getMilliseconds() == 500',
    'self.wait == duration("90m") && self.wait.getMinutes() == 90 && self.wait.getHours() == 1',
    'self.since + self.wait == timestamp("2024-02-29T14:00:15.5Z") && self.since - self.since == duration("0s")',
    'string(self.raw) == "hi"',
    'self.labels.app == "web" && self.labels["tier"] == "front" && "app" in self.labels && !has(self.labels.none)',
    'self.set == ["y", "x"] && (self.set + ["y", "z"]).size() == 3',
    'self.parts + self.parts == self.parts',
    'self.if && self.open[0] == self.open[1] && self.open[0] != self.open[2]',
    'has(self.name) && !has(self.none) && size(self.list) == 3',
    // Macros.
    'self.list.all(x, x > 0) && self.list.exists(x, x == 2) && self.list.exists_one(x, x > 2)',
    'self.list.map(x, x * 2) == [6, 2, 4] && self.list.filter(x, x > 1) == [3, 2] && self.list.map(x, x > 1, x) == [3, 2]',
    'self.labels.all(k, k.size() > 2) && self.labels.exists(k, v, v == "front")',
    'self.list.all(i, v, i < 3 && v < 4) && [4, 5].transformList(i, v, i + v) == [4, 6]',
    'self.labels.transformMap(k, v, v + "!")["app"] == "web!" && [1].transformMapEntry(i, v, {string(v): i}) == {"1": 0}',
    '[1, 2].exists(x, 1 / (x - 1) > 0)',
    // Dynamic values.
    'any.a.b[0] == 1 && any.a.b[1] == 2.5 && any.a.b[2] == "x" && any.a.b[3] == null && any.i > 4',
    'type(any.i) == int && has(any.a.b) && !has(any.a.c)',
    // Optionals.
    'any.?x.orValue(1) == 1 && any.?i.orValue(1) == 5 && any[?"i"].hasValue() && !any.?x.y.z.hasValue()',
    'optional.of(1).value() == 1 && optional.none().or(optional.of(2)).value() == 2 && !optional.ofNonZeroValue(0).hasValue()',
    'any.?i.optMap(x, x + 1).value() == 6 && [?any.?x].size() == 0 && {?"k": any.?x} == {}',
    '[1, 2][?5].orValue(9) == 9',
    // Strings.
    's.size() == 5 && s.indexOf("l") == 2 && s.charAt(1) == "é" && s.substring(1, 3) == "él"',
    '"a,b,c".split(",") == ["a", "b", "c"] && "a,b,c".split(",", 2) == ["a", "b,c"] && ["a", "b"].join("-") == "a-b"',
    '"aXbX".replace("X", "-") == "a-b-" && "aXbX".replace("X", "-", 1) == "a-bX" && " x ".trim() == "x"',
    '"AbC".lowerAscii() == "abc" && "abc".lastIndexOf("c") == 2 && "abcabc".indexOf("a", 1) == 3',
    '"%s %d %.2f %x %b %e".format(["a", 3, 1.5, 255, 5, 1234.5]) == "a 3 1.50 ff 101 1.234500×10⁰³"',
    '"%.1f".format([1234567.21]) == "1,234,567.2" && "%s".format([1e6]) == "1e+06" && string(1e5) == "100000"',
    '"%s".format([[1, 2.5, "x", true, {"a": null}]]) == r\'[1, 2.500000, "x", true, {"a":null}]\'',
    '"abc123".find("[0-9]+") == "123" && "a1b2".findAll("[0-9]") == ["1", "2"] && "a1b2".findAll("[0-9]", 1) == ["1"]',
    '"abc".matches("^[a-c]+$") && matches("x", "x|y") && !"abc".matches("^b")',
    'strings.quote("a\\"b") == "\\"a\\\\\\"b\\""',
    // Lists and sets.
    '[1, 2, 3].isSorted() && ![2, 1].isSorted() && [1, 2].sum() == 3 && [1.5, 2.5].sum() == 4.0 && [3, 1].min() == 1 && ["a", "b"].max() == "b"',
    '[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].indexOf(5) == -1',
    'sets.contains([1, 2], [1]) && sets.equivalent([1, 1, 2], [2, 1]) && sets.intersects([1], [1, 2])',
    // Kubernetes' values.
    'quantity("1.5G").compareTo(quantity("1500M")) == 0 && quantity("50Mi").isGreaterThan(quantity("50M")) && isQuantity("1k") && !isQuantity("1K")',
    'quantity("50k").add(20).sub(quantity("100k")).sub(-50000) == quantity("20") && quantity("50k").asInteger() == 50000',
    'ip("10.0.0.1").family() == 4 && isIP("::1") && !isIP("::ffff:1.2.3.4") && ip("127.0.0.1").isLoopback() && ip.isCanonical("::1") && !ip.isCanonical("::0001")',
    'cidr("10.0.0.0/8").containsIP("10.1.2.3") && cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && cidr("10.0.0.1/8").masked() == cidr("10.0.0.0/8") && isCIDR("::1/128") && string(cidr("10.0.0.0/8")) == "10.0.0.0/8"',
    'url("https://u.example.com:80/a?b=c&b=d").getHost() == "u.example.com:80" && url("https://[::1]:80/").getHostname() == "::1" && url("http://x:80/p%20q").getPort() == "80" && url("/a/b").getEscapedPath() == "/a/b"',
    'url("https://example.com/with space/?k s=v s").getEscapedPath() == "/with%20space/" && url("https://example.com").getEscapedPath() == "" && !isURL("https://a:b:c/")',
    'url("https://x/?a=1&b=2").getQuery() == {"a": ["1"], "b": ["2"]} && url("https://x").getScheme() == "https" && isURL("/x") && !isURL("x") && !isURL("../x")',
    'format.dns1123Label().validate("ok") == optional.none() && format.named("uuid").value().validate("x").hasValue() && !format.named("nope").hasValue()',
    'semver("1.2.3").isLessThan(semver("1.10.0")) && semver("1.0.0-alpha").isLessThan(semver("1.0.0")) && isSemver("v1.0", true) && !isSemver("v1.0") && semver("1.2.3").minor() == 2 && semver("01.01", true) == semver("1.1.0")',
    'authorizer.group("").resource("pods").namespace("ns").check("get").allowed()',
    '!authorizer.group("").resource("nodes").check("get").allowed() && authorizer.serviceAccount("ns", "sa").group("").resource("pods").check("get").allowed()',
    // Conversions.
    'int("42") == 42 && int(2.9) == 2 && double("1e3") == 1000.0 && string(1.0) == "1" && string(true) == "true" && bool("true") && uint(3) == 3u',
    'string(timestamp("2024-01-01T01:30:00.5+05:30")) == "2024-01-01T01:30:00.5+05:30"',
    'string(timestamp("2024-01-01T01:00:00-02:00") + duration("1h")) == "2024-01-01T02:00:00-02:00"',
    'timestamp("2024-01-01T01:00:00+05:30").getHours() == 19 && timestamp("2024-01-01T01:00:00+05:30").getHours("UTC") == 19',
    'timestamp("2024-01-01T01:00:00+01:00") == timestamp("2024-01-01T00:00:00Z")',
    'string(duration("90s")) == "90s" && string(timestamp("2024-01-01T00:00:00Z")) == "2024-01-01T00:00:00Z" && int(timestamp("1970-01-01T00:01:00Z")) == 60',
  ])('%s', (source) => {
    expect(evaluate(source)).toBe(true);
  });
});

test.each([
  ['self.x > 1', "ERROR: <input>:1:5: undefined field 'x'\n | self.x > 1\n | ....^"],
  ['foo == 1', "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo == 1\n | ^"],
  ['nope(1)', "ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')\n | nope(1)\n | ....^"],
  [
    'self.name == 1',
    "ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(string, int)'\n | self.name == 1\n | ..........^",
  ],
  [
    'self.name.foo',
    "ERROR: <input>:1:10: type 'string' does not support field selection\n | self.name.foo\n | .........^",
  ],
  [
    'self.replicas.startsWith("a")',
    "ERROR: <input>:1:25: found no matching overload for 'startsWith' applied to 'int.(string)'\n | self.replicas.startsWith(\"a\")\n | ........................^",
  ],
  [
    'self.replicas.all(x, true)',
    "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.replicas.all(x, true)\n | ....^",
  ],
  ['[1, "a"]', "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, \"a\"]\n | ....^"],
  [
    'self.list.sum().foo()',
    "ERROR: <input>:1:20: undeclared reference to 'foo' (in container '')\n | self.list.sum().foo()\n | ...................^",
  ],
  ['"a".matches("[")', 'ERROR: <input>:1:13: invalid matches argument\n | "a".matches("[")\n | ............^'],
  [
    'self.a\n  + self.b',
    "ERROR: <input>:1:5: undefined field 'a'\n | self.a\n | ....^\nERROR: <input>:2:9: undefined field 'b'\n |   + self.b\n | ........^",
  ],
  ['has(self)', 'ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^'],
])('%s is refused', (source, message) => {
  expect(evaluate(source)).toBe(message);
});

test.each(['1 +', 'a b', '"x', 'a.', '(1', '[1', '{"a"}', 'a ? b', '$', 'if', '1.b', '"\\q"', 'x.map(1, 2)'])(
  '%j is no expression',
  (source) => {
    const { errors } = compileExpression(source, { variables });
    expect(errors).toMatch(/^ERROR: <input>:1:\d+: /);
  },
);

test.each([
  ['1 / (self.replicas - 3)', 'division by zero'],
  ['self.labels["none"]', 'no such key: none'],
  ['self.list[7]', 'index out of bounds: 7'],
  ['any.none', 'no such key: none'],
  ['any.i + "a"', 'no such overload'],
  ['9223372036854775807 + n', 'integer overflow'],
  ['quantity("x")', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['optional.none().value()', 'optional.none() dereference'],
])('%s fails: %s', (source, message) => {
  expect(evaluate(source)).toBe(`error: ${message}`);
});

test('a nested comprehension ends when it costs too much', () => {
  const { program } = compileExpression('l.all(a, l.all(b, l.all(c, a + b + c >= 0)))', { variables: { l: dyn } });
  const done = program!.evaluate({ l: fromJson(Array.from({ length: 300 }, (_, i) => i)) });
  expect(done).toMatchObject({ isOverBudget: true, error: 'operation cancelled: actual cost limit exceeded' });
});

test('types of results, and which variables an expression looks at', () => {
  const typeOf = (source: string) => printType(compileExpression(source, { variables }).program!.resultType);
  expect(typeOf('self.list.map(x, string(x))')).toBe('list(string)');
  expect(typeOf('self.labels')).toBe('map(string, string)');
  expect(typeOf('any.?x')).toBe('optional_type(dyn)');
  expect(typeOf('[1][?0]')).toBe('optional_type(int)');
  const { program } = compileExpression('self.list.all(n, n > 0)', { variables });
  expect(program!.uses('self')).toBe(true);
  expect(program!.uses('any')).toBe(false);
});

test('JSON that does not fit its type is an error of the evaluation', () => {
  const { program } = compileExpression('self.replicas > 1', { variables });
  const done = program!.evaluate({ self: fromJson({ replicas: 'three' }, selfType) });
  expect(done.error).toContain('expected int type to match the provided schema');
});

test('what is embedded has its name and kind, and of metadata what its schema adds', () => {
  const metadata = { type: 'object', properties: { namespace: { type: 'string' } } };
  const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { metadata } };
  const type = schemaType({ type: 'object', properties: { embedded } }) as CelType;
  const compile = (source: string) => compileExpression(source, { variables: { self: type } });
  const { program } = compile(
    'self.embedded.kind == "Pod" && self.embedded.metadata.name == "a" && self.embedded.metadata.namespace == "n"',
  );
  const object = { embedded: { kind: 'Pod', metadata: { name: 'a', namespace: 'n', uid: 'u' } } };
  expect(program!.evaluate({ self: fromJson(object, type) })).toMatchObject({ value: true });
  expect(compile('self.embedded.metadata.uid').errors).toContain("undefined field 'uid'");
});

describe('the most that an expression may cost', () => {
  const list = (items: object, maxItems?: number) => ({ type: 'array', items, ...(maxItems && { maxItems }) });
  const text = (maxLength?: number) => ({ type: 'string', ...(maxLength && { maxLength }) });
  const limit = 10_000_000;

  test.each<[string, object, boolean]>([
    ['self > 5', { type: 'integer' }, true],
    ['self.matches("^[a-z]+$")', text(), true],
    ['self.all(x, x > 0)', list({ type: 'integer' }), true],
    ['self.all(x, self.all(y, x == y))', list({ type: 'integer' }), false],
    ['self.all(x, self.exists(y, x != y))', list({ type: 'integer' }, 100), true],
    ['self.all(x, x.contains("a"))', list(text()), false],
    ['self.all(x, x.contains("a"))', list(text(100), 1000), true],
    ['self.all(x, self.all(y, x == y))', list(text(), 100), false],
    ['self.map(x, x * 2).all(x, x > 0)', list({ type: 'integer' }, 1000), true],
  ])('%s over %j may be afforded: %s', (source, given, isAffordable) => {
    const type = schemaType(given as StructuralSchema) as CelType;
    const { program, errors } = compileExpression(source, { variables: { self: type } });
    expect(errors).toBeUndefined();
    expect(program!.estimatedCost < limit).toBe(isAffordable);
  });
});
