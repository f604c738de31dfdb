import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../api/core/v1/types.generated.ts';
import { podContext } from '../fake/pod-context.ts';
import { NodeInfo } from '../node-info.ts';
import { volumeLimits } from './volume-limits.ts';

const ebs = 'ebs.csi.aws.com';
const csi = (driver: string, volumeHandle: string): PersistentVolume['spec'] => ({ csi: { driver, volumeHandle } });
const disk = (volumeID: string) => ({ awsElasticBlockStore: { volumeID } });

/** Bound volumes by the name of their claim. */
const bound: Readonly<Record<string, PersistentVolume['spec']>> = {
  a: csi(ebs, 'vol-a'),
  b: csi(ebs, 'vol-b'),
  other: csi('pd.csi.storage.gke.io', 'x'),
  old: disk('aws://zone/vol-old'),
  local: { hostPath: { path: '/tmp' } },
};
const classes: Readonly<Record<string, string>> = { fast: ebs, old: 'kubernetes.io/aws-ebs' };
const waiting: Readonly<Record<string, string | undefined>> = { new1: 'fast', new2: 'old', never: undefined };
const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };

function claimOf(name: string): PersistentVolumeClaim | undefined {
  const metadata = { name, namespace: 'default' };
  if (bound[name]) return { metadata, spec: { volumeName: name } };
  const ownerReferences = [owner];
  if (name === 'p-scratch') return { metadata: { ...metadata, ownerReferences }, spec: { storageClassName: 'fast' } };
  const storageClassName = waiting[name];
  return { metadata, spec: storageClassName === undefined ? {} : { storageClassName } };
}

const claim = (claimName: string): Volume => ({ name: claimName, persistentVolumeClaim: { claimName } });
const inline = (volumeID: string): Volume => ({ name: volumeID, ...disk(volumeID) });
const ephemeral: Volume = { name: 'scratch', ephemeral: {} };

function pod(name: string, volumes: readonly Volume[]): Pod {
  return { metadata: { name, namespace: 'default', uid: 'u' }, spec: { containers: [], volumes: [...volumes] } };
}

interface There {
  /** What the pods of the node use, each pod one line. */
  readonly used?: readonly (readonly Volume[])[];
  /** Names of bound volumes. */
  readonly attached?: readonly string[];
  /** Undefined where nothing is said. */
  readonly limit?: number | undefined;
}

/** Whether a pod with these volumes may go to the node. */
function fits(asked: readonly Volume[], { used = [], attached = [], limit }: There): boolean {
  const info = new NodeInfo({ metadata: { name: 'n' }, spec: {} });
  for (const [i, volumes] of used.entries()) info.add(pod(`used-${i}`, volumes));
  const allocatable = limit === undefined ? {} : { allocatable: { count: limit } };
  const volumes = {
    claim: claimOf,
    volume: (name: string) => ({ metadata: { name }, spec: bound[name] ?? {} }),
    storageClass: (name: string) => ({ metadata: { name }, provisioner: classes[name] ?? 'none' }),
    csiNode: () => ({ metadata: { name: 'n' }, spec: { drivers: [{ name: ebs, nodeID: 'n', ...allocatable }] } }),
    attachments: () =>
      attached.map((persistentVolumeName) => ({
        metadata: { name: persistentVolumeName },
        spec: { nodeName: 'n', attacher: ebs, source: { persistentVolumeName } },
      })),
  };
  const rejection = volumeLimits(podContext(pod('p', asked), [info], { volumes }))?.(info);
  if (rejection) expect(rejection).toEqual({ reasons: ['node(s) exceed max volume count'], resolvable: true });
  return rejection === undefined;
}

test.each<[string, readonly Volume[], There, boolean]>([
  ['that is free', [claim('a')], { used: [[claim('b')]], limit: 2 }, true],
  ['that is full', [claim('a')], { used: [[claim('b')]], limit: 1 }, false],
  ['that tells no limit', [claim('a')], { used: [[claim('b')]] }, true],
  [
    'where another pod has the volume',
    [claim('a')],
    { used: [[claim('a')], [claim('a'), claim('b')]], limit: 2 },
    true,
  ],
  ['full of volumes of another driver', [claim('a')], { used: [[claim('other')]], limit: 1 }, true],
  ['full of directories', [claim('a')], { used: [[claim('local')]], limit: 1 }, true],
  ['for which volumes are being made', [claim('a')], { used: [[claim('new1')], [claim('new2')]], limit: 2 }, false],
  ['with claims that nobody serves', [claim('a')], { used: [[claim('never')]], limit: 1 }, true],
  ['full of ephemeral volumes', [ephemeral], { used: [[claim('b')]], limit: 1 }, false],
  ['full of volumes that kubelets once served', [claim('a')], { used: [[claim('old')]], limit: 1 }, false],
  ['full of volumes that pods name', [inline('vol-x')], { used: [[claim('b')]], limit: 1 }, false],
  ['where the named volume is', [inline('vol-old')], { used: [[claim('old')]], limit: 1 }, true],
  ['where volumes of nobody are attached', [claim('a')], { attached: ['b'], limit: 1 }, false],
  [
    'where volumes are attached that are counted',
    [claim('a')],
    { used: [[claim('b')]], attached: ['b'], limit: 2 },
    true,
  ],
  ['when it asks for none', [{ name: 'c', configMap: { name: 'c' } }], { used: [[claim('b')]], limit: 0 }, true],
])('a pod and a node %s', (...[, asked, there, expected]) => expect(fits(asked, there)).toBe(expected));
