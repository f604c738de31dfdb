// Controllers over an API in memory, for their tests: real loops, a clock that stands still, frozen caches.
import type { Deployment } from '../../api/apps/v1/types.generated.ts';
import type { Namespace, Node, Pod, PodSpec, Service } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { settle } from '../../client/fake/settle.ts';
import { createInformers } from '../../client/informers.ts';
import { pods } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import type { ControllersConfig } from '../config.ts';
import { runControllers } from '../run.ts';
import { clientThrough, type Gate } from './gate.ts';

export const testConfig: ControllersConfig = {
  clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
  clusterDNS: [],
  rootCA: 'CA',
};

export interface Harness {
  readonly api: FakeApi;
  readonly clock: FakeClock;
  /** What controllers reported as retried failures. */
  readonly errors: unknown[];
  /** Lets everything run until it waits for time or for a change. */
  settle(): Promise<void>;
  /** As {@link settle}, with time for keys that failed to come back. */
  retry(): Promise<void>;
  /** Plays the kubelet: the pod runs, has an address and is ready or not. */
  setPod(name: string, change: { ready?: boolean; ip?: string; phase?: string; node?: string }): Promise<void>;
  stop(): Promise<void>;
}

export interface HarnessOptions {
  readonly names: readonly string[];
  readonly config?: Partial<ControllersConfig>;
  /** An API that others use too. */
  readonly api?: FakeApi;
  readonly clock?: FakeClock;
  /** Closed, it stops these controllers where they are. */
  readonly gate?: Gate;
}

export function startControllers(options: HarnessOptions): Harness {
  const clock = options.clock ?? new FakeClock();
  const random = new FakeRandom();
  const api = options.api ?? new FakeApi({ clock, random });
  const errors: unknown[] = [];
  const client = options.gate ? clientThrough(options.gate, api) : api;
  const informers = createInformers(client, { clock, random, freeze: true, onError: (error) => errors.push(error) });
  const stop = new AbortController();
  const running = [
    informers.run(stop.signal),
    runControllers({
      client,
      informers,
      clock,
      random,
      config: { ...testConfig, ...options.config },
      names: options.names,
      signal: stop.signal,
      onError: (error) => errors.push(error),
    }),
  ];
  return {
    api,
    clock,
    errors,
    settle: () => settle(),
    async retry() {
      for (let i = 0; i < 5; i += 1) {
        await settle();
        clock.advance(20);
      }
      await settle();
    },
    async setPod(name, change) {
      const client = api.resource<Pod>(pods);
      let pod = await client.get(name, 'default');
      if (change.node) pod = await client.update({ ...jsonCopy(pod), spec: { ...pod.spec, nodeName: change.node } });
      await client.update(runningPod(pod, change, clock.now()), { subresource: 'status' });
    },
    async stop() {
      stop.abort();
      await Promise.all(running);
    },
  };
}

function runningPod(pod: Pod, change: { ready?: boolean; ip?: string; phase?: string }, now: number): Pod {
  const copy = jsonCopy(pod);
  const status = String(change.ready ?? true).replace(/^./, (c) => c.toUpperCase());
  copy.status = {
    ...copy.status,
    phase: change.phase ?? 'Running',
    conditions: [{ type: 'Ready', status, lastTransitionTime: formatTime(now) }],
    ...(change.ip && { podIP: change.ip, podIPs: [{ ip: change.ip }] }),
  };
  return copy;
}

export const podSpec: PodSpec = {
  containers: [{ name: 'web', image: 'web', ports: [{ name: 'http', containerPort: 80 }] }],
};

export function makePod(name: string, labels: Record<string, string>, spec: Partial<PodSpec> = {}): Pod {
  return { metadata: { name, namespace: 'default', labels }, spec: { ...podSpec, ...spec } };
}

export function makeService(name: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.20',
      ipFamilies: ['IPv4'],
      selector: { app: name },
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      ...spec,
    },
  };
}

export function makeNode(name: string, node: Partial<Node> = {}): Node {
  const ready = [{ type: 'Ready', status: 'True' }];
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name }, ...node.metadata },
    spec: { ...node.spec },
    status: { conditions: ready, allocatable, capacity: allocatable, ...node.status },
  };
}

export function makeNamespace(name: string): Namespace {
  return { metadata: { name }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } };
}

export function makeDeployment(name: string, spec: Partial<Deployment['spec']> = {}): Deployment {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: podSpec },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
  };
}
