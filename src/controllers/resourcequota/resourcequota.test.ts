import { afterEach, expect, test } from 'vitest';
import type { Pod, PodSpec, ResourceQuota, Service } from '../../api/core/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import { internalError } from '../../apimachinery/status.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { configMaps, deployments, pods, resourceQuotas, services } from '../../client/resources.ts';
import type { ResourceClient } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { type Harness, makeDeployment, makePod, makeService, startControllers } from '../harness/start.ts';
import { quotaStatus } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const quotaOf = (hard: Record<string, string>, spec: object = {}): ResourceQuota => ({
  metadata: { name: 'q', namespace: 'default' },
  spec: { hard, ...spec },
});
const asks = (cpu: string, limit: string): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'i', resources: { requests: { cpu }, limits: { cpu: limit } } }],
});
const counted = (quota: ResourceQuota, objects: Record<string, readonly unknown[]>) =>
  quotaStatus({ quota, objects: new Map(Object.entries(objects as Record<string, KubeObject[]>)), now })?.used;

test('pods cost what they ask for, until they have ended', () => {
  const ended: Pod = { ...makePod('c', {}, asks('4', '4')), status: { phase: 'Succeeded' } };
  const all = [makePod('a', {}, asks('500m', '1')), makePod('b', {}, asks('1', '1')), ended];
  const quota = quotaOf({
    pods: '9',
    'count/pods': '9',
    'requests.cpu': '9',
    'limits.cpu': '9',
    'limits.memory': '1Gi',
  });
  expect(counted(quota, { pods: all })).toEqual({
    pods: '2',
    'count/pods': '3',
    'requests.cpu': '1500m',
    'limits.cpu': '2',
    'limits.memory': '0',
  });
});

test.each([
  ['BestEffort', '1'],
  ['NotBestEffort', '2'],
  ['Terminating', '1'],
  ['NotTerminating', '2'],
])('scope %s', (scope, expected) => {
  const brief = makePod('b', {}, { ...asks('1', '1'), activeDeadlineSeconds: 5 });
  const all = [makePod('a', {}), brief, makePod('c', {}, asks('1', '1'))];
  expect(counted(quotaOf({ pods: '9' }, { scopes: [scope] }), { pods: all })).toEqual({ pods: expected });
});

test('a scope selector by priority class; extended resources; storage by class', () => {
  const matchExpressions = [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }];
  const high = makePod('a', {}, { priorityClassName: 'high' });
  const quota = quotaOf({ pods: '9' }, { scopeSelector: { matchExpressions } });
  expect(counted(quota, { pods: [high, makePod('b', {})] })).toEqual({ pods: '1' });

  const resources = { requests: { 'example.com/gpu': '2' }, limits: { 'example.com/gpu': '2' } };
  const gpu = makePod('g', {}, { containers: [{ name: 'c', image: 'i', resources }] });
  expect(counted(quotaOf({ 'requests.example.com/gpu': '4' }), { pods: [gpu] })).toEqual({
    'requests.example.com/gpu': '2',
  });

  const claim = (storageClassName: string, storage: string) => ({
    metadata: { name: 'c' },
    spec: { storageClassName, resources: { requests: { storage } } },
  });
  const gold = 'gold.storageclass.storage.k8s.io/requests.storage';
  expect(
    counted(quotaOf({ 'requests.storage': '9Gi', [gold]: '9Gi', persistentvolumeclaims: '9' }), {
      persistentvolumeclaims: [claim('gold', '1Gi'), claim('iron', '512Mi')],
    }),
  ).toEqual({ 'requests.storage': '1536Mi', [gold]: '1Gi', persistentvolumeclaims: '2' });
});

let harness: Harness | undefined;
afterEach(() => harness?.stop());

test('counts what is there, and again when something goes, ends or is not served yet', async () => {
  harness = startControllers({ names: ['resourcequota-controller'] });
  const { api } = harness;
  const make = <T extends KubeObject>(resource: GroupVersionResource, object: T) =>
    api.resource<T>(resource).create(object);
  const client = api.resource<ResourceQuota>(resourceQuotas);
  const used = async () => (await client.get('q', 'default')).status?.used;
  await make<Pod>(pods, makePod('a', {}));
  await make<Service>(services, makeService('s', { type: 'LoadBalancer' }));
  await make(configMaps, { metadata: { name: 'c', namespace: 'default' } });
  await make(deployments, makeDeployment('d'));
  const hard = {
    pods: '5',
    'services.loadbalancers': '5',
    'services.nodeports': '5',
    configmaps: '5',
    'count/deployments.apps': '5',
    'count/widgets.example.com': '5',
  };
  await client.create(quotaOf(hard));
  await harness.settle();
  const all = { pods: '1', 'services.loadbalancers': '1', 'services.nodeports': '1', configmaps: '1' };
  expect(await used()).toEqual({ ...all, 'count/deployments.apps': '1' });
  expect((await client.get('q', 'default')).status?.hard).toEqual(hard);

  await harness.setPod('a', { phase: 'Failed' });
  await api.resource(configMaps).delete('c', 'default');
  await api.resource(deployments).delete('d', 'default');
  await harness.settle();
  expect(await used()).toEqual({ ...all, pods: '0', configmaps: '0', 'count/deployments.apps': '0' });
  expect(harness.errors).toEqual([]);
});

test.each(['a namespace', 'the cluster'])(
  'a kind whose objects in %s cannot be listed keeps no other from being counted',
  async (where) => {
    const clock = new FakeClock();
    class Broken extends FakeApi {
      override resource<T extends KubeObject>(resource: GroupVersionResource): ResourceClient<T> {
        const whole = super.resource<T>(resource);
        if (resource.resource !== 'configmaps') return whole;
        const list: typeof whole.list = async (options) => {
          if (where === 'a namespace' || !options?.namespace) throw internalError('conversion webhook failed');
          return whole.list(options);
        };
        return new Proxy(whole, { get: (all, name) => (name === 'list' ? list : Reflect.get(all, name).bind(all)) });
      }
    }
    const api = new Broken({ clock, random: new FakeRandom() });
    harness = startControllers({ names: ['resourcequota-controller'], api, clock });
    const client = api.resource<ResourceQuota>(resourceQuotas);
    const used = async () => (await client.get('q', 'default')).status?.used;
    await api.resource(configMaps).create({ metadata: { name: 'c', namespace: 'default' } });
    await api.resource<Pod>(pods).create(makePod('a', {}));
    await client.create(quotaOf({ configmaps: '5', pods: '5' }));
    await harness.settle();
    clock.advance(10_000);
    await harness.settle();
    expect(await used()).toEqual({ pods: '1', ...(where === 'the cluster' && { configmaps: '1' }) });
    await api.resource<Pod>(pods).delete('a', 'default');
    await harness.retry();
    expect(await used()).toMatchObject({ pods: '0' });
  },
);

test('counts again when a pod comes under other quotas', async () => {
  harness = startControllers({ names: ['resourcequota-controller'] });
  const { api } = harness;
  const client = api.resource<ResourceQuota>(resourceQuotas);
  const all = api.resource<Pod>(pods);
  await all.create(makePod('a', {}));
  await client.create(quotaOf({ pods: '5' }, { scopes: ['NotTerminating'] }));
  await harness.settle();
  const used = async () => (await client.get('q', 'default')).status?.used;
  expect(await used()).toEqual({ pods: '1' });
  await all.patch({ name: 'a', namespace: 'default', type: 'merge', body: { spec: { activeDeadlineSeconds: 60 } } });
  await harness.settle();
  expect(await used()).toEqual({ pods: '0' });
});
