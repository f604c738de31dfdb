// 10,000 pods that wait, 100 nodes with room for them, and then a scheduler, over the API server of the same process.
import { createInformers } from '../../src/client/informers.ts';
import { runScheduler } from '../../src/scheduler/scheduler.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { nodes, type Pod, pods, startCluster } from '../../src/testing/index.ts';

const count = 10_000;
const schedulerName = 'bench';
const cluster = await startCluster({ nodes: 0, controllers: ['serviceaccount-controller'] });
const { client } = cluster;
const allocatable = { cpu: '32', memory: '256Gi', pods: '110' };
for (let i = 0; i < 100; i += 1) {
  const name = `node-${i}`;
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${i % 3}` };
  await client.resource(nodes).create({ metadata: { name, labels }, spec: {}, status: { allocatable } });
  const body = { status: { allocatable, capacity: allocatable, conditions: [{ type: 'Ready', status: 'True' }] } };
  await client.resource(nodes).patch({ name, type: 'merge', body }, { subresource: 'status' });
  await client.resource(nodes).patch({ name, type: 'merge', body: { spec: { taints: null } } });
}
const requests = { cpu: '100m', memory: '500Mi' };
for (let i = 0; i < count; i += 100) {
  await Promise.all(
    Array.from({ length: 100 }, (_, k) =>
      client.resource(pods).create({
        metadata: { name: `pod-${i + k}`, namespace: 'default', labels: { app: `app-${(i + k) % 50}` } },
        spec: { schedulerName, containers: [{ name: 'main', image: 'pause', resources: { requests } }] },
      }),
    ),
  );
}
const stop = new AbortController();
const system = { clock: realClock, random: realRandom };
const informers = createInformers(client, system);
const informer = informers.informer<Pod>(pods);
let placed = 0;
const all = Promise.withResolvers<void>();
informer.addHandler({
  updated(pod, old) {
    if (pod.spec.nodeName && !old.spec.nodeName) placed += 1;
    if (placed === count) all.resolve();
  },
});
const begin = performance.now();
const running = Promise.all([
  informers.run(stop.signal),
  runScheduler({ client, informers, ...system, schedulerName, signal: stop.signal }),
]);
await all.promise;
const seconds = (performance.now() - begin) / 1000;
stop.abort();
await running;
await cluster.stop();
console.log(JSON.stringify({ perSecond: count / seconds }));
