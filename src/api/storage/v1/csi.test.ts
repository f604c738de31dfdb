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
  [
    'priorityclasses',
    { value: 1, preemptionPolicy: 'Maybe' },
    ['preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"'],
  ],
  ['priorityclasses', { value: 1, preemptionPolicy: '' }, ['preemptionPolicy: Required value']],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));
