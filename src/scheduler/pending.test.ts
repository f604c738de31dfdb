// The law of the queueing hints: a pod that no change of the cluster has woken fits nowhere when it is decided anew.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Namespace, Node, PersistentVolumeClaim, Pod, PodSpec } from '../api/core/v1/types.generated.ts';
import { SchedulerCache } from './cache.ts';
import { decide } from './decide.ts';
import { podContext } from './fake/pod-context.ts';
import { byKind, type Change, mayHelp } from './wake.ts';

const keys = ['zone', 'rack'] as const;
const names = ['n1', 'n2', 'n3'] as const;
const app = fc.constantFrom('x', 'y');
const key = fc.constantFrom(...keys);
/** Mostly nothing, so that a pod is seldom refused for several reasons at once. */
const seldom = <T>(value: fc.Arbitrary<T>) => fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, value);

const labels = fc
  .record({
    zone: fc.constantFrom('a', 'b', ''),
    rack: fc.constantFrom('1', '2', ''),
    disk: fc.constantFrom('ssd', ''),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')));
const taint = seldom(fc.constant({ key: 'gpu', effect: 'NoSchedule' }));
const node = fc
  .record({ labels, taint, unschedulable: seldom(fc.constant(true)), cpu: fc.integer({ min: 1, max: 3 }) })
  .map(
    ({ labels, taint, unschedulable, cpu }): NodeFacts => ({
      labels,
      spec: { ...(taint && { taints: [taint] }), ...(unschedulable && { unschedulable }) },
      status: { allocatable: { cpu: String(cpu), pods: '3' } },
    }),
  );

const team = fc.constantFrom('red', 'blue');
const term = fc.record({ topologyKey: key, app, team: seldom(team) }).map(({ topologyKey, app, team }) => ({
  topologyKey,
  labelSelector: { matchLabels: { app } },
  ...(team && { namespaceSelector: { matchLabels: { team } } }),
}));
const terms = seldom(fc.array(term, { minLength: 1, maxLength: 2 }));
const spread = fc
  .record({ topologyKey: key, app, honors: fc.boolean(), minDomains: seldom(fc.constant(2)) })
  .map(({ topologyKey, app, honors, minDomains }) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app } },
    nodeTaintsPolicy: honors ? 'Honor' : 'Ignore',
    ...(minDomains !== undefined && { minDomains }),
  }));
const volume = fc.constantFrom(
  { name: 'v', awsElasticBlockStore: { volumeID: 'd' } },
  { name: 'v', awsElasticBlockStore: { volumeID: 'e' } },
  { name: 'v', persistentVolumeClaim: { claimName: 'mine' } },
);
const spec = fc
  .record({
    cpu: fc.integer({ min: 0, max: 2 }),
    port: seldom(fc.constant(80)),
    near: terms,
    far: terms,
    spreads: seldom(fc.array(spread, { minLength: 1, maxLength: 2 })),
    selector: seldom(fc.constant({ disk: 'ssd' })),
    tolerant: fc.boolean(),
    volume: seldom(volume),
  })
  .map(
    ({ cpu, port, near, far, spreads, selector, tolerant, volume }): PodSpec => ({
      containers: [
        {
          name: 'c',
          resources: { requests: { cpu: String(cpu) } },
          ...(port !== undefined && { ports: [{ containerPort: port, hostPort: port }] }),
        },
      ],
      affinity: {
        ...(near && { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near } }),
        ...(far && { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: far } }),
      },
      ...(spreads && { topologySpreadConstraints: spreads }),
      ...(selector && { nodeSelector: selector }),
      ...(tolerant && { tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
      ...(volume && { volumes: [volume] }),
    }),
  );
const pod = fc.record({ app, spec, ends: seldom(fc.constant(true)) });
const place = fc.constantFrom(...names);

interface NodeFacts extends Omit<Node, 'metadata'> {
  readonly labels: Readonly<Record<string, string>>;
}
interface PodFacts {
  readonly app: string;
  readonly spec: PodSpec;
  readonly ends?: boolean | undefined;
}
type Told = readonly Change[];
type Step = (cluster: Cluster) => Told;

/** A cluster as the scheduler knows it, and what it is told of each change. */
class Cluster {
  readonly cache = new SchedulerCache();
  readonly #nodes = new Map<string, Node>();
  readonly #pods = new Map<string, Pod>();
  namespace: Namespace = { metadata: { name: 'default' }, spec: {} };
  #nominee: Pod | undefined;

  setNode(name: string, { labels, ...rest }: NodeFacts): Told {
    const now = { metadata: { name, labels: { ...labels, 'kubernetes.io/hostname': name } }, ...rest };
    const old = this.#nodes.get(name);
    this.#nodes.set(name, now);
    this.cache.setNode(now);
    return [{ kind: 'node', now, ...(old && { old }) }];
  }

  /** Its pods are collected. */
  removeNode(name: string): Told {
    const old = this.#nodes.get(name);
    if (!old) return [];
    this.#nodes.delete(name);
    this.cache.removeNode(name);
    const gone = [...this.#pods.values()].filter(({ spec }) => spec.nodeName === name);
    return [{ kind: 'node', old }, ...gone.flatMap(({ metadata }) => this.removePod(metadata.name))];
  }

  setPod(name: string, nodeName: string, { app, spec, ends }: PodFacts): Told {
    const old = this.#pods.get(name);
    const metadata = { name, namespace: 'default', uid: name, labels: { app } };
    const now: Pod = {
      metadata: { ...metadata, ...(ends && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
      // Of a pod that is there only what it asks for changes.
      spec: old ? { ...old.spec, containers: resized(old.spec, spec) } : { ...spec, nodeName },
    };
    this.#pods.set(name, now);
    this.cache.setPod(now);
    return [{ kind: 'pod', now, ...(old && { old }) }];
  }

  setNamespace(team: string): Told {
    const old = this.namespace;
    this.namespace = { metadata: { name: 'default', labels: { team } }, spec: {} };
    return [{ kind: 'namespace', now: this.namespace, old }];
  }

  removePod(name: string): Told {
    const old = this.#pods.get(name);
    if (!old) return [];
    this.#pods.delete(name);
    this.cache.removePod(old);
    return [{ kind: 'pod', old }];
  }

  /** Room is made for a pod there, or, without a name, no longer. */
  nominate(nodeName: string, { app, spec }: PodFacts): Told {
    const nominee: Pod = { metadata: { name: 'nominee', namespace: 'default', uid: 'nominee', labels: { app } }, spec };
    const old = this.#nominee ?? nominee;
    this.#nominee = nodeName === '' ? undefined : old;
    return this.cache.nominate(old, nodeName) ? [{ kind: 'pod', old }] : [];
  }
}

function resized(old: PodSpec, { containers }: PodSpec): PodSpec['containers'] {
  return old.containers.map((one, i) => ({
    ...one,
    ...(containers[i]?.resources && { resources: containers[i].resources }),
  }));
}

const podName = fc.constantFrom('p1', 'p2', 'p3');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(place, node).map(
    ([name, node]): Step =>
      (cluster) =>
        cluster.setNode(name, node),
  ),
  place.map(
    (name): Step =>
      (cluster) =>
        cluster.removeNode(name),
  ),
  fc.tuple(podName, place, pod).map(
    ([name, place, pod]): Step =>
      (cluster) =>
        cluster.setPod(name, place, pod),
  ),
  podName.map(
    (name): Step =>
      (cluster) =>
        cluster.removePod(name),
  ),
  team.map(
    (team): Step =>
      (cluster) =>
        cluster.setNamespace(team),
  ),
  fc.tuple(fc.constantFrom(...names, ''), pod).map(
    ([name, pod]): Step =>
      (cluster) =>
        cluster.nominate(name, pod),
  ),
);

const claim: PersistentVolumeClaim = {
  metadata: { name: 'mine', namespace: 'default', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
  spec: { accessModes: ['ReadWriteOncePod'], volumeName: 'pv' },
};
const limited = {
  metadata: { name: 'n1' },
  spec: { drivers: [{ name: 'ebs.csi.aws.com', nodeID: 'n1', allocatable: { count: 0 } }] },
};

test('a pod that no change has woken fits nowhere', () => {
  fc.assert(
    fc.property(app, spec, fc.array(step, { minLength: 3, maxLength: 16 }), (app, spec, steps) => {
      const waiting: Pod = { metadata: { name: 'waiting', namespace: 'default', uid: 'w', labels: { app } }, spec };
      const cluster = new Cluster();
      const namespaceLabels = () => cluster.namespace.metadata.labels;
      const tried = () =>
        decide(
          podContext(waiting, cluster.cache.nodes(), {
            namespaceLabels,
            volumes: {
              claim: (name) => (name === 'mine' ? claim : undefined),
              volume: (name) => ({ metadata: { name }, spec: {} }),
              csiNode: (name) => (name === 'n1' ? limited : undefined),
            },
          }),
          { start: 0, dice: () => 0, nominatedTo: (name) => cluster.cache.nominatedTo(name) },
        );
      let decision = tried();
      for (const take of steps) {
        const told = take(cluster);
        // It came only now.
        if (decision.kind === 'node') {
          decision = tried();
          continue;
        }
        const { refusedBy } = decision;
        const helps = refusedBy.size === 0 || mayHelp(refusedBy, { pod: waiting, namespaceLabels }, byKind(told));
        decision = tried();
        if (helps) continue;
        expect(decision.kind, `${[...refusedBy]} refused it, then ${JSON.stringify(told)}`).toBe('none');
        // Who is not woken waits for what refused it when it was tried.
        if (decision.kind === 'none') decision = { ...decision, refusedBy };
      }
    }),
    { numRuns: 5000 },
  );
});
