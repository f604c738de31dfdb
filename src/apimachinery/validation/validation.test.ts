import { expect, test } from 'vitest';
import type { ObjectMeta } from '../meta/v1.generated.ts';
import { fieldErrorMessage } from './field-error.ts';
import { validateCIDR, validateEndpointIP, validateLegacyCIDR, validateLegacyIP, warningsForIP } from './ip.ts';
import {
  configMapKey,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  envVarName,
  ianaServiceName,
  labelValueRule,
  type NameRule,
  pathSegment,
  qualifiedName,
} from './names.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts';

const good: readonly (readonly [string, NameRule, readonly string[]])[] = [
  ['label', dns1123Label, ['a', '1a', 'a-b', 'x'.repeat(63)]],
  ['1035 label', dns1035Label, ['a', 'a1']],
  ['subdomain', dns1123Subdomain, ['a.b', '1.2', 'a'.repeat(253)]],
  ['qualified name', qualifiedName, ['a', 'A_b.c', 'example.com/Name', `a/${'n'.repeat(63)}`]],
  ['label value', labelValueRule, ['', 'a', 'A_b.c-1']],
  ['port name', ianaServiceName, ['http', 'a1', '1a-b']],
  ['path segment', pathSegment, ['system:node', 'a..b']],
  ['environment variable', envVarName, ['A', 'my.env-name', '1']],
  ['config key', configMapKey, ['a', '.hidden', 'A_b-c.d']],
];
test.each(good)('%s: right ones', (_what, rule, texts) => {
  for (const text of texts) expect([text, rule(text)]).toEqual([text, []]);
});

const bad: readonly (readonly [NameRule, string, string])[] = [
  [dns1123Label, 'a.b', 'must not contain dots'],
  [dns1123Label, 'x'.repeat(64), 'must be no more than 63 characters'],
  [dns1035Label, '1a', "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with"],
  [dns1123Subdomain, 'UP', "(e.g. 'example.com', regex used for validation is"],
  [qualifiedName, '/a', 'prefix part must be non-empty'],
  [qualifiedName, 'a/', 'name part must be non-empty'],
  [qualifiedName, 'a/b/c', "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"],
  [labelValueRule, '-', "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"],
  [ianaServiceName, 'a--b', 'must not contain consecutive hyphens'],
  [ianaServiceName, '80', 'must contain at least one letter (a-z)'],
  [ianaServiceName, '-a', 'must not begin or end with a hyphen'],
  [pathSegment, '..', "may not be '..'"],
  [pathSegment, 'a/b', "may not contain '/'"],
  [envVarName, 'a=b', "other than '='"],
  [configMapKey, '..a', "must not start with '..'"],
];
test.each(bad)('%o refuses %j', (rule, text, message) => {
  expect(rule(text).join('|')).toContain(message);
});

const messages = (errors: ReturnType<typeof validateObjectMeta>): string[] => errors.map(fieldErrorMessage);

test('metadata of a new object', () => {
  const check = (meta: ObjectMeta, namespaced = true): string[] => messages(validateObjectMeta(meta, { namespaced }));
  expect(check({ name: 'a', namespace: 'b' })).toEqual([]);
  expect(check({ name: 'a', namespace: 'b', generateName: 'a-' })).toEqual([]);
  // What stands before the hyphen is not looked at.
  expect(check({ name: 'a', namespace: 'b', generateName: 'A-' })).toEqual([]);
  expect(check({ name: 'a', namespace: 'b', generateName: '-' })).toHaveLength(1);
  expect(check({ name: 'a', namespace: 'b', generateName: `${'a'.repeat(253)}-` })).toEqual([]);
  expect(check({})).toEqual([
    'metadata.name: Required value: name or generateName is required',
    'metadata.namespace: Required value',
  ]);
  expect(check({ name: 'a', namespace: 'b' }, false)).toEqual([
    'metadata.namespace: Forbidden: not allowed on this type',
  ]);
  expect(check({ name: 'a', namespace: 'b', finalizers: ['x'] })[0]).toBe(
    'metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
  );
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '1', controller: true };
  expect(check({ name: 'a', namespace: 'b', ownerReferences: [owner] })).toEqual([]);
  expect(check({ name: 'a', namespace: 'b', ownerReferences: [owner, { ...owner, name: 'q' }] })[0]).toContain(
    'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q',
  );
  const event = { controller: false, uid: 'u', name: 'e', kind: 'Event', apiVersion: 'v1' };
  expect(check({ name: 'a', namespace: 'b', ownerReferences: [event] })).toEqual([
    'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"e","uid":"u","controller":false}: /v1, Kind=Event is disallowed from being an owner',
  ]);
  expect(check({ name: 'a', namespace: 'b', ownerReferences: [{ ...owner, uid: '' }] })).toEqual([
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
  ]);
  expect(check({ name: 'a', namespace: 'b', annotations: { a: 'x'.repeat(256 * 1024) } })).toEqual([
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ]);
});

test('metadata of a changed object', () => {
  const old: ObjectMeta = { name: 'a', namespace: 'b', uid: 'u', creationTimestamp: 't' };
  const check = (meta: ObjectMeta, before = old): string[] => messages(validateObjectMetaUpdate(meta, before));
  expect(check({ ...old })).toEqual([]);
  expect(check({ name: 'a' })).toEqual([]);
  expect(check({ ...old, uid: 'v' })).toEqual(['metadata.uid: Invalid value: "v": field is immutable']);
  const going = { ...old, deletionTimestamp: 't', finalizers: ['e.com/a'] };
  expect(check({ ...going, finalizers: ['e.com/a', 'e.com/b'] }, going)).toEqual([
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"e.com/b"}',
  ]);
});

test('addresses and blocks', () => {
  const one = (errors: ReturnType<typeof validateLegacyIP>): string => errors.map(({ detail }) => detail).join('|');
  expect(one(validateLegacyIP('f', '10.0.0.010'))).toBe('must not have leading 0s');
  expect(one(validateLegacyIP('f', '10.0.0.010', ['10.0.0.010']))).toBe('');
  expect(one(validateLegacyIP('f', '::ffff:1.2.3.4'))).toBe('must not be an IPv4-mapped IPv6 address');
  expect(one(validateLegacyIP('f', 'FD00::1'))).toBe('');
  expect(one(validateLegacyCIDR('f', '10.0.0.1/8'))).toBe('must not have bits set beyond the prefix length');
  expect(one(validateLegacyCIDR('f', '10.0.0.0/08'))).toBe('must not have leading 0s in IP or prefix length');
  expect(one(validateCIDR('f', 'FD00::/8'))).toBe('must be in canonical form ("fd00::/8")');
  expect(one(validateEndpointIP('f', '169.254.1.1'))).toContain('link-local range');
  expect(one(validateEndpointIP('f', '0.0.0.0'))).toBe('may not be unspecified (0.0.0.0)');
  expect(warningsForIP('f', 'FD00::1')).toEqual([
    'f: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
  ]);
});
