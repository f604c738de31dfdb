import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from './mandatory.ts';

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
    ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"],
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
  // Fewer bits would do for hands without repetition; upstream's estimate goes by the whole deck for each card.
  [
    'prioritylevelconfigurations',
    level({ queues: 20, handSize: 15 }),
    [
      'spec.limited.limitResponse.queuing.handSize: Invalid value: 15: required entropy bits of deckSize 20 and handSize 15 should not be greater than 60',
    ],
  ],
  [
    'prioritylevelconfigurations',
    {
      metadata: {
        name: 'exempt',
        annotations: { 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares': '' },
      },
      spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: -1, lendablePercent: 101 } },
    },
    [
      "metadata.annotations: Forbidden: annotation 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares' is forbidden",
      'spec.exempt.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
      'spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    ],
  ],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

test('what holds the server up stays as it is, but for how much of it is lent', () => {
  const wholeText = 'must equal the fixed value';
  const level = judgeOf('prioritylevelconfigurations');
  const limited = { nominalConcurrencyShares: 42, limitResponse: { type: 'Reject' } };
  const exempt = { nominalConcurrencyShares: 10, lendablePercent: 10 };
  expect(level.create({ metadata: { name: 'exempt' }, spec: { type: 'Exempt', exempt } })).toEqual([]);
  expect(level.create({ metadata: { name: 'exempt' }, spec: { type: 'Exempt', limited } })).toEqual([
    'spec.limited: Forbidden: must be nil if the type is not Limited',
    expect.stringContaining(`spec of 'exempt' except the 'spec.exempt' field ${wholeText}`),
  ]);
  const catchAll = { metadata: { name: 'catch-all' } };
  expect(level.create({ ...catchAll, spec: mandatoryPriorityLevels.get('catch-all') })).toEqual([]);
  expect(level.create({ ...catchAll, spec: { type: 'Limited', limited } })).toEqual([
    expect.stringContaining(`spec of 'catch-all' ${wholeText}`),
  ]);
  const flow = judgeOf('flowschemas');
  const fixed = mandatoryFlowSchemas.get('catch-all');
  expect(flow.create({ ...catchAll, spec: fixed })).toEqual([]);
  expect(flow.create({ ...catchAll, spec: { ...fixed, matchingPrecedence: 9999 } })).toEqual([
    expect.stringContaining(`spec of 'catch-all' ${wholeText}`),
  ]);
});

test.each([
  ['flowschemas', schema({})],
  ['prioritylevelconfigurations', level({})],
])('conditions of %s are named, and each once', (resource, body) => {
  const told = judgeOf(resource).updateStatus(body, {}, { conditions: [{ type: '1' }, { type: '1' }, {}] });
  expect(told).toEqual([
    'status.conditions[1].type: Duplicate value: "1"',
    'status.conditions[2].type: Required value',
  ]);
});
