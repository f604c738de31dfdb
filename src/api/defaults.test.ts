import { expect, test } from 'vitest';
import { type Body, prepared } from '../testing/refusals.ts';
import { builtinResources } from './registry.ts';

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x:1' }] } };
const selector = { matchLabels: { a: 'b' } };
const set = (more: Body): Body => ({ spec: { selector, template, ...more } });

/** What is said, and what of it stands there then. */
test.each<[string, Body, Body]>([
  [
    'jobs',
    { spec: { template } },
    {
      spec: {
        manualSelector: false,
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        podReplacementPolicy: 'TerminatingOrFailed',
      },
    },
  ],
  ['jobs', { spec: { template, backoffLimitPerIndex: 1 } }, { spec: { backoffLimit: 2_147_483_647 } }],
  ['jobs', { spec: { template, podFailurePolicy: { rules: [] } } }, { spec: { podReplacementPolicy: 'Failed' } }],
  [
    'daemonsets',
    set({}),
    { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } } },
  ],
  [
    'deployments',
    set({ strategy: { type: 'RollingUpdate' } }),
    { spec: { strategy: { rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }, progressDeadlineSeconds: 600 } },
  ],
  [
    'replicationcontrollers',
    { spec: { selector: {}, template } },
    { metadata: { labels: { a: 'b' } }, spec: { replicas: 1, selector: { a: 'b' } } },
  ],
  [
    'persistentvolumes',
    { spec: { capacity: {}, hostPath: { path: '/x' } } },
    { spec: { hostPath: { type: '' }, volumeMode: 'Filesystem', persistentVolumeReclaimPolicy: 'Retain' } },
  ],
  ['persistentvolumes', { spec: { iscsi: {} } }, { spec: { iscsi: { iscsiInterface: 'default' } } }],
  [
    'persistentvolumes',
    { spec: { azureDisk: {} } },
    { spec: { azureDisk: { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false } } },
  ],
  [
    'limitranges',
    { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1', memory: '1Gi' } }] } },
    { spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Gi' } }] } },
  ],
  ['networkpolicies', { spec: { egress: [{}] } }, { spec: { policyTypes: ['Ingress', 'Egress'] } }],
  ['ingressclasses', { spec: { parameters: {} } }, { spec: { parameters: { scope: 'Cluster' } } }],
  ['storageclasses', {}, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }],
  [
    'csidrivers',
    { spec: {} },
    {
      spec: {
        attachRequired: true,
        podInfoOnMount: false,
        storageCapacity: false,
        fsGroupPolicy: 'ReadWriteOnceWithFSType',
        volumeLifecycleModes: ['Persistent'],
        requiresRepublish: false,
        seLinuxMount: false,
      },
    },
  ],
  [
    'prioritylevelconfigurations',
    { spec: { type: 'Limited', limited: { limitResponse: { queuing: {} } } } },
    {
      spec: {
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
        },
      },
    },
  ],
  [
    'prioritylevelconfigurations',
    { spec: { type: 'Exempt', exempt: {} } },
    { spec: { exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } } },
  ],
  [
    'rolebindings',
    { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User' }, { kind: 'ServiceAccount' }] },
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }, { kind: 'ServiceAccount' }],
    },
  ],
])('%s: %j', (resource, body, expected) => expect(prepared(resource, body)).toMatchObject(expected));

test.each<[string, Body, string, Body | undefined]>([
  [
    'one who names the way to update',
    set({ updateStrategy: { type: 'RollingUpdate' } }),
    'updateStrategy',
    { type: 'RollingUpdate' },
  ],
  ['one who leaves it open', set({}), 'updateStrategy', { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }],
  [
    'one who gives a budget',
    set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } }),
    'updateStrategy',
    { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2, partition: 0 } },
  ],
])('StatefulSets: %s', (_, body, field, expected) => {
  expect((prepared('statefulsets', body).spec as Body)[field]).toEqual(expected);
});

test('what a Job gets, a template of Jobs does not', () => {
  const spec = { schedule: '* * * * *', jobTemplate: { spec: { template } } };
  const made = prepared('cronjobs', { spec }).spec as { jobTemplate: { spec: object } };
  expect(Object.keys(made.jobTemplate.spec)).toEqual(['template']);
});

test('a level that is exempt says no more than its author', () => {
  expect(prepared('prioritylevelconfigurations', { spec: { type: 'Exempt' } }).spec).toEqual({ type: 'Exempt' });
});

test.each([
  ['namespaces', 'Active'],
  ['persistentvolumes', 'Pending'],
  ['persistentvolumeclaims', 'Pending'],
])('a status of %s that says no phase is %s', (name, phase) => {
  const { strategy } = builtinResources().find(({ resource }) => resource === name)!;
  const written = (status: object) => {
    const object = { metadata: { name: 'x' }, spec: {}, ...status };
    strategy.default!(object);
    return object;
  };
  expect(written({ status: { phase: '' } })).toMatchObject({ status: { phase } });
  expect(written({})).toMatchObject({ status: { phase } });
  expect(written({ status: { phase: 'Bound' } })).toMatchObject({ status: { phase: 'Bound' } });
});
