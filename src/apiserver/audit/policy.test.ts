import { describe, expect, test } from 'vitest';
import { parseRequestInfo } from '../request-info.ts';
import { type AuditPolicy, checkPolicy, decide } from './policy.ts';

const user = { name: 'jane', groups: ['dev', 'system:authenticated'] };

function levelOf(rules: AuditPolicy['rules'], method: string, url: string) {
  const [path = '', query = ''] = url.split('?');
  return decide({ rules }, user, parseRequestInfo(method, path, new URLSearchParams(query))).level;
}

describe('the first rule that matches decides', () => {
  test.each([
    ['nothing matches', [{ level: 'Metadata', users: ['joe'] }], 'None'],
    ['a group of the user', [{ level: 'Request', userGroups: ['ops', 'dev'] }], 'Request'],
    ['another verb', [{ level: 'Request', verbs: ['create'] }], 'None'],
    ['a resource of the group', [{ level: 'Metadata', resources: [{ group: '' }] }], 'Metadata'],
    ['a resource of another group', [{ level: 'Metadata', resources: [{ group: 'apps' }] }], 'None'],
    ['the object, where its log is asked for', [{ level: 'Metadata', resources: [{ resources: ['pods'] }] }], 'None'],
    ['the subresource', [{ level: 'Metadata', resources: [{ resources: ['pods/log'] }] }], 'Metadata'],
    ['a subresource of anything', [{ level: 'Metadata', resources: [{ resources: ['*/log'] }] }], 'Metadata'],
    ['any subresource', [{ level: 'Metadata', resources: [{ resources: ['pods/*'] }] }], 'Metadata'],
    ['any resource', [{ level: 'Metadata', resources: [{ resources: ['*'] }] }], 'Metadata'],
    ['any group', [{ level: 'Metadata', resources: [{ group: '*', resources: ['pods/log'] }] }], 'Metadata'],
    ['another group', [{ level: 'Metadata', resources: [{ group: 'apps', resources: ['*'] }] }], 'None'],
    ['a name', [{ level: 'Metadata', resources: [{ resources: ['*'], resourceNames: ['b'] }] }], 'None'],
    ['a namespace', [{ level: 'Metadata', namespaces: ['n'] }], 'Metadata'],
    ['no namespace', [{ level: 'Metadata', namespaces: [''] }], 'None'],
    ['paths only', [{ level: 'Metadata', nonResourceURLs: ['*'] }], 'None'],
    ['None before all', [{ level: 'None', users: ['jane'] }, { level: 'Metadata' }], 'None'],
  ] as const)('%s', (_name, rules, expected) => {
    expect(levelOf(rules, 'GET', '/api/v1/namespaces/n/pods/a/log')).toBe(expected);
  });

  test('paths that are no resource', () => {
    const rules = [{ level: 'Metadata', nonResourceURLs: ['/healthz*', '/version'] }] as const;
    expect(levelOf(rules, 'GET', '/healthz/etcd')).toBe('Metadata');
    expect(levelOf(rules, 'GET', '/version')).toBe('Metadata');
    expect(levelOf(rules, 'GET', '/version/x')).toBe('None');
    expect(levelOf(rules, 'GET', '/api/v1/pods')).toBe('None');
  });
});

test('stages are left out by policy and rule together; the rule has the last word on managed fields', () => {
  const info = parseRequestInfo('GET', '/version', new URLSearchParams());
  const rules = [{ level: 'Metadata', omitStages: ['RequestReceived'], omitManagedFields: false }] as const;
  const decision = decide({ rules, omitStages: ['Panic'], omitManagedFields: true }, user, info);
  expect([...decision.omitStages].sort()).toEqual(['Panic', 'RequestReceived']);
  expect(decision.omitManagedFields).toBe(false);
});

test.each([
  [{ rules: [] }, 'expected apiVersion audit.k8s.io/v1 and kind Policy'],
  // Recorded from k8s.io/apiserver 1.36.4.
  [policyOf([]), 'loaded illegal policy with 0 rules'],
  [policyOf([{}]), 'rules[0].level: Required value'],
  [
    policyOf([{ level: 'All' }]),
    'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"',
  ],
  [
    policyOf([{ level: 'None', users: 'me' }]),
    'failed decoding: json: cannot unmarshal string into Go struct field PolicyRule.rules.users of type []string',
  ],
  [
    policyOf([{ level: 'None', omitStages: ['Done'] }]),
    'rules[0].omitStages[0]: Invalid value: "Done": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
  ],
  [
    policyOf([{ level: 'None', nonResourceURLs: ['/a*b', 'a'], namespaces: ['n'] }]),
    `[rules[0].nonResourceURLs[0]: Invalid value: "/a*b": non-resource URL wildcards '*' must be the final character of the rule, rules[0].nonResourceURLs[1]: Invalid value: "a": non-resource URL rules must begin with a '/' character, rules[0].nonResourceURLs: Invalid value: ["/a*b","a"]: rules cannot apply to both regular resources and non-resource URLs]`,
  ],
  [
    policyOf([{ level: 'None', resources: [{ resourceNames: ['a'] }] }]),
    'rules[0].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires at least one resource',
  ],
  [
    policyOf([{ level: 'None', resources: [{ group: 'apps/v1' }] }]),
    'rules[0].resources.group: Invalid value: "apps/v1": a lowercase RFC 1123 subdomain must consist of',
  ],
])('a policy that cannot be used is refused by its field: %j', (policy, message) => {
  expect(() => checkPolicy(policy)).toThrow(message);
});

function policyOf(rules: unknown): unknown {
  return { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules };
}

test('fields that are not known stand for nothing, as upstream has it', () => {
  expect(checkPolicy(policyOf([{ level: 'None', user: ['me'] }])).rules).toHaveLength(1);
});
