import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { NodeInfo } from '../node-info.ts';
import type { PodContext } from '../plugin.ts';
import { volumeBinding } from './volumes.ts';

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
const claim: PersistentVolumeClaim = { metadata: { name: 'data' }, spec: { volumeName: 'pv' } };

function ask(claims: Record<string, PersistentVolumeClaim>, node: string) {
  const volumes = {
    claim: (name: string) => claims[name],
    volume: () => volume,
    all: () => [],
    storageClass: () => undefined,
  };
  const context: PodContext = {
    pod,
    nodes: [],
    namespaceLabels: () => undefined,
    serviceSelector: () => undefined,
    imageNodes: () => undefined,
    volumes,
  };
  const labels = { 'kubernetes.io/hostname': node };
  return volumeBinding(context)?.(new NodeInfo({ metadata: { name: node, labels }, spec: {} }))?.reasons;
}

test('a pod goes where its volume is', () => {
  expect(ask({ data: claim }, 'node-1')).toBeUndefined();
  expect(ask({ data: claim }, 'node-2')).toEqual(["node(s) didn't match PersistentVolume's node affinity"]);
});

test('a claim that is not there, or goes', () => {
  expect(ask({}, 'node-1')).toEqual(['persistentvolumeclaim "data" not found']);
  const going = { ...claim, metadata: { name: 'data', deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(ask({ data: going }, 'node-1')).toEqual(['persistentvolumeclaim "data" is being deleted']);
});
