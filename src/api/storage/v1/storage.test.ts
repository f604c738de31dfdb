import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const claim = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
const volume = {
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } },
};
const storageClass = { provisioner: 'example.com/disks' };
const driver = { metadata: { name: 'disks.example.com' }, spec: {} };
const attachment = {
  spec: { attacher: 'disks.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } },
};

test.each<[string, Body, string[]]>([
  ['persistentvolumeclaims', claim, []],
  [
    'persistentvolumeclaims',
    { spec: { accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'], resources: { requests: { storage: '0' } } } },
    [
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
    ],
  ],
  [
    'persistentvolumeclaims',
    { spec: { ...claim.spec, dataSourceRef: { kind: 'Disk', name: 'd' } } },
    [
      `spec.dataSource: Invalid value: "Disk": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
      `spec.dataSourceRef: Invalid value: "Disk": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
    ],
  ],
  ['persistentvolumes', volume, []],
  [
    'persistentvolumes',
    { spec: { persistentVolumeReclaimPolicy: 'Burn', accessModes: ['X'], local: { path: '/a' } } },
    [
      'spec.accessModes: Unsupported value: "X": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      'spec.capacity: Required value',
      'spec.capacity: Unsupported value: null: supported values: "storage"',
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Recycle", "Retain"',
      'spec.nodeAffinity: Required value: Local volume requires node affinity',
    ],
  ],
  [
    'persistentvolumes',
    { spec: { ...volume.spec, hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' } },
    ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
  ],
  ['storageclasses', storageClass, []],
  [
    'storageclasses',
    { volumeBindingMode: 'Never', reclaimPolicy: 'Recycle' },
    [
      'provisioner: Required value',
      'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Never": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
  ],
  [
    'volumeattributesclasses',
    { driverName: 'd', parameters: {} },
    ['parameters: Required value: must contain at least one key/value pair'],
  ],
  ['csidrivers', driver, []],
  [
    'csidrivers',
    { ...driver, spec: { volumeLifecycleModes: ['Eternal'], tokenRequests: [{ audience: '', expirationSeconds: 1 }] } },
    [
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
      'spec.volumeLifecycleModes: Unsupported value: "Eternal": supported values: "Persistent", "Ephemeral"',
    ],
  ],
  [
    'csinodes',
    {
      spec: {
        drivers: [
          { name: 'a', nodeID: '' },
          { name: 'a', nodeID: 'n', allocatable: { count: -1 } },
        ],
      },
    },
    [
      'spec.drivers[0].nodeID: Required value',
      'spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
      'spec.drivers[1].name: Duplicate value: "a"',
    ],
  ],
  [
    'csistoragecapacities',
    { storageClassName: 'fast', capacity: '-1' },
    ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
  ],
  ['volumeattachments', attachment, []],
  [
    'volumeattachments',
    { spec: { ...attachment.spec, source: {} } },
    ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
  ],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

const immutable =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

test.each<[string, Body, Body, string[]]>([
  ['persistentvolumeclaims', claim, { spec: { volumeName: 'v' } }, []],
  [
    'persistentvolumeclaims',
    claim,
    { spec: { accessModes: ['ReadOnlyMany'] } },
    [
      `spec: Forbidden: ${immutable}\n@@ -1,6 +1,6 @@\n {\n  "AccessModes": [\n-  "ReadWriteOnce"\n+  "ReadOnlyMany"\n  ],\n  "Selector": null,\n  "Resources": {\n`,
    ],
  ],
  ['persistentvolumes', volume, { spec: { persistentVolumeReclaimPolicy: 'Delete' } }, []],
  [
    'persistentvolumes',
    volume,
    { spec: { hostPath: { path: '/other' } } },
    [
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n@@ -2,7 +2,7 @@\n  "GCEPersistentDisk": null,\n  "AWSElasticBlockStore": null,\n  "HostPath": {\n-  "Path": "/data",\n+  "Path": "/other",\n   "Type": ""\n  },\n  "Glusterfs": null,\n',
    ],
  ],
  [
    'storageclasses',
    storageClass,
    { parameters: { a: 'b' }, reclaimPolicy: 'Retain' },
    [
      'parameters: Forbidden: updates to parameters are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
    ],
  ],
  [
    'csidrivers',
    driver,
    { spec: { attachRequired: false, podInfoOnMount: true } },
    ['spec.attachedRequired: Invalid value: false: field is immutable'],
  ],
])('%s changes', (resource, body, change, messages) => {
  expect(judgeOf(resource).update(body, change)).toEqual(messages);
});

test('sources that no longer work', () => {
  expect(judgeOf('persistentvolumes').warnings({ spec: { ...volume.spec, hostPath: undefined, rbd: {} } })).toEqual([
    'spec.rbd: deprecated in v1.28, non-functional in v1.31+',
  ]);
});
