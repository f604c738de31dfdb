import { expect, test } from 'vitest';
import type { NamedRuleWithOperations } from '../../api/admissionregistration/v1/types.generated.ts';
import type { AdmissionRequest } from './admission.ts';
import { matchesObject, ruleMatches } from './matching.ts';

const pods = { group: '', version: 'v1', resource: 'pods', namespaced: true };
const nodes = { group: '', version: 'v1', resource: 'nodes', namespaced: false };

function request(definition: object, more: object = {}): AdmissionRequest {
  return { operation: 'CREATE', definition, subresource: '', namespace: 'ns', name: 'a', ...more } as AdmissionRequest;
}

const rule = (more: NamedRuleWithOperations = {}): NamedRuleWithOperations => ({
  operations: ['*'],
  apiGroups: ['*'],
  apiVersions: ['*'],
  resources: ['*'],
  ...more,
});

test.each<[NamedRuleWithOperations, AdmissionRequest, boolean]>([
  [rule(), request(pods), true],
  [rule(), request(pods, { subresource: 'status' }), false],
  [rule({ resources: ['*/*'] }), request(pods, { subresource: 'status' }), true],
  [rule({ resources: ['*/*'] }), request(pods), true],
  [rule({ resources: ['pods'] }), request(pods, { subresource: 'exec' }), false],
  [rule({ resources: ['pods/*'] }), request(pods, { subresource: 'exec' }), true],
  [rule({ resources: ['pods/*'] }), request(pods), true],
  [rule({ resources: ['*/scale'] }), request(pods), false],
  [rule({ resources: ['*/scale'] }), request(pods, { subresource: 'scale' }), true],
  [rule({ resources: ['nodes', 'pods'] }), request(pods), true],
  [rule({ operations: ['UPDATE', 'DELETE'] }), request(pods), false],
  [rule({ operations: ['CONNECT'] }), request(pods, { operation: 'CONNECT' }), true],
  [rule({ apiGroups: ['apps'] }), request(pods), false],
  [rule({ apiGroups: [''] }), request(pods), true],
  [rule({ apiVersions: ['v2'] }), request(pods), false],
  [rule({ scope: 'Namespaced' }), request(pods), true],
  [rule({ scope: 'Namespaced' }), request(nodes), false],
  [rule({ scope: 'Cluster' }), request(nodes), true],
  [rule({ scope: 'Cluster' }), request(pods), false],
  [rule({ scope: '*' }), request(nodes), true],
  [rule({ resourceNames: ['a', 'b'] }), request(pods), true],
  [rule({ resourceNames: ['b'] }), request(pods), false],
  [{}, request(pods), false],
])('the rule %j', (given, asked, matches) => {
  expect(ruleMatches(given, asked)).toBe(matches);
});

test('an object is selected as it was or as it will be', () => {
  const selector = { matchLabels: { a: 'b' } };
  const labelled = { metadata: { name: 'x', labels: { a: 'b' } } };
  const plain = { metadata: { name: 'x' } };
  expect(matchesObject(selector, request(pods, { object: labelled }))).toBe(true);
  expect(matchesObject(selector, request(pods, { object: plain, old: labelled }))).toBe(true);
  expect(matchesObject(selector, request(pods, { object: plain }))).toBe(false);
  expect(matchesObject({}, request(pods, { object: plain }))).toBe(true);
  // What a CONNECT asks for has no metadata.
  expect(matchesObject(selector, request(pods, { object: { kind: 'PodExecOptions' } }))).toBe(false);
});
