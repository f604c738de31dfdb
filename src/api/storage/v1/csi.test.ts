import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

test.each<[string, Body, string[]]>([
  ['csidrivers', { metadata: { name: `${'a'.repeat(64)}.example.com` }, spec: {} }, []],
  [
    'csidrivers',
    { spec: { fsGroupPolicy: '', tokenRequests: [{ audience: 'a' }, { audience: 'a', expirationSeconds: 1 }] } },
    [
      'spec.fsGroupPolicy: Unsupported value: "": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
    ],
  ],
  [
    'csinodes',
    { spec: { drivers: [{ name: 'a', nodeID: 'n'.repeat(257), topologyKeys: ['k', 'k'] }] } },
    [
      `spec.drivers[0].nodeID: Invalid value: "${'n'.repeat(257)}": must be 256 characters or less`,
      'spec.drivers[0]: Duplicate value: "k"',
    ],
  ],
  ['csistoragecapacities', { storageClassName: 'fast', maximumVolumeSize: '-1' }, []],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

const volume = { attacher: 'disks.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } };
const topologies = (...terms: readonly (readonly [string, string[]][])[]) => ({
  provisioner: 'example.com/disks',
  reclaimPolicy: '',
  allowedTopologies: terms.map((term) => ({ matchLabelExpressions: term.map(([key, values]) => ({ key, values })) })),
});

test.each<[string, Body, string[]]>([
  ['storageclasses', topologies([['zone', ['a', 'b']]], [['zone', ['a', 'c']]]), []],
  [
    'storageclasses',
    topologies(
      [
        ['zone', ['a', 'b']],
        ['host', ['n']],
      ],
      [
        ['host', ['n']],
        ['zone', ['b', 'a']],
      ],
      [],
    ),
    [1, 2].map((i) => `allowedTopologies[${i}].matchLabelExpressions: Duplicate value: ""`),
  ],
  [
    'storageclasses',
    { ...topologies(), volumeBindingMode: '' },
    ['volumeBindingMode: Unsupported value: "": supported values: "Immediate", "WaitForFirstConsumer"'],
  ],
  [
    'csidrivers',
    { spec: { serviceAccountTokenInSecrets: false } },
    [
      'spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set but no tokenRequests are specified',
    ],
  ],
])('what is refused of %s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

test.each<[string, Body, Body, string[]]>([
  [
    'csistoragecapacities',
    { storageClassName: 'fast', capacity: '1' },
    { capacity: '-1' },
    ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
  ],
  [
    'csinodes',
    { spec: { drivers: [{ name: 'a', nodeID: 'n', allocatable: { count: 1 } }] } },
    { spec: { drivers: [{ name: 'a', nodeID: 'm', allocatable: { count: 2 } }] } },
    [
      'spec.drivers: Invalid value: {"Name":"a","NodeID":"m","TopologyKeys":null,"Allocatable":null}: field is immutable',
    ],
  ],
  ['csinodes', { spec: { drivers: [{ name: 'a', nodeID: 'n' }] } }, { spec: { drivers: [] } }, []],
])('changes of %s', (resource, body, change, messages) =>
  expect(judgeOf(resource).update(body, change)).toEqual(messages),
);

test('names of old attachments are let be; what went wrong with one has its limits', () => {
  const judge = judgeOf('volumeattachments');
  const odd = { spec: { ...volume, attacher: 'not/a/name' } };
  expect(judge.create(odd)).toHaveLength(1);
  expect(judge.update(odd, { metadata: { labels: { a: 'b' } } })).toEqual([]);
  const attachError = { message: 'm'.repeat(1025), errorCode: -1 };
  expect(judge.updateStatus({ spec: volume }, {}, { attached: false, attachError })).toEqual([
    'status.attachError.message: Too long: may not be more than 262144 bytes',
    'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
  ]);
});

test('labels of nodes that have other names now are told of where capacity is', () => {
  const key = 'failure-domain.beta.kubernetes.io/zone';
  const nodeTopology = { matchLabels: { [key]: 'a' }, matchExpressions: [{ key, operator: 'Exists' }] };
  const why = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead';
  expect(judgeOf('csistoragecapacities').warnings({ storageClassName: 's', nodeTopology })).toEqual([
    `nodeTopology.matchExpressions[0].key: ${key} is ${why}`,
    `nodeTopology.matchLabels.${key}: ${why}`,
  ]);
});
