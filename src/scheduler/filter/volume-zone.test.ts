import { expect, test } from 'vitest';
import { podContext } from '../fake/pod-context.ts';
import { NodeInfo } from '../node-info.ts';
import { volumeZone } from './volume-zone.ts';

const [zone, region] = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];
const [oldZone, oldRegion] = ['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'];

type Labels = Readonly<Record<string, string>>;

test.each<[string, Labels, Labels, boolean]>([
  ['in its zone', { [zone]: 'a' }, { [zone]: 'a', [region]: 'r' }, true],
  ['in another zone', { [zone]: 'a' }, { [zone]: 'b' }, false],
  ['in one of its zones', { [zone]: 'a__b' }, { [zone]: 'b' }, true],
  ['in another region', { [region]: 'r' }, { [region]: 's' }, false],
  ['whose region is not told', { [zone]: 'a', [region]: 'r' }, { [zone]: 'a' }, false],
  ['that tells nothing', { [zone]: 'a' }, { app: 'x' }, true],
  ['with new labels for a volume with old ones', { [oldZone]: 'a' }, { [zone]: 'a' }, true],
  ['with old labels for a volume with new ones', { [zone]: 'a' }, { [oldZone]: 'a' }, false],
  ['in its region, by old labels', { [oldRegion]: 'r' }, { [oldRegion]: 'r' }, true],
  ['and a label that names no zone', { [zone]: 'a__' }, { [zone]: 'b' }, true],
  ['and no label', {}, { [zone]: 'b' }, true],
])('a volume and a node %s', (...[, ofVolume, ofNode, expected]) => {
  const info = new NodeInfo({ metadata: { name: 'n', labels: ofNode }, spec: {} });
  const mounted = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
  const volumes = {
    claim: (name: string) => ({ metadata: { name }, spec: { volumeName: 'pv' } }),
    volume: (name: string) => ({ metadata: { name, labels: ofVolume }, spec: {} }),
  };
  const pod = { metadata: { name: 'p', namespace: 'default' }, spec: { containers: [], volumes: mounted } };
  const rejection = volumeZone(podContext(pod, [info], { volumes }))?.(info);
  const expectedReason = { reasons: ['node(s) had no available volume zone'], resolvable: false };
  expect(rejection).toEqual(expected ? undefined : expectedReason);
});
