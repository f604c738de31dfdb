import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const rule = {
  subjects: [{ kind: 'User', user: { name: 'u' } }],
  resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] }],
};
const schema = (more: Body) => ({ spec: { priorityLevelConfiguration: { name: 'p' }, rules: [{ ...rule, ...more }] } });
const level = (queuing: Body) => ({
  spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing } } },
});

test.each<[string, Body, string[]]>([
  ['flowschemas', schema({}), []],
  [
    'flowschemas',
    schema({ subjects: [{ kind: 'Group', user: { name: 'u' } }], resourceRules: [{ verbs: ['*', 'get'] }] }),
    [
      "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
      "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
      `spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
      'spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least one resource',
      'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
    ],
  ],
  [
    'flowschemas',
    schema({ resourceRules: [], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['healthz', '/a*b'] }] }),
    [
      `spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "healthz": must start with slash`,
      `spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "/a*b": wildcard can only do suffix matching`,
    ],
  ],
  [
    'flowschemas',
    schema({ resourceRules: [{ ...rule.resourceRules[0], namespaces: ['a.b'] }] }),
    [
      'spec.rules[0].resourceRules[0].namespaces[0]: Invalid value: "a.b": each member of this list must be \'*\' or a DNS-1123 label; must not contain dots',
    ],
  ],
  [
    'flowschemas',
    { spec: { ...schema({}).spec, distinguisherMethod: { type: 'ByHour' } } },
    ['spec.distinguisherMethod.type: Unsupported value: {"Type":"ByHour"}: supported values: "ByNamespace", "ByUser"'],
  ],
  [
    'prioritylevelconfigurations',
    { spec: { type: 'Exempt' } },
    ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"],
  ],
  ['prioritylevelconfigurations', level({}), []],
  [
    'prioritylevelconfigurations',
    level({ queues: 4, handSize: 5 }),
    ['spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)'],
  ],
  [
    'prioritylevelconfigurations',
    level({ queues: 1_000_000, handSize: 4 }),
    [
      'spec.limited.limitResponse.queuing.handSize: Invalid value: 4: required entropy bits of deckSize 1000000 and handSize 4 should not be greater than 60',
    ],
  ],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));
