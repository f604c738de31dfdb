// What kinds of the core group other than Pod and Service refuse, in kube-apiserver's words and order.
import { expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../testing/refusals.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const container = { type: 'Container' };
const avoidPods = 'scheduler.alpha.kubernetes.io/preferAvoidPods';
const port = { name: 'p', port: 80, protocol: 'TCP' };

test('an event of core/v1 has the name that its writer likes, as long as it can stand in a path', () => {
  const about = { involvedObject: { namespace: 'default' } };
  const named = (name: string) => judgeOf('events').create({ metadata: { name, namespace: 'default' }, ...about });
  expect(named('A_b')).toEqual([]);
  expect(named('a%b')).toEqual([`metadata.name: Invalid value: "a%b": may not contain '%'`]);
});

test.each<[string, Body, string[]]>([
  [
    'nodes',
    { spec: { taints: ['1', '2'].map((value) => ({ key: 'd', value, effect: 'NoSchedule' })) } },
    [
      'metadata.taints[1]: Duplicate value: {"Key":"d","Value":"2","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    ],
  ],
  [
    'nodes',
    { spec: { podCIDRs: ['10.0.0.0/16', '10.0.0.0/16'] } },
    [
      'spec.podCIDRs: Invalid value: ["10.0.0.0/16","10.0.0.0/16"]: may specify no more than one CIDR for each IP family',
      'spec.podCIDRs[1]: Duplicate value: "10.0.0.0/16"',
    ],
  ],
  [
    'nodes',
    { metadata: { annotations: { [avoidPods]: '{"preferAvoidPods":[{"reason":"r"}]}' } }, spec: {} },
    [`metadata.annotations.${avoidPods}[0].PodSignature: Required value`],
  ],
  [
    'nodes',
    { spec: {}, status: { nodeInfo: { swap: { capacity: 0 } }, declaredFeatures: ['B', 'A/b', 'A/b', '-'] } },
    [
      'metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero',
      'status.declaredFeatures[1]: Invalid value: "A/b": list must be sorted alphabetically',
      'status.declaredFeatures[2]: Duplicate value: "A/b"',
      'status.declaredFeatures[3]: Invalid value: "-": list must be sorted alphabetically',
      `status.declaredFeatures[3]: Invalid value: "-": invalid feature name "-": must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes`,
    ],
  ],
  [
    'endpoints',
    { subsets: [{ addresses: [{ ip: 'x', nodeName: 'n' }], ports: [port] }] },
    [
      'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
    ],
  ],
  [
    'limitranges',
    { spec: { limits: [{ ...container, maxLimitRequestRatio: { cpu: '800m' } }] } },
    ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "800m": ratio 800m is less than 1'],
  ],
  [
    'resourcequotas',
    {
      spec: {
        scopeSelector: {
          matchExpressions: ['BestEffort', 'NotBestEffort'].map((scopeName) => ({ scopeName, operator: 'Exists' })),
        },
      },
    },
    ['spec.scopeSelector.matchExpressions: Invalid value: null: conflicting scopes'],
  ],
  [
    'resourcequotas',
    { spec: { scopeSelector: { matchExpressions: [{ scopeName: 'BestEffort', operator: 'In', values: ['a'] }] } } },
    [
      'spec.scopeSelector.matchExpressions.operator: Invalid value: "In": must be \'Exists\' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity',
    ],
  ],
  [
    'secrets',
    { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': base64('{"a":}') } },
    [
      `data[.dockercfg]: Invalid value: "<secret contents redacted>": invalid character '}' looking for beginning of value`,
    ],
  ],
  ['secrets', { data: { a: Buffer.alloc(1024 * 1024).toString('base64') } }, []],
  [
    'events',
    {
      involvedObject: { namespace: 'demo' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingInstance: 'i',
      action: 'a',
      reason: 'r',
    },
    [
      'reportingComponent: Required value',
      'reportingComponent: Invalid value: "": name part must be non-empty',
      `reportingComponent: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
  ],
])('%s %#', (resource, body, errors) => expect(judgeOf(resource).create(body)).toEqual(errors));

const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

test.each<[Body, Body]>([
  [{ dataSource: { kind: 'Disk', name: 'd' } }, {}],
  [{ dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'd', namespace: 'other' } }, {}],
  [
    { dataSource: { kind: 'PersistentVolumeClaim', name: 'd' } },
    {
      dataSource: { kind: 'PersistentVolumeClaim', name: 'd' },
      dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'd' },
    },
  ],
  [
    { dataSourceRef: { apiGroup: 'x.io', kind: 'Disk', name: 'd' } },
    {
      dataSource: { apiGroup: 'x.io', kind: 'Disk', name: 'd' },
      dataSourceRef: { apiGroup: 'x.io', kind: 'Disk', name: 'd' },
    },
  ],
])('a claim filled from %j', (sources, kept) => {
  expect(prepared('persistentvolumeclaims', { spec: { ...claim, ...sources } }).spec).toEqual({
    ...claim,
    volumeMode: 'Filesystem',
    ...kept,
  });
});

test('what changes of volumes and claims are refused', () => {
  const affinityOf = (key: string) => ({
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: ['a'] }] }] },
  });
  const volume = (key: string, more: Body = {}): Body => ({
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: '/a' },
      nodeAffinity: affinityOf(key),
      ...more,
    },
  });
  const [old, renamed] = ['beta.kubernetes.io/os', 'kubernetes.io/os'];
  const volumes = judgeOf('persistentvolumes');
  expect(volumes.create(volume(renamed, { flexVolume: { driver: '' } }))).toEqual([
    'spec.flexVolume.driver: Required value',
  ]);
  expect(volumes.update(volume(old), { spec: { nodeAffinity: affinityOf(renamed) } })).toEqual([]);
  expect(volumes.update(volume(renamed), { spec: { nodeAffinity: affinityOf(old) } })).toHaveLength(1);
  expect(
    judgeOf('persistentvolumeclaims').updateStatus({ spec: claim }, {}, { allocatedResources: { storage: '-1Gi' } }),
  ).toEqual(['status.allocatedResources[storage]: Invalid value: -1073741824: must be a valid resource quantity']);
});

test('nodes are judged twice when they change, and lose what no kubelet reads', () => {
  const nodes = judgeOf('nodes');
  const wrong = 'metadata.taints[0].effect: Required value';
  expect(nodes.update({ spec: {} }, { spec: { taints: [{ key: 'a' }] } })).toEqual([wrong, wrong]);
  expect(nodes.update({ spec: { externalID: 'a' } }, { spec: { externalID: 'b' } })).toEqual([
    'spec.externalID: Forbidden: may not be updated',
  ]);
  expect(prepared('nodes', { spec: { configSource: { configMap: {} } } }).spec).toEqual({});
});

test('a ServiceAccount keeps the names of its Secrets, and is warned of what goes', () => {
  const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
  const body = { metadata: { name: 'a', annotations }, secrets: [{ name: 'a', kind: 'Secret', uid: 'u' }, {}] };
  expect(prepared('serviceaccounts', body).secrets).toEqual([{ name: 'a' }, {}]);
  expect(judgeOf('serviceaccounts').warnings(body)).toEqual([
    'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
  ]);
  expect(judgeOf('serviceaccounts').warnings({ metadata: { name: 'a' } })).toEqual([]);
});
