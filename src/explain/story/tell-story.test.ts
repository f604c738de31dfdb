import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { tellStory } from './tell-story.ts';

const service = (spec: object): KubeObject =>
  ({
    kind: 'Service',
    metadata: { name: 'web', namespace: 'demo' },
    spec: { clusterIP: '10.96.0.9', selector: { app: 'web' }, ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  }) as KubeObject;

const pod = (name: string, status: object, metadata: object = {}): KubeObject =>
  ({
    kind: 'Pod',
    metadata: { name, namespace: 'demo', labels: { app: 'web' }, ...metadata },
    spec: { nodeName: 'a', containers: [] },
    status: { phase: 'Running', podIP: '10.244.0.5', podIPs: [{ ip: '10.244.0.5' }], ...status },
  }) as unknown as KubeObject;

const ready = (status: string) => ({ conditions: [{ type: 'Ready', status, message: 'a probe fails' }] });

const pods = [
  pod('ready', ready('True')),
  pod('sick', ready('False')),
  pod('going', ready('True'), { deletionTimestamp: '2026-01-01T00:00:00Z' }),
  pod('over', { phase: 'Succeeded' }),
  pod('waiting', { phase: 'Pending', podIP: undefined, podIPs: undefined }),
];

const whys = async (spec: object) => {
  const story = await tellStory({
    objects: [service(spec), ...pods],
    service: 'demo/web',
    settings: { mode: 'nftables', clusterCIDRs: [], serviceCIDRs: ['10.96.0.0/16'], nodePortAddresses: [] },
    clusterDomain: 'cluster.local',
  });
  return story?.matches.map(({ id, why }) => `${id.split('/')[1]}: ${why}`);
};

test('of each pod that is selected it is told why it gets no traffic', async () => {
  const others = ['over: it has ended (Succeeded)', 'waiting: it has no address yet'];
  const own = ['ready: ', 'sick: it is not ready: a probe fails', 'going: it is terminating'];
  expect(await whys({})).toEqual([...own, ...others]);
  expect(await whys({ publishNotReadyAddresses: true })).toEqual(['ready: ', 'sick: ', 'going: ', ...others]);
});
