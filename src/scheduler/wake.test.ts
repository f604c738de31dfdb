import { expect, test } from 'vitest';
import type {
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
} from '../api/core/v1/types.generated.ts';
import type { CSINode, StorageClass, VolumeAttachment } from '../api/storage/v1/types.generated.ts';
import type { PluginName } from './plugin.ts';
import { byKind, type Change, mayHelp } from './wake.ts';

type Labels = Readonly<Record<string, string>>;

function pod(spec: Partial<PodSpec> = {}, labels: Labels = {}, namespace = 'default'): Pod {
  return { metadata: { name: 'p', namespace, labels }, spec: { containers: [], ...spec } };
}

const node = (labels: Labels, { spec = {}, status = {} }: Partial<Pick<Node, 'spec' | 'status'>> = {}): Node => ({
  metadata: { name: 'n', labels },
  spec,
  status,
});

function helps(plugin: PluginName, waiting: Pod, change: Change): boolean {
  return mayHelp([plugin], { pod: waiting, namespaceLabels: () => undefined }, byKind([change]));
}

type Row<T> = readonly [string, PluginName, Pod, { readonly now?: T; readonly old?: T }, boolean];

const has = (key: string) => ({ matchExpressions: [{ key, operator: 'Exists' }] });
const spreadBy = (...keys: readonly (readonly [topologyKey: string, label: string])[]) =>
  pod({
    topologySpreadConstraints: keys.map(([topologyKey, label]) => {
      return { topologyKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: has(label) };
    }),
  });
const byZone = spreadBy(['zone', 'foo']);
const byBoth = spreadBy(['zone', 'foo'], ['node', 'bar']);
const term = (label: string) => ({ topologyKey: 'zone', labelSelector: has(label) });
const near = (...labels: string[]) =>
  pod({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: labels.map(term) } } });
const far = (label: string) => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(label)] } },
});
const asking = (cpu: string) => pod({ containers: [{ name: 'c', resources: { requests: { cpu } } }] });
const sized = (cpu: string, labels: Labels = {}) => node(labels, { status: { allocatable: { cpu, pods: '10' } } });
const tainted = node({}, { spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } });
const cordoned = node({}, { spec: { unschedulable: true } });
const cordonedIn = (labels: Labels) => node(labels, { spec: { unschedulable: true } });
const onPort = (hostPort: number) => pod({ containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort }] }] });
const [a, b] = [{ zone: 'a' }, { zone: 'b' }];

test.each<Row<Node>>([
  ['comes in a domain', 'PodTopologySpread', byZone, { now: node(a) }, true],
  ['comes outside of the domains', 'PodTopologySpread', byZone, { now: node({}) }, false],
  ['comes in one domain of two', 'PodTopologySpread', byBoth, { now: node(a) }, false],
  ['comes in both domains', 'PodTopologySpread', byBoth, { now: node({ ...a, node: 'n' }) }, true],
  ['goes from a domain', 'PodTopologySpread', byZone, { old: node(a) }, true],
  ['goes from outside', 'PodTopologySpread', byZone, { old: node({}) }, false],
  ['moves to another domain', 'PodTopologySpread', byZone, { old: node(a), now: node(b) }, true],
  ['outside gets a label', 'PodTopologySpread', byZone, { old: node({}), now: node({ x: '' }) }, false],
  ['grows', 'PodTopologySpread', byZone, { old: sized('1', a), now: sized('2', a) }, false],
  ['comes in a domain', 'InterPodAffinity', near('web'), { now: node(a) }, true],
  ['comes outside of the domains', 'InterPodAffinity', near('web'), { now: node({}) }, false],
  ['gets another label', 'InterPodAffinity', near('web'), { old: node(a), now: node({ ...a, x: '' }) }, true],
  ['keeps its labels', 'InterPodAffinity', near('web'), { old: node(a), now: cordonedIn(a) }, false],
  ['moves to another domain', 'InterPodAffinity', near('web'), { old: node(a), now: node(b) }, true],
  ['comes into the domain', 'InterPodAffinity', near('web'), { old: node({}), now: node(a) }, true],
  ['comes outside of the domains', 'InterPodAffinity', pod(far('web')), { now: node({}) }, true],
  ['leaves the domain', 'InterPodAffinity', pod(far('web')), { old: node(a), now: node({}) }, true],
  ['goes', 'InterPodAffinity', pod(far('web')), { old: node(a) }, false],
  ['comes', 'InterPodAffinity', pod(), { now: node({}) }, true],
  ['comes and is large enough', 'NodeResourcesFit', asking('2'), { now: sized('2') }, true],
  ['comes and is too small', 'NodeResourcesFit', asking('2'), { now: sized('1') }, false],
  ['grows', 'NodeResourcesFit', asking('2'), { old: sized('2'), now: sized('3') }, true],
  ['shrinks', 'NodeResourcesFit', asking('2'), { old: sized('4'), now: sized('3') }, false],
  ['gets a label', 'NodeResourcesFit', asking('2'), { old: sized('4'), now: sized('4', a) }, false],
  ['loses its taint', 'TaintToleration', pod(), { old: tainted, now: node({}) }, true],
  ['keeps its taint', 'TaintToleration', pod(), { old: tainted, now: tainted }, false],
  ['is free of taints', 'TaintToleration', pod(), { old: node({}), now: node({}) }, false],
  ['comes with a taint', 'TaintToleration', pod(), { now: tainted }, false],
  ['is open again', 'NodeUnschedulable', pod(), { old: cordoned, now: node({}) }, true],
  ['is closed', 'NodeUnschedulable', pod(), { old: node({}), now: cordoned }, false],
  ['gets the label', 'NodeAffinity', pod({ nodeSelector: a }), { old: node({}), now: node(a) }, true],
  ['has the label', 'NodeAffinity', pod({ nodeSelector: a }), { old: node(a), now: node(a) }, false],
  ['comes with another', 'NodeAffinity', pod({ nodeSelector: a }), { now: node(b) }, false],
  ['comes', 'NodePorts', onPort(80), { now: node({}) }, true],
  ['changes', 'NodePorts', onPort(80), { old: node({}), now: node(a) }, false],
  ['comes', 'NodeName', pod(), { now: node({}) }, true],
  ['comes', 'VolumeRestrictions', pod(), { now: node({}) }, true],
  ['changes', 'VolumeRestrictions', pod(), { old: node({}), now: node(a) }, false],
  ['comes', 'NodeVolumeLimits', pod(), { now: node({}) }, true],
  ['gets a label', 'VolumeZone', pod(), { old: node({}), now: node(a) }, true],
  ['gets a taint', 'VolumeBinding', pod(), { old: node({}), now: tainted }, false],
])('a node %s: %s of %j', (...[, plugin, waiting, change, expected]) =>
  expect(helps(plugin, waiting, { kind: 'node', ...change })).toBe(expected),
);

const web = pod({}, { web: '' });
const foo = pod({}, { foo: '' });
const using = (claimName: string) => pod({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] });
const withDisk = pod({ volumes: [{ name: 'v', awsElasticBlockStore: { volumeID: 'd' } }] });
const ending = { ...foo, metadata: { ...foo.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
const ofGroup: Pod = { ...web, spec: { ...web.spec, ...near('web').spec } };
const keepsAway = pod(far('app'));
const app = pod({}, { app: '' });

test.each<Row<Pod>>([
  ['that counts comes', 'PodTopologySpread', byZone, { now: foo }, true],
  ['of another namespace comes', 'PodTopologySpread', byZone, { now: pod({}, { foo: '' }, 'other') }, false],
  ['that does not count comes', 'PodTopologySpread', byZone, { now: web }, false],
  ['that counts goes', 'PodTopologySpread', byZone, { old: foo }, true],
  ['that does not count goes', 'PodTopologySpread', byZone, { old: web }, false],
  ['counts from now on', 'PodTopologySpread', byZone, { old: web, now: foo }, true],
  ['counts no more', 'PodTopologySpread', byZone, { old: foo, now: ending }, true],
  ['counts as before', 'PodTopologySpread', byZone, { old: foo, now: pod({}, { foo: 'x' }) }, false],
  ['counts for the second, too', 'PodTopologySpread', byBoth, { old: foo, now: pod({}, { foo: '', bar: '' }) }, true],
  ['that is wanted comes', 'InterPodAffinity', near('web'), { now: web }, true],
  ['that is not wanted comes', 'InterPodAffinity', near('web'), { now: foo }, false],
  ['that is wanted goes', 'InterPodAffinity', near('web'), { old: web }, false],
  ['of a group goes', 'InterPodAffinity', ofGroup, { old: web }, true],
  ['leaves a group', 'InterPodAffinity', ofGroup, { old: web, now: foo }, true],
  ['is wanted from now on', 'InterPodAffinity', near('web'), { old: foo, now: web }, true],
  ['is wanted as before', 'InterPodAffinity', near('web'), { old: web, now: pod({}, { web: 'x' }) }, false],
  ['is half of what is wanted', 'InterPodAffinity', near('web', 'foo'), { old: foo, now: web }, false],
  ['is unwanted no more', 'InterPodAffinity', pod(far('web')), { old: web, now: foo }, true],
  ['is unwanted from now on', 'InterPodAffinity', pod(far('web')), { old: foo, now: web }, false],
  ['that is unwanted goes', 'InterPodAffinity', pod(far('web')), { old: web }, true],
  ['that nobody minds goes', 'InterPodAffinity', pod(far('web')), { old: foo }, false],
  ['that kept it away goes', 'InterPodAffinity', app, { old: keepsAway }, true],
  ['comes', 'NodeResourcesFit', asking('1'), { now: asking('1') }, false],
  ['goes', 'NodeResourcesFit', asking('1'), { old: asking('1') }, true],
  ['shrinks', 'NodeResourcesFit', asking('1'), { old: asking('2'), now: asking('1') }, true],
  ['grows', 'NodeResourcesFit', asking('1'), { old: asking('1'), now: asking('2') }, false],
  ['leaves the port', 'NodePorts', onPort(80), { old: onPort(80) }, true],
  ['leaves another port', 'NodePorts', onPort(80), { old: onPort(81) }, false],
  ['leaves the claim', 'VolumeRestrictions', using('a'), { old: using('a') }, true],
  ['leaves another claim', 'VolumeRestrictions', using('a'), { old: using('b') }, false],
  ['leaves the disk', 'VolumeRestrictions', withDisk, { old: withDisk }, true],
  ['leaves a volume', 'NodeVolumeLimits', using('a'), { old: using('b') }, true],
  ['leaves a disk', 'NodeVolumeLimits', using('a'), { old: withDisk }, true],
  ['leaves nothing', 'NodeVolumeLimits', using('a'), { old: pod() }, false],
  ['goes', 'VolumeBinding', using('a'), { old: using('a') }, false],
])('a pod %s: %s of %j', (...[, plugin, waiting, change, expected]) =>
  expect(helps(plugin, waiting, { kind: 'pod', ...change })).toBe(expected),
);

const claim = (name: string, namespace = 'default'): PersistentVolumeClaim => ({
  metadata: { name, namespace },
  spec: {},
});
const scratch = pod({ volumes: [{ name: 'scratch', ephemeral: {} }] });

test.each<Row<PersistentVolumeClaim>>([
  ['of the pod comes', 'VolumeZone', using('a'), { now: claim('a') }, true],
  ['of the pod is bound', 'VolumeBinding', using('a'), { old: claim('a'), now: claim('a') }, true],
  ['of the pod changes', 'NodeVolumeLimits', using('a'), { old: claim('a'), now: claim('a') }, false],
  ['of its ephemeral volume comes', 'NodeVolumeLimits', scratch, { now: claim('p-scratch') }, true],
  ['of another pod comes', 'VolumeZone', using('a'), { now: claim('b') }, false],
  ['of another namespace comes', 'VolumeBinding', using('a'), { now: claim('a', 'other') }, false],
  ['comes for a pod without any', 'VolumeBinding', pod(), { now: claim('a') }, false],
])('a claim %s: %s', (...[, plugin, waiting, change, expected]) =>
  expect(helps(plugin, waiting, { kind: 'claim', ...change })).toBe(expected),
);

const volume = (labels: Labels): PersistentVolume => ({ metadata: { name: 'v', labels }, spec: {} });
const storageClass: StorageClass = { metadata: { name: 'c' }, provisioner: 'p' };
const narrower = { ...storageClass, allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }] };
const limited = (count: number): CSINode => ({
  metadata: { name: 'n' },
  spec: { drivers: [{ name: 'ebs.csi.aws.com', nodeID: 'n', allocatable: { count } }] },
});
const plain: Namespace = { metadata: { name: 'default' }, spec: {} };
const red: Namespace = { metadata: { name: 'default', labels: { team: 'red' } }, spec: {} };
const attachment = (attacher: string): VolumeAttachment => ({
  metadata: { name: 'a' },
  spec: { attacher, nodeName: 'n', source: { persistentVolumeName: 'v' } },
});

test.each<[string, PluginName, Pod, Change, boolean]>([
  ['a volume comes', 'VolumeZone', using('a'), { kind: 'volume', now: volume({}) }, true],
  ['a volume moves', 'VolumeZone', using('a'), { kind: 'volume', old: volume(a), now: volume(b) }, true],
  ['a volume stays', 'VolumeZone', using('a'), { kind: 'volume', old: volume(a), now: volume(a) }, false],
  ['a volume changes', 'VolumeBinding', using('a'), { kind: 'volume', old: volume(a), now: volume(a) }, true],
  ['a class comes', 'VolumeBinding', using('a'), { kind: 'storageClass', now: storageClass }, true],
  ['a class widens', 'VolumeBinding', pod(), { kind: 'storageClass', old: narrower, now: storageClass }, true],
  ['a class stays', 'VolumeBinding', pod(), { kind: 'storageClass', old: narrower, now: narrower }, false],
  ['a namespace is labelled', 'InterPodAffinity', pod(far('web')), { kind: 'namespace', old: plain, now: red }, true],
  ['a namespace stays', 'InterPodAffinity', pod(far('web')), { kind: 'namespace', old: red, now: red }, false],
  ['a namespace is labelled', 'TaintToleration', pod(), { kind: 'namespace', old: plain, now: red }, false],
  ['limits come', 'NodeVolumeLimits', using('a'), { kind: 'csiNode', now: limited(1) }, true],
  ['a limit is raised', 'NodeVolumeLimits', using('a'), { kind: 'csiNode', old: limited(1), now: limited(2) }, true],
  ['a limit is lowered', 'NodeVolumeLimits', using('a'), { kind: 'csiNode', old: limited(2), now: limited(1) }, false],
  ['a limit stays', 'NodeVolumeLimits', using('a'), { kind: 'csiNode', old: limited(1), now: limited(1) }, false],
  ['one is detached', 'NodeVolumeLimits', using('a'), { kind: 'attachment', old: attachment('x') }, true],
  [
    'its driver detaches',
    'NodeVolumeLimits',
    withDisk,
    { kind: 'attachment', old: attachment('ebs.csi.aws.com') },
    true,
  ],
  ['another driver detaches', 'NodeVolumeLimits', withDisk, { kind: 'attachment', old: attachment('x') }, false],
  ['one is detached from nobody', 'NodeVolumeLimits', pod(), { kind: 'attachment', old: attachment('x') }, false],
])('%s: %s', (...[, plugin, waiting, change, expected]) => expect(helps(plugin, waiting, change)).toBe(expected));

test('what one of several plugins hopes for is enough', () => {
  const waiting = { pod: asking('1'), namespaceLabels: () => undefined };
  const changes = byKind([
    { kind: 'claim', now: claim('a') },
    { kind: 'pod', old: asking('1') },
  ]);
  expect(mayHelp(['VolumeZone', 'NodeResourcesFit'], waiting, changes)).toBe(true);
  expect(mayHelp(['VolumeZone', 'TaintToleration'], waiting, changes)).toBe(false);
  expect(mayHelp([], waiting, changes)).toBe(false);
});
