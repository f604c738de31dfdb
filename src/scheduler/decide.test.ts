// Filters and scores, each asked alone, and what is told where no node will do.
import { expect, test } from 'vitest';
import type {
  Affinity,
  Pod,
  PodAffinityTerm,
  TopologySpreadConstraint,
  Volume,
} from '../api/core/v1/types.generated.ts';
import { decide, fitError } from './decide.ts';
import { podContext } from './fake/pod-context.ts';
import { interPodAffinity } from './filter/pod-affinity.ts';
import { podTopologySpread } from './filter/topology-spread.ts';
import { diskConflict, readWriteOncePod } from './filter/volume-restrictions.ts';
import { NodeInfo } from './node-info.ts';
import type { PodContext } from './plugin.ts';
import { preferredPods } from './score/preferences.ts';
import { balancedAllocation, leastAllocated } from './score/resources.ts';

function pod(name: string, labels: Record<string, string> = {}, spec: Partial<Pod['spec']> = {}): Pod {
  return { metadata: { name, namespace: 'default', uid: name, labels }, spec: { containers: [], ...spec } };
}

function asking(...requests: readonly Record<string, string>[]): Partial<Pod['spec']> {
  return { containers: requests.map((of, i) => ({ name: `c${i}`, resources: { requests: of } })) };
}

interface NodeOptions {
  readonly labels?: Record<string, string>;
  readonly allocatable?: Record<string, string>;
}

function node(name: string, { labels = {}, allocatable = {} }: NodeOptions, ...pods: readonly Pod[]): NodeInfo {
  const info = new NodeInfo({ metadata: { name, labels }, spec: {}, status: { allocatable } });
  for (const one of pods) info.add(one);
  return info;
}

function context(asked: Pod, nodes: readonly NodeInfo[], volumes: Partial<PodContext['volumes']> = {}): PodContext {
  return podContext(asked, nodes, { volumes });
}

const near = (key: string, topologyKey: string): PodAffinityTerm => ({
  topologyKey,
  labelSelector: { matchExpressions: [{ key, operator: 'Exists' }] },
});
const required = (...terms: PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const preferred = (weight: number, podAffinityTerm: PodAffinityTerm) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }],
});

const zones = (...pods: readonly (readonly Pod[])[]) =>
  pods.map((list, i) => node(`n${i}`, { labels: { zone: `z${i}`, region: 'r' } }, ...list));

test.each<[string, Pod, NodeInfo[], readonly number[] | undefined]>([
  [
    'those that are there draw whom they want near',
    pod('new', { web: '' }),
    zones([], [pod('a', {}, { affinity: { podAffinity: preferred(5, near('web', 'zone')) } })]),
    [0, 100],
  ],
  [
    'and would rather not have others',
    pod('new', { web: '' }),
    zones([], [pod('a', {}, { affinity: { podAntiAffinity: preferred(5, near('web', 'zone')) } })], []),
    [100, 0, 100],
  ],
  [
    'what they require counts for one',
    pod('new', { web: '' }),
    zones(
      [pod('a', {}, { affinity: required(near('web', 'zone')) })],
      [pod('b', {}, { affinity: { podAffinity: preferred(4, near('web', 'zone')) } })],
      [],
    ),
    [25, 100, 0],
  ],
  ['nobody cares', pod('new', { web: '' }), zones([pod('a', { web: '' })], []), undefined],
])('pods that are there are asked too: %s', (_, asked, nodes, scores) => {
  expect(preferredPods(context(asked, nodes), nodes)).toEqual(scores);
});

test('one pod must match all terms of a required affinity', () => {
  const asked = pod('new', {}, { affinity: required(near('a', 'region'), near('b', 'zone')) });
  const told = (nodes: NodeInfo[]) => {
    const filter = interPodAffinity(context(asked, nodes));
    return nodes.map((info) => filter?.(info)?.reasons[0]);
  };
  expect(told(zones([pod('x', { a: '', b: '' })], []))).toEqual([undefined, "node(s) didn't match pod affinity rules"]);
  expect(told(zones([pod('x', { a: '' })], [pod('y', { b: '' })]))).toEqual(
    Array(2).fill("node(s) didn't match pod affinity rules"),
  );
});

test.each([
  // Requests of the containers, what is there, and both scores. Memory in bytes.
  [[{ cpu: '9', memory: '0' }], { cpu: '10', memory: '1000' }, 55, 55],
  [[{ cpu: '3', memory: '5000' }], { cpu: '4', memory: '10000' }, 37, 87],
  [[{ cpu: '6', memory: '0' }], { cpu: '4', memory: '10000' }, 50, 50],
  [[{ cpu: '1', memory: '0' }], { cpu: '4' }, 75, 100],
  // Each container that asks for nothing counts as 100m and 200Mi, but balance is of what was asked.
  [[{ cpu: '100m', memory: '200Mi' }, {}], { cpu: '1', memory: '1000Mi' }, 70, 95],
  [[{}, {}], { cpu: '1', memory: '1000Mi' }, 70, undefined],
  [[], { cpu: '1', memory: '1000Mi' }, 100, undefined],
] as const)('%j of %j scores %s and %s', (requests, allocatable, least, balanced) => {
  const asked = pod('new', {}, asking(...requests));
  const nodes = [node('a', { allocatable })];
  expect(leastAllocated(context(asked, nodes), nodes)).toEqual([least]);
  expect(balancedAllocation(context(asked, nodes), nodes)?.[0]).toBe(balanced);
});

test('a spread over all pods of a namespace (an empty selector) holds nobody back', () => {
  const constraint = { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' };
  const nodes = zones([pod('a'), pod('b')], []);
  const refused = (one: Partial<TopologySpreadConstraint>) => {
    const asked = pod('new', { app: 'web' }, { topologySpreadConstraints: [{ ...constraint, ...one }] });
    return nodes.map((info) => podTopologySpread(context(asked, nodes))?.(info) !== undefined);
  };
  expect(refused({ labelSelector: {} })).toEqual([false, false]);
  expect(refused({ labelSelector: {}, matchLabelKeys: ['version'] })).toEqual([false, false]);
  expect(refused({ labelSelector: {}, matchLabelKeys: ['app'] })).toEqual([false, false]);
  expect(refused({ labelSelector: { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] } })).toEqual([
    true,
    false,
  ]);
});

test('a claim of ReadWriteOncePod is one pod’s in the whole cluster', () => {
  const using = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };
  const nodes = [node('a', {}, pod('first', {}, using)), node('b', {})];
  const told = (accessMode: string) => {
    const claim = () => ({ metadata: { name: 'data' }, spec: { accessModes: [accessMode] } });
    const filter = readWriteOncePod(context(pod('second', {}, using), nodes, { claim }));
    return nodes.map((info) => filter?.(info)?.reasons[0]);
  };
  const reason = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';
  expect(told('ReadWriteOncePod')).toEqual([reason, reason]);
  expect(told('ReadWriteOnce')).toEqual([undefined, undefined]);
});

const gce = (pdName: string, readOnly = false) => ({ gcePersistentDisk: { pdName, readOnly } });
const awsDisk = (volumeID: string) => ({ awsElasticBlockStore: { volumeID, readOnly: true } });
const target = (iqn: string, readOnly: boolean) => ({ iscsi: { iqn, targetPortal: '10.0.0.1', lun: 0, readOnly } });
const ceph = (monitors: string[], image: string, readOnly = false) => ({ rbd: { monitors, image, readOnly } });

test.each<[Omit<Volume, 'name'>, Omit<Volume, 'name'>, boolean]>([
  [gce('a'), gce('a'), false],
  [gce('a', true), gce('a'), false],
  [gce('a', true), gce('a', true), true],
  [gce('a'), gce('b'), true],
  [awsDisk('a'), awsDisk('a'), false],
  [awsDisk('a'), awsDisk('b'), true],
  [target('a', false), target('a', true), false],
  [target('a', true), target('a', true), true],
  [ceph(['x', 'y'], 'a'), ceph(['y'], 'a'), false],
  [ceph(['x', 'y'], 'a', true), ceph(['y'], 'a', true), true],
  [ceph(['x'], 'a'), ceph(['y'], 'a'), true],
  [ceph(['x'], 'a'), ceph(['x'], 'b'), true],
  [gce('a'), awsDisk('a'), true],
])('a disk is written by one pod of a node: %j beside %j', (asked, there, expected) => {
  const using = (one: Omit<Volume, 'name'>) => ({ volumes: [{ name: 'data', ...one }] });
  const nodes = [node('a', {}, pod('first', {}, using(there))), node('b', {})];
  const filter = diskConflict(context(pod('second', {}, using(asked)), nodes));
  const reasons = expected ? undefined : ['node(s) had no available disk'];
  expect(nodes.map((info) => filter?.(info)?.reasons)).toEqual([reasons, undefined]);
});

function nodesByName(...names: readonly (readonly string[])[]): Affinity {
  const nodeSelectorTerms = [
    { matchFields: names.map((values) => ({ key: 'metadata.name', operator: 'In', values: [...values] })) },
  ];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
}

test.each([
  [
    nodesByName(['b']),
    "1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]",
    '1 tried, 2 Preemption is not helpful for scheduling',
  ],
  [
    nodesByName(['gone']),
    "3 node(s) didn't satisfy plugin(s) [NodeAffinity]",
    '3 Preemption is not helpful for scheduling',
  ],
  [nodesByName(['a'], ['b']), 'pod affinity terms conflict', '3 Preemption is not helpful for scheduling'],
])('of a pod that names its nodes no other one is looked at', (affinity, why, preemption) => {
  const asked = pod('new', {}, { ...asking({ cpu: '2' }), affinity });
  const full = pod('x', {}, asking({ cpu: '3' }));
  const nodes = ['a', 'b', 'c'].map((name) =>
    node(name, { allocatable: { cpu: '4', memory: '1Gi', pods: '9' } }, full),
  );
  const decision = decide(context(asked, nodes), { start: 0, dice: () => 0 });
  if (decision.kind !== 'none') throw new Error('a node was found');
  const others = Array<string>(3 - decision.candidates.length).fill('Preemption is not helpful for scheduling');
  const reasons = [...decision.candidates.map(() => 'tried'), ...others];
  expect(fitError(decision, { reasons })).toBe(
    `0/3 nodes are available: ${why}. no new claims to deallocate, preemption: 0/3 nodes are available: ${preemption}.`,
  );
  const free = ['a', 'b'].map((name) => node(name, { allocatable: { cpu: '4', pods: '9' } }));
  const chosen = decide(context(asked, free), { start: 0, dice: () => 0 });
  expect(chosen.kind === 'node' ? chosen.name : 'none').toBe(why.startsWith('1') ? 'b' : 'none');
});

test('a node that does not say how many pods it takes, as one that nobody runs yet, takes none', () => {
  const decision = decide(context(pod('new'), [node('a', { allocatable: { cpu: '4' } })]), { start: 0, dice: () => 0 });
  expect(decision).toMatchObject({ kind: 'none', rejections: [{ reasons: ['Too many pods'] }] });
});
