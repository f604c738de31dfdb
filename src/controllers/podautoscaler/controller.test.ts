// Autoscalers by metrics that adapters serve, against an API whose metrics and scales are given.
import { afterEach, expect, test } from 'vitest';
import type { HorizontalPodAutoscaler, MetricSpec } from '../../api/autoscaling/v2/types.generated.ts';
import type { Event } from '../../api/core/v1/types.generated.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { events, pods } from '../../client/resources.ts';
import type { RawRequest, RawResponse } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { type Harness, makePod, startControllers } from '../harness/start.ts';

const horizontalPodAutoscalers = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' };
const scalePath = '/apis/apps/v1/namespaces/default/deployments/web/scale';
const scale = { spec: { replicas: 2 }, status: { replicas: 2, selector: 'app=web' } };
const custom = '/apis/custom.metrics.k8s.io';
const external = '/apis/external.metrics.k8s.io/v1beta1/namespaces/default';

class MetricsApi extends FakeApi {
  readonly answers: Readonly<Record<string, unknown>>;
  readonly sizes: unknown[] = [];
  readonly asked: string[] = [];
  scale = scale;

  constructor(clock: FakeClock, answers: Readonly<Record<string, unknown>>) {
    super({ clock, random: new FakeRandom() });
    this.answers = answers;
  }

  override async raw(request: RawRequest): Promise<RawResponse> {
    const { method, path, body } = request;
    if (method === 'PUT') this.sizes.push((JSON.parse(body ?? '') as typeof scale).spec.replicas);
    const isOurs = path.startsWith(custom) || path.startsWith(external) || path === scalePath;
    if (!isOurs) return super.raw(request);
    if (path !== scalePath) this.asked.push(decodeURIComponent(path));
    const answer = path === scalePath ? this.scale : this.answers[decodeURIComponent(path)];
    const text = answer === undefined ? '404 page not found' : JSON.stringify(answer);
    return { status: answer === undefined ? 404 : 200, headers: {}, body: bytes(text) };
  }
}

async function* bytes(text: string) {
  yield new TextEncoder().encode(text);
}

let harness: Harness;
afterEach(() => harness.stop());

async function run(metric: MetricSpec, answers: Readonly<Record<string, unknown>>, selector = 'app=web') {
  const clock = new FakeClock();
  const api = new MetricsApi(clock, answers);
  api.scale = { ...scale, status: { ...scale.status, selector } };
  harness = startControllers({ names: ['horizontal-pod-autoscaler-controller'], api, clock });
  for (const name of ['a', 'b']) {
    await api.resource(pods).create(makePod(name, { app: 'web' }));
    await harness.setPod(name, { ready: true });
  }
  await harness.settle();
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const spec = { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics: [metric] };
  const metadata = { name: 'web', namespace: 'default' };
  await api.resource<HorizontalPodAutoscaler>(horizontalPodAutoscalers).create({ metadata, spec });
  await harness.settle();
  const { status } = await api.resource<HorizontalPodAutoscaler>(horizontalPodAutoscalers).get('web', 'default');
  return { api, status };
}

const group = { versions: [{ version: 'v1beta1' }, { version: 'v1beta2' }] };

test('by a metric of its pods, in the newest version that is served', async () => {
  const path = `${custom}/v1beta2/namespaces/default/pods/*/packets?labelSelector=app=web&metricLabelSelector=port=80`;
  const value = (name: string, amount: string) => ({ describedObject: { name }, value: amount });
  const metric = { name: 'packets', selector: { matchLabels: { port: '80' } } };
  const { api, status } = await run(
    { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '10' } } },
    { [custom]: group, [path]: { items: [value('a', '15'), value('b', '25500m')] } },
  );
  expect(api.asked).toEqual([custom, path]);
  expect(api.sizes).toEqual([4]);
  expect(status?.currentMetrics).toEqual([{ type: 'Pods', pods: { metric, current: { averageValue: '20250m' } } }]);
});

test.each([
  {
    target: { type: 'Value', value: '100' },
    name: 'Deployment metric hits',
    current: { value: '200' },
    replicas: 4,
  },
  {
    target: { type: 'AverageValue', averageValue: '40' },
    name: 'external metric hits(nil)',
    current: { averageValue: '100' },
    replicas: 4,
  },
])('by a metric of an object, with a target of type $target.type', async ({ target, name, current, replicas }) => {
  const describedObject = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'front' };
  const path = `${custom}/v1beta1/namespaces/default/deployments.apps/front/hits`;
  const { api, status } = await run(
    { type: 'Object', object: { metric: { name: 'hits' }, target, describedObject } },
    { [custom]: { versions: [{ version: 'v1beta1' }] }, [path]: { items: [{ value: '200' }] } },
  );
  expect(api.sizes).toEqual([replicas]);
  expect(status?.currentMetrics?.[0]?.object).toEqual({ metric: { name: 'hits' }, describedObject, current });
  expect(status?.conditions?.[1]?.message).toBe(
    `the HPA was able to successfully calculate a replica count from ${name}`,
  );
});

test('by a metric from outside, its values together', async () => {
  const selector = { matchLabels: { queue: 'work' } };
  const path = `${external}/queue?labelSelector=queue=work`;
  const metric = { name: 'queue', selector };
  const { api, status } = await run(
    { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '30' } } },
    { [path]: { items: [{ value: '50' }, { value: '60' }] } },
  );
  expect(api.sizes).toEqual([4]);
  expect(status?.currentMetrics).toEqual([{ type: 'External', external: { metric, current: { averageValue: '55' } } }]);
  expect(status?.conditions?.[1]?.message).toContain(
    'external metric queue(&LabelSelector{MatchLabels:map[string]string{queue: work,},MatchExpressions:[]LabelSelectorRequirement{},})',
  );
});

test.each<{ readonly metric: MetricSpec; readonly why: string }>([
  {
    metric: { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } },
    why: 'failed to get pods metric value: unable to get metric m: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered',
  },
  {
    metric: { type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } },
    why: 'failed to get external metric m: unable to get external metric default/m/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get m.external.metrics.k8s.io)',
  },
])('where no adapter serves metrics of type $metric.type it says so, and stays', async ({ metric, why }) => {
  const { api, status } = await run(metric, {});
  expect(api.sizes).toEqual([]);
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'ScalingActive',
      status: 'False',
      reason: `FailedGet${metric.type}Metric`,
      message: `the HPA was unable to compute the replica count: ${why}`,
    }),
  );
});

// What a custom resource has at its labelSelectorPath may be anything.
test.each([
  ['', 'SelectorRequired', 'selector is required', "the HPA target's scale is missing a selector"],
  [
    'app in (',
    'InvalidSelector',
    /^couldn't convert selector into a corresponding internal selector object: /,
    /^couldn't/,
  ],
])('a scale with the selector %o is told of', async (selector, reason, message, told) => {
  const target = { type: 'AverageValue', averageValue: '10' };
  const metric = { type: 'External', external: { metric: { name: 'hits' }, target } };
  const { api, status } = await run(metric, {}, selector);
  const conditions = status?.conditions?.map((one) => `${one.type} ${one.status} ${one.reason}`);
  expect(conditions).toEqual(['AbleToScale True SucceededGetScale', 'ScalingActive False InvalidSelector']);
  expect(status?.conditions?.[1]?.message).toEqual(typeof told === 'string' ? told : expect.stringMatching(told));
  const { items } = await api.resource<Event>(events).list();
  const text = typeof message === 'string' ? message : expect.stringMatching(message);
  expect(items.map((event) => [event.reason, event.message])).toEqual([
    [reason, text],
    ['FailedComputeMetricsReplicas', text],
  ]);
  expect(harness.errors).toEqual([]);
});
