import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const slice = (more: Body): Body => ({
  spec: {
    driver: 'gpu.example.com',
    pool: { name: 'n', generation: 1, resourceSliceCount: 1 },
    nodeName: 'n',
    ...more,
  },
});
const device = (more: Body): Body => slice({ devices: [{ name: 'a', ...more }] });
const at = 'spec.devices[0]';
const term = { matchExpressions: [{ key: 'k', operator: 'Exists' }] };
const reach = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
const deviceReach =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';

test.each<[string, Body, string[]]>([
  [
    'no pool',
    slice({ pool: { name: '', generation: -1, resourceSliceCount: 0 } }),
    [
      'spec.pool.name: Required value',
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
      'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
    ],
  ],
  [
    'no node, and not all',
    slice({ nodeName: '', allNodes: false }),
    [
      'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
      'spec.allNodes: Invalid value: false: must be either unset or set to true',
      `spec: Required value: ${reach}`,
    ],
  ],
  [
    'nodes of two terms',
    slice({ nodeName: undefined, nodeSelector: { nodeSelectorTerms: [term, term] } }),
    [
      'spec.nodeSelector.nodeSelectorTerms: Invalid value: [{"MatchExpressions":[{"Key":"k","Operator":"Exists","Values":null}],"MatchFields":null},{"MatchExpressions":[{"Key":"k","Operator":"Exists","Values":null}],"MatchFields":null}]: must have exactly one node selector term',
    ],
  ],
  [
    'counters and devices',
    slice({ sharedCounters: [{ name: 'c', counters: { memory: { value: '1' } } }], devices: [{ name: 'a' }] }),
    ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'],
  ],
  [
    'counters without amounts',
    slice({ sharedCounters: [{ name: '', counters: {} }] }),
    ['spec.sharedCounters[0].name: Required value', 'spec.sharedCounters[0].counters: Required value'],
  ],
  [
    'more devices with taints than there may be',
    slice({
      devices: Array.from({ length: 65 }, (_, i) => ({
        name: `d${i}`,
        ...(i === 0 && { taints: [{ key: 'k', effect: 'NoSchedule' }] }),
      })),
    }),
    ['spec.devices: Too many: 65: must have at most 64 items'],
  ],
  [
    'attributes',
    device({
      attributes: {
        a: {},
        b: { version: '1.2' },
        'example.com/c': { version: '1.2.3-rc.1+b' },
        d: { string: 'x'.repeat(65) },
      },
    }),
    [
      `${at}.attributes[a]: Invalid value: "": exactly one value must be specified`,
      `${at}.attributes[b].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0`,
      `${at}.attributes[d].string: Too long: may not be more than 64 bytes`,
    ],
  ],
  [
    'names of attributes',
    device({ attributes: { ['x'.repeat(100)]: { bool: true } } }),
    [`${at}.attributes[${'x'.repeat(47)}...${'x'.repeat(46)}]: Too long: may not be more than 32 bytes`],
  ],
  [
    'taints',
    device({ taints: [{ key: 'k' }, { key: 'k', value: 'v w', effect: 'Some' }] }),
    [
      `${at}.taints[0].effect: Required value`,
      `${at}.taints[1].value: Invalid value: "v w": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
      `${at}.taints[1].effect: Unsupported value: "Some": supported values: "NoExecute", "NoSchedule", "None"`,
    ],
  ],
  [
    'a node of its own where all have one',
    device({ nodeName: 'n' }),
    [
      `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
    ],
  ],
  [
    'nodes of devices',
    slice({
      nodeName: undefined,
      perDeviceNodeSelection: true,
      devices: [
        { name: 'a', nodeName: '' },
        { name: 'b', nodeName: 'n', allNodes: true },
        { name: 'c', allNodes: true },
      ],
    }),
    [
      `${at}.nodeName: Invalid value: "": must not be empty`,
      `${at}: Required value: ${deviceReach}`,
      `spec.devices[1]: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${deviceReach}`,
    ],
  ],
  [
    'an amount that cannot be asked for',
    device({ capacity: { memory: { value: '1Gi', requestPolicy: {} } } }),
    [`${at}.capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true`],
  ],
])('%s', (_, body, messages) => expect(judgeOf('resourceslices').create(body)).toEqual(messages));

const policyAt = `${at}.capacity[memory].requestPolicy`;

test.each<[Body, string[]]>([
  [{ default: '1Gi', validValues: ['1Gi', '2Gi'] }, []],
  [{ validValues: ['1Gi'] }, ['default: Required value: required when validValues is defined']],
  [
    { default: '3Gi', validValues: ['2Gi', '1Gi', '16Gi', '1Gi'] },
    [
      'validValues[1]: Invalid value: "1Gi": values must be sorted in ascending order',
      'validValues[3]: Invalid value: "1Gi": values must be sorted in ascending order',
      'validValues[2]: Invalid value: "16Gi": option is larger than capacity value: 8Gi',
      'validValues[3]: Duplicate value: "1073741824"',
      'validValues: Invalid value: "3Gi": default value is not valid according to the requestPolicy',
    ],
  ],
  [{ default: '2Gi', validRange: { min: '1Gi', max: '4Gi', step: '1Gi' } }, []],
  [
    { default: '5Gi', validRange: { min: '6Gi', max: '4Gi', step: '3Gi' } },
    [
      'validRange.min: Invalid value: "5Gi": default is less than min: 6Gi',
      'validRange.max: Invalid value: "6Gi": min is larger than max: 4Gi',
      'validRange.max: Invalid value: "5Gi": default is more than max: 4Gi',
      'validRange.step: Invalid value: "3Gi": one step 9Gi is larger than capacity value: 8Gi',
      'validRange.step: Invalid value: "5Gi": value is not a multiple of a given step (3Gi) from (6Gi)',
      'validRange.step: Invalid value: "4Gi": value is not a multiple of a given step (3Gi) from (6Gi)',
    ],
  ],
])('amounts of a shared device: %j', (requestPolicy, messages) => {
  const body = device({ allowMultipleAllocations: true, capacity: { memory: { value: '8Gi', requestPolicy } } });
  expect(judgeOf('resourceslices').create(body)).toEqual(messages.map((message) => `${policyAt}.${message}`));
});

test('a slice keeps its driver, its pool and its node', () => {
  const changed = { spec: { driver: 'other.example.com', nodeName: 'm', pool: { name: 'm' } } };
  expect(judgeOf('resourceslices').update(slice({}), changed)).toEqual([
    'spec.pool.name: Invalid value: "m": field is immutable',
    'spec.driver: Invalid value: "other.example.com": field is immutable',
    'spec.nodeName: Invalid value: "m": field is immutable',
  ]);
});
