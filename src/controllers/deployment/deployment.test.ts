// Deployments, ReplicaSets and pods together, over an API in memory.
import { afterEach, expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import type { Event, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { deployments, events, pods, replicaSets } from '../../client/resources.ts';
import { type Harness, makeDeployment, startControllers } from '../harness/start.ts';

let harness: Harness;
afterEach(() => harness.stop());

async function start(spec: Partial<Deployment['spec']> = {}) {
  harness = startControllers({ names: ['deployment-controller', 'replicaset-controller'] });
  await harness.api.resource<Deployment>(deployments).create(makeDeployment('web', spec));
  await harness.settle();
}

const list = <T extends Pod | ReplicaSet | Event>(resource: typeof pods) =>
  harness.api
    .resource<T>(resource)
    .list({ namespace: 'default' })
    .then((l) => l.items);
const active = async () => (await list<Pod>(pods)).filter((p) => !p.metadata.deletionTimestamp);
const current = () => harness.api.resource<Deployment>(deployments).get('web', 'default');
const messages = async () =>
  (await list<Event>(events)).filter((e) => e.reason === 'ScalingReplicaSet').map((e) => e.message);

async function change(spec: Partial<Deployment['spec']>) {
  const deployment = jsonCopy(await current());
  Object.assign(deployment.spec, spec);
  await harness.api.resource<Deployment>(deployments).update(deployment);
  await harness.settle();
}

/** Makes every pod ready, round after round, until nothing changes; the most and least pods seen on the way. */
async function runPods(rounds = 20) {
  let most = 0;
  let fewestReady = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i += 1) {
    const present = await active();
    most = Math.max(most, present.length);
    const ready = present.filter((p) => p.status?.conditions?.some((c) => c.status === 'True'));
    fewestReady = Math.min(fewestReady, ready.length);
    const [next] = present.filter((p) => !ready.includes(p));
    if (!next) break;
    await harness.setPod(next.metadata.name, { ready: true, ip: '10.244.0.9' });
    await harness.settle();
  }
  return { most, fewestReady };
}

function template(image: string): Deployment['spec']['template'] {
  return { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } };
}

test('makes a ReplicaSet with its pods, and tells progress', async () => {
  await start();
  expect(harness.errors).toEqual([]);
  const [set] = await list<ReplicaSet>(replicaSets);
  const hash = set?.metadata.labels?.['pod-template-hash'];
  expect(set?.metadata.name).toBe(`web-${hash}`);
  expect(set?.metadata.annotations).toEqual({
    'deployment.kubernetes.io/revision': '1',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
  });
  expect((await active()).map((p) => p.metadata.labels)).toEqual(
    Array(3).fill({ app: 'web', 'pod-template-hash': hash }),
  );
  expect(await messages()).toEqual([`Scaled up replica set web-${hash} from 0 to 3`]);
  const deployment = await current();
  expect(deployment.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
  expect(deployment.status).toMatchObject({
    replicas: 3,
    updatedReplicas: 3,
    unavailableReplicas: 3,
    observedGeneration: 1,
  });
  expect(deployment.status?.conditions).toMatchObject([
    { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable' },
    {
      type: 'Progressing',
      status: 'True',
      reason: 'ReplicaSetUpdated',
      message: `ReplicaSet "web-${hash}" is progressing.`,
    },
  ]);
  await runPods();
  const done = await current();
  expect(done.status).toMatchObject({ readyReplicas: 3, availableReplicas: 3 });
  expect(done.status?.conditions).toMatchObject([
    { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
    { reason: 'NewReplicaSetAvailable', message: `ReplicaSet "web-${hash}" has successfully progressed.` },
  ]);
});

test('a rolling update never has more than the surge, nor fewer ready than allowed, and ends with the new one', async () => {
  await start({ replicas: 4, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } });
  await runPods();
  await change({ template: template('web:2') });
  const seen = await runPods(30);
  expect(seen.most).toBeLessThanOrEqual(5);
  expect(seen.fewestReady).toBeGreaterThanOrEqual(3);
  const sets = await list<ReplicaSet>(replicaSets);
  expect(sets.map((s) => [s.metadata.annotations?.['deployment.kubernetes.io/revision'], s.spec.replicas])).toEqual([
    ['1', 0],
    ['2', 4],
  ]);
  expect((await active()).every((p) => p.spec.containers[0]?.image === 'web:2')).toBe(true);
  expect((await current()).status).toMatchObject({ replicas: 4, updatedReplicas: 4, availableReplicas: 4 });
});

test('going back to an earlier template takes its ReplicaSet with a new revision', async () => {
  await start();
  await runPods();
  const first = (await current()).spec.template;
  await change({ template: template('web:2') });
  await runPods(30);
  await change({ template: first });
  await runPods(30);
  const sets = await list<ReplicaSet>(replicaSets);
  expect(sets.map((s) => [s.metadata.annotations?.['deployment.kubernetes.io/revision'], s.spec.replicas])).toEqual([
    ['3', 3],
    ['2', 0],
  ]);
  expect(sets[0]?.metadata.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1');
  expect((await current()).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
});

test('a ReplicaSet of somebody is adopted and replaced; its revision may be beyond what a number holds', async () => {
  harness = startControllers({ names: ['deployment-controller', 'replicaset-controller'] });
  const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
  await harness.api.resource<ReplicaSet>(replicaSets).create({
    metadata: { name: 'by-hand', namespace: 'default', labels: { app: 'web' }, annotations },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: template('web:1') },
  });
  await harness.settle();
  await harness.api.resource<Deployment>(deployments).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: template('web:2') },
  });
  await harness.settle();
  await runPods();
  expect((await current()).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3546343826724305833');
  const byHand = await harness.api.resource<ReplicaSet>(replicaSets).get('by-hand', 'default');
  expect(byHand.spec.replicas).toBe(0);
  expect(byHand.metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'web', controller: true }]);
});

test('Recreate ends all old pods before it makes new ones', async () => {
  await start({ strategy: { type: 'Recreate' } });
  await runPods();
  await change({ template: template('web:2') });
  expect((await active()).every((p) => p.spec.containers[0]?.image === 'web:2')).toBe(true);
  const set = (await list<ReplicaSet>(replicaSets))[0];
  const hash = (await list<ReplicaSet>(replicaSets))[1]?.metadata.name;
  expect(await messages()).toEqual([
    `Scaled up replica set ${set?.metadata.name} from 0 to 3`,
    `Scaled down replica set ${set?.metadata.name} from 3 to 0`,
    `Scaled up replica set ${hash} from 0 to 3`,
  ]);
});

test('scales, also while paused, and does not roll out then', async () => {
  await start();
  await runPods();
  await change({ replicas: 5 });
  expect(await active()).toHaveLength(5);
  await change({ paused: true, template: template('web:2') });
  expect(await list<ReplicaSet>(replicaSets)).toHaveLength(1);
  await change({ replicas: 1 });
  expect(await active()).toHaveLength(1);
  expect((await current()).status?.conditions?.find((c) => c.type === 'Progressing')).toMatchObject({
    status: 'Unknown',
    reason: 'DeploymentPaused',
    message: 'Deployment is paused',
  });
  await change({ paused: false });
  expect(await list<ReplicaSet>(replicaSets)).toHaveLength(2);
});

test('scaling in the middle of a rollout keeps proportions', async () => {
  await start({ replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } });
  await runPods(30);
  await change({ template: template('web:2') });
  const before = (await list<ReplicaSet>(replicaSets)).map((s) => s.spec.replicas);
  expect(before).toEqual([8, 5]);
  await change({ replicas: 15 });
  const after = (await list<ReplicaSet>(replicaSets)).map((s) => s.spec.replicas);
  expect(after).toEqual([11, 7]);
});

test('the progress deadline passes', async () => {
  await start({ progressDeadlineSeconds: 10 });
  harness.clock.advance(20_000);
  await harness.settle();
  const { name } = (await list<ReplicaSet>(replicaSets))[0]?.metadata ?? {};
  expect((await current()).status?.conditions?.find((c) => c.type === 'Progressing')).toMatchObject({
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    message: `ReplicaSet "${name}" has timed out progressing.`,
  });
});

test('old ReplicaSets beyond the history limit go', async () => {
  await start({ revisionHistoryLimit: 1, replicas: 1 });
  for (const image of ['web:2', 'web:3', 'web:4']) {
    await runPods();
    await change({ template: template(image) });
  }
  await runPods();
  const revisions = (await list<ReplicaSet>(replicaSets)).map(
    (s) => s.metadata.annotations?.['deployment.kubernetes.io/revision'],
  );
  expect(revisions).toEqual(['3', '4']);
});
