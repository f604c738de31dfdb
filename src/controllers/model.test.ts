// Random interleavings of what users, kubelets and bad luck do, against the controllers of workloads, each of which runs
// twice at once, is killed and started again, or stopped for an hour and woken with what it knew then: nothing is ever made
// twice, nothing of others is touched, and when the world holds still they settle and stay settled.
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { DaemonSet, Deployment, StatefulSet } from '../api/apps/v1/types.generated.ts';
import type { Job } from '../api/batch/v1/types.generated.ts';
import type { Node, Pod } from '../api/core/v1/types.generated.ts';
import { jsonCopy } from '../apimachinery/json/value.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { conflict, isConflict, isNotFound } from '../apimachinery/status.ts';
import { daemonSets, deployments, jobs, nodes, pods, replicaSets, statefulSets } from '../client/resources.ts';
import { Gate } from './harness/gate.ts';
import { type Harness, makeDeployment, makeNode, startControllers } from './harness/start.ts';

type Workload = Deployment | StatefulSet | DaemonSet;

type Action =
  | { readonly kind: 'scale'; readonly to: number }
  | { readonly kind: 'image'; readonly to: number }
  | { readonly kind: 'ready' | 'unready' | 'fail' | 'kill' | 'end'; readonly pick: number }
  | { readonly kind: 'clock'; readonly seconds: number }
  | { readonly kind: 'restart' | 'pause' | 'resume'; readonly which: number }
  | { readonly kind: 'conflicts'; readonly next: number };

const pick = fc.nat(20);
const actions: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('scale' as const), to: fc.nat(5) }),
    fc.record({ kind: fc.constant('image' as const), to: fc.nat(3) }),
    fc.record({ kind: fc.constantFrom('ready', 'ready', 'unready', 'fail', 'kill', 'end', 'end'), pick }),
    fc.record({ kind: fc.constantFrom('restart', 'pause', 'resume'), which: fc.nat(1) }),
    fc.record({ kind: fc.constant('clock' as const), seconds: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant('conflicts' as const), next: fc.integer({ min: 1, max: 3 }) }),
  ),
  { maxLength: 14 },
);

/** One process of the two. */
interface Process {
  readonly harness: Harness;
  readonly gate: Gate;
}

let processes: Process[] = [];
afterEach(stopAll);

async function stopAll(): Promise<void> {
  for (const one of processes.splice(0)) await stopOne(one);
}

/** What it has sent arrives even now. */
async function stopOne({ harness, gate }: Process): Promise<void> {
  gate.open();
  await harness.stop();
}

const bystander = { name: 'bystander', namespace: 'default' };

/** Two of each controller over one API, and pods that are none of theirs. */
async function start(names: readonly string[]): Promise<World> {
  await stopAll();
  const gate = new Gate();
  const first = { gate, harness: startControllers({ names, gate }) };
  processes = [first];
  const world = new World(first.harness, names);
  processes.push(world.startProcess());
  await world.makeBystanders();
  return world;
}

class World {
  readonly harness: Harness;
  readonly #names: readonly string[];
  /** Writes that are still to meet somebody else's. */
  #conflicts = 0;

  constructor(harness: Harness, names: readonly string[]) {
    this.harness = harness;
    this.#names = names;
    harness.api.react(({ verb, resource }) => {
      if (resource === 'events' || verb === 'create' || this.#conflicts === 0) return;
      this.#conflicts -= 1;
      throw conflict({ group: '', resource }, 'somebody', 'was faster');
    });
  }

  startProcess(): Process {
    const gate = new Gate();
    const { api, clock } = this.harness;
    return { gate, harness: startControllers({ names: this.#names, api, clock, gate }) };
  }

  /** One of nobody with other labels, and one with the workload's labels that is somebody else's. */
  async makeBystanders(): Promise<void> {
    const owner = { apiVersion: 'example.com/v1', kind: 'Other', name: 'other', uid: 'other', controller: true };
    const spec = { containers: [{ name: 'web', image: 'other' }] };
    const api = this.harness.api.resource<Pod>(pods);
    await api.create({ metadata: { ...bystander, labels: { app: 'other' } }, spec });
    const labels = { app: 'web' };
    await api.create({ metadata: { name: 'others', namespace: 'default', labels, ownerReferences: [owner] }, spec });
  }

  /** Without bystanders. */
  async pods(): Promise<Pod[]> {
    const { items } = await this.harness.api.resource<Pod>(pods).list();
    const [own, others] = [items.filter(isOurs), items.filter((pod) => !isOurs(pod))];
    expect(others.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp])).toEqual([
      ['bystander', undefined],
      ['others', undefined],
    ]);
    return own;
  }

  async act(action: Action, resource: GroupVersionResource): Promise<void> {
    if (action.kind === 'clock') this.harness.clock.advance(action.seconds * 1000);
    else if (action.kind === 'conflicts') this.#conflicts = action.next;
    else if ('which' in action) await this.#disturb(action.kind, action.which);
    else if (action.kind === 'scale' || action.kind === 'image') await this.#change(resource, action);
    else await this.#play(action.kind, action.pick);
  }

  async #disturb(how: 'restart' | 'pause' | 'resume', which: number): Promise<void> {
    const one = processes[which];
    if (!one) return;
    if (how === 'restart') {
      await stopOne(one);
      processes[which] = this.startProcess();
    } else if (how === 'resume') {
      one.gate.open();
    } else {
      one.gate.close();
      // The other one goes on for an hour.
      for (let i = 0; i < 6; i += 1) {
        await this.harness.settle();
        this.harness.clock.advance(600_000);
      }
    }
  }

  /** As a user: again until it is done. */
  async #change(resource: GroupVersionResource, action: Action): Promise<void> {
    const api = this.harness.api.resource<Workload>(resource);
    for (;;) {
      try {
        const object = jsonCopy(await api.get('web', 'default')) as Workload;
        const { spec } = object;
        if (action.kind === 'scale' && 'replicas' in spec) spec.replicas = action.to;
        if (action.kind === 'image') {
          const template = spec.template;
          template.spec = { containers: [{ name: 'web', image: `web:${action.to}` }] };
        }
        await api.update(object);
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  async #play(kind: string, index: number): Promise<void> {
    const all = await this.pods();
    const pod = all[index % Math.max(1, all.length)];
    if (!pod) return;
    const { name, namespace } = pod.metadata;
    try {
      if (kind === 'kill') await this.harness.api.resource<Pod>(pods).delete(name, namespace);
      else if (kind === 'fail') await this.harness.setPod(name, { ready: false, phase: 'Failed' });
      else if (kind === 'end') await this.harness.setPod(name, { ready: false, phase: 'Succeeded' });
      else await this.harness.setPod(name, { ready: kind === 'ready' });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** Nothing goes wrong any more: kubelets do their work, `end` says with which phase pods end that may. */
  async rest(end?: 'Succeeded'): Promise<void> {
    this.#conflicts = 0;
    for (const { gate } of processes) gate.open();
    for (let quiet = 0, rounds = 0; quiet < 3; rounds += 1) {
      if (rounds > 300) throw new Error('the controllers do not come to rest');
      const before = this.harness.api.calls.length;
      await this.harness.settle();
      for (const pod of await this.pods()) await this.#kubelet(pod, end);
      await this.harness.settle();
      this.harness.clock.advance(20_000);
      await this.harness.settle();
      quiet = this.harness.api.calls.length === before ? quiet + 1 : 0;
    }
  }

  async #kubelet(pod: Pod, end: 'Succeeded' | undefined): Promise<void> {
    const phase = pod.status?.phase ?? 'Pending';
    const ready = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
    if (phase === 'Succeeded' || phase === 'Failed') return;
    if (end) await this.harness.setPod(pod.metadata.name, { ready: false, phase: end });
    else if (!ready) await this.harness.setPod(pod.metadata.name, { ready: true });
  }

  /** Writes of half an hour in which nothing happens. */
  async writesAtRest(): Promise<string[]> {
    const from = this.harness.api.calls.length;
    for (let i = 0; i < 6; i += 1) {
      this.harness.clock.advance(300_000);
      await this.harness.settle();
    }
    return this.harness.api.calls.slice(from).map(({ verb, resource, key }) => `${verb} ${resource} ${key}`);
  }
}

const isOurs = ({ metadata }: Pod) => metadata.name !== bystander.name && metadata.name !== 'others';
const isActive = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
const imageOf = ({ spec }: Pod) => spec.containers[0]?.image;
const metadata = { name: 'web', namespace: 'default' };
const selector = { matchLabels: { app: 'web' } };
const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'web:0' }] },
};

function run(what: string, property: (taken: readonly Action[]) => Promise<void>): void {
  test(what, () => fc.assert(fc.asyncProperty(actions, property), { numRuns: 20, endOnFailure: true }), 120_000);
}

async function create(world: World, resource: GroupVersionResource, object: KubeObject): Promise<void> {
  await world.harness.api.resource<KubeObject>(resource).create(object);
  await world.harness.settle();
}

describe('whatever happens', () => {
  run('a Deployment has what it wants', async (taken) => {
    const world = await start(['deployment-controller', 'replicaset-controller']);
    await create(world, deployments, makeDeployment('web', { template }));
    for (const action of taken) await world.act(action, deployments);
    await world.rest();
    const { spec, status } = await world.harness.api.resource<Deployment>(deployments).get('web', 'default');
    const active = (await world.pods()).filter(isActive);
    expect(active.map(imageOf)).toEqual(Array(spec.replicas).fill(spec.template.spec?.containers[0]?.image));
    expect(status?.availableReplicas ?? 0).toBe(spec.replicas);
    expect(await world.writesAtRest()).toEqual([]);
    const sets = (await world.harness.api.resource(replicaSets).list()).items.map((set) => set.metadata.name);
    expect(new Set(sets).size).toBe(sets.length);
  });

  run('a StatefulSet has one pod for each ordinal', async (taken) => {
    const world = await start(['statefulset-controller']);
    const spec = { replicas: 3, serviceName: 'web', selector, template, podManagementPolicy: 'Parallel' };
    await create(world, statefulSets, { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec } as KubeObject);
    let most = 3;
    for (const action of taken) {
      await world.act(action, statefulSets);
      if (action.kind === 'scale') most = Math.max(most, action.to);
      const names = (await world.pods()).map((pod) => pod.metadata.name);
      expect(new Set(names).size).toBe(names.length);
      expect(names.length).toBeLessThanOrEqual(most);
    }
    await world.rest();
    const set = await world.harness.api.resource<StatefulSet>(statefulSets).get('web', 'default');
    const names = (await world.pods()).map((pod) => `${pod.metadata.name} ${imageOf(pod)}`).sort();
    const image = set.spec.template.spec?.containers[0]?.image;
    expect(names).toEqual(Array.from({ length: set.spec.replicas ?? 0 }, (_, i) => `web-${i} ${image}`));
    expect(await world.writesAtRest()).toEqual([]);
  });

  run('a DaemonSet has one pod on each node', async (taken) => {
    const world = await start(['daemonset-controller']);
    for (const name of ['a', 'b', 'c']) await world.harness.api.resource<Node>(nodes).create(makeNode(name));
    const spec = { selector, template, updateStrategy: { type: 'RollingUpdate' } };
    await create(world, daemonSets, { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec } as KubeObject);
    for (const action of taken) await world.act(action, daemonSets);
    await world.rest();
    const set = await world.harness.api.resource<DaemonSet>(daemonSets).get('web', 'default');
    const active = (await world.pods()).filter(isActive);
    expect(active.map(imageOf)).toEqual(Array(3).fill(set.spec.template.spec?.containers[0]?.image));
    expect(set.status).toMatchObject({ desiredNumberScheduled: 3, numberReady: 3, updatedNumberScheduled: 3 });
    expect(await world.writesAtRest()).toEqual([]);
  });

  run('an Indexed Job counts each index once, and ends', async (taken) => {
    const world = await start(['job-controller']);
    const spec = {
      completions: 3,
      parallelism: 2,
      completionMode: 'Indexed',
      backoffLimit: 1000,
      selector,
      template,
    };
    await create(world, jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec } as KubeObject);
    for (const action of taken) if (action.kind !== 'scale' && action.kind !== 'image') await world.act(action, jobs);
    await world.rest('Succeeded');
    const job = await world.harness.api.resource<Job>(jobs).get('web', 'default');
    expect(job.status).toMatchObject({ succeeded: 3, completedIndexes: '0-2', active: 0, uncountedTerminatedPods: {} });
    expect(job.status?.conditions?.map(({ type }) => type)).toEqual(['SuccessCriteriaMet', 'Complete']);
    expect((await world.pods()).flatMap((pod) => pod.metadata.finalizers ?? [])).toEqual([]);
    expect(await world.writesAtRest()).toEqual([]);
  });
});
