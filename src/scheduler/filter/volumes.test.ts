import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { noVolumes, podContext } from '../fake/pod-context.ts';
import { NodeInfo } from '../node-info.ts';
import { choicesFor, sortClaims, volumeBinding } from './volumes.ts';

const pod: Pod = {
  metadata: { name: 'a', namespace: 'default' },
  spec: { containers: [], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
};
const values = ['node-1'];
const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }];
const volume: PersistentVolume = {
  metadata: { name: 'pv' },
  spec: { nodeAffinity: { required: { nodeSelectorTerms: terms } } },
};
const annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
const claim: PersistentVolumeClaim = { metadata: { name: 'data', annotations }, spec: { volumeName: 'pv' } };

function ask(claims: Record<string, PersistentVolumeClaim>, node: string, asking = pod) {
  const volumes = { claim: (name: string) => claims[name], volume: () => volume };
  return volumeBinding(podContext(asking, [], { volumes }))?.(new NodeInfo(nodeOf(node)))?.reasons;
}

const nodeOf = (name: string) => ({ metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} });

test('a pod goes where its volume is', () => {
  expect(ask({ data: claim }, 'node-1')).toBeUndefined();
  expect(ask({ data: claim }, 'node-2')).toEqual(["node(s) didn't match PersistentVolume's node affinity"]);
});

test('a claim that is not there, or goes', () => {
  expect(ask({}, 'node-1')).toEqual(['persistentvolumeclaim "data" not found']);
  const going = { ...claim, metadata: { ...claim.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(ask({ data: going }, 'node-1')).toEqual(['persistentvolumeclaim "data" is being deleted']);
});

test("the claim of a generic ephemeral volume is the pod's own", () => {
  const ephemeral = {
    ...pod,
    metadata: { ...pod.metadata, uid: 'u' },
    spec: { containers: [], volumes: [{ name: 'v', ephemeral: {} }] },
  };
  const controlledBy = (uid: string) => ({
    ...claim,
    metadata: {
      name: 'a-v',
      annotations,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid, controller: true }],
    },
  });
  expect(ask({}, 'node-1', ephemeral)).toEqual([
    'waiting for ephemeral volume controller to create the persistentvolumeclaim "a-v"',
  ]);
  expect(ask({ 'a-v': controlledBy('other') }, 'node-1', ephemeral)).toEqual([
    'PVC default/a-v was not created for pod default/a (pod is not owner)',
  ]);
  expect(ask({ 'a-v': controlledBy('u') }, 'node-1', ephemeral)).toBeUndefined();
});

const size = { requests: { storage: '1Gi' } };
const waiting: PersistentVolumeClaim = {
  metadata: { name: 'data', namespace: 'default', uid: 'u' },
  spec: { storageClassName: 'later', accessModes: ['ReadWriteOnce'], resources: size },
};

function local(name: string, node: string, storage = '2Gi'): PersistentVolume {
  const expression = { key: 'kubernetes.io/hostname', operator: 'In', values: [node] };
  return {
    metadata: { name },
    spec: {
      storageClassName: 'later',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
    },
  };
}

function choose(
  provisioner: string,
  all: readonly PersistentVolume[],
  options: { node: string; claim?: PersistentVolumeClaim },
) {
  const { node, claim: one = waiting } = options;
  const volumes = {
    ...noVolumes,
    claim: () => one,
    all: () => all,
    storageClass: () => ({ metadata: { name: 'later' }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' }),
  };
  const reasons = volumeBinding(podContext(pod, [], { volumes }))?.(new NodeInfo(nodeOf(node)))?.reasons;
  return reasons ?? choicesFor([one], nodeOf(node), volumes)?.map((choice) => choice.volume?.metadata.name);
}

test('a claim that waits for its pod gets the smallest volume that the node reaches', () => {
  const all = [local('big', 'node-1', '9Gi'), local('small', 'node-1'), local('far', 'node-2', '1Gi')];
  expect(choose('kubernetes.io/no-provisioner', all, { node: 'node-1' })).toEqual(['small']);
  expect(choose('kubernetes.io/no-provisioner', all, { node: 'node-3' })).toEqual([
    "node(s) didn't find available persistent volumes to bind",
  ]);
});

test('where none is, one is made, on the node that was said before', () => {
  expect(choose('portico.dev/local-path', [], { node: 'node-1' })).toEqual([undefined]);
  const annotations = { 'volume.kubernetes.io/selected-node': 'node-2' };
  const told = { ...waiting, metadata: { ...waiting.metadata, annotations } };
  expect(choose('portico.dev/local-path', [], { node: 'node-1', claim: told })).toEqual([
    "node(s) didn't find available persistent volumes to bind",
  ]);
});

test('a claim is bound when the controller says so, and its volume is there', () => {
  const named = { ...claim, metadata: { name: 'data' } };
  expect(ask({ data: named }, 'node-1')).toEqual(['pod has unbound immediate PersistentVolumeClaims']);
  const lost = { ...claim, status: { phase: 'Lost' } };
  const isLost = 'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"';
  expect(ask({ data: lost }, 'node-1')).toEqual([isLost]);
  expect(sortClaims(pod, { ...noVolumes, claim: () => claim })).toBe('persistentvolume "pv" not found');
});

test('the smaller of two claims chooses first', () => {
  const asking = (name: string, storage: string): PersistentVolumeClaim => ({
    metadata: { ...waiting.metadata, name, uid: name },
    spec: { ...waiting.spec, resources: { requests: { storage } } },
  });
  const all = [local('big', 'node-1', '9Gi'), local('small', 'node-1', '5Gi')];
  const choices = choicesFor([asking('b', '4Gi'), asking('a', '1Gi')], nodeOf('node-1'), {
    ...noVolumes,
    all: () => all,
  });
  const chosen = choices?.map(({ claim: one, volume: its }) => [one.metadata.name, its?.metadata.name]);
  expect(chosen).toEqual([
    ['a', 'small'],
    ['b', 'big'],
  ]);
});

test.each([
  [[{ matchLabelExpressions: [{ key: 'kubernetes.io/hostname', values: ['node-1', 'node-3'] }] }], ['node-1']],
  [[{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }], []],
  [[], ['node-1', 'node-2']],
])('a volume is made where its class allows it: %j', (allowedTopologies, expected) => {
  const storageClass = () => ({ metadata: { name: 'later' }, provisioner: 'p', allowedTopologies });
  const allowed = ['node-1', 'node-2'].filter((name) =>
    choicesFor([waiting], nodeOf(name), { ...noVolumes, storageClass }),
  );
  expect(allowed).toEqual(expected);
});

test('a claim that nobody binds keeps its pod waiting', () => {
  const unbound: PersistentVolumeClaim = { metadata: { name: 'data' }, spec: {} };
  expect(ask({ data: unbound }, 'node-1')).toEqual(['pod has unbound immediate PersistentVolumeClaims']);
});
