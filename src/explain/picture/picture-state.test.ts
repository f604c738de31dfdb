import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../apimachinery/object.ts';
import { PictureState } from './picture-state.ts';

const objects = parseAllDocuments(`
kind: Node
metadata: {name: a}
status: {conditions: [{type: Ready, status: "True"}]}
---
kind: Pod
metadata: {name: web-1, namespace: demo}
spec: {nodeName: a}
status: {phase: Running, podIP: 10.244.0.5, conditions: [{type: Ready, status: "True"}]}
---
kind: Service
metadata: {name: web, namespace: demo}
spec: {clusterIP: 10.96.0.9, ipFamilies: [IPv4], selector: {app: web}, ports: [{port: 80}]}
---
kind: EndpointSlice
addressType: IPv4
metadata: {name: web-x, namespace: demo, labels: {kubernetes.io/service-name: web}}
ports: [{port: 80}]
endpoints:
  - {addresses: [10.244.0.5], nodeName: a, targetRef: {kind: Pod, name: web-1, namespace: demo}}
  - {addresses: [10.244.0.6], nodeName: a}
`).map((document) => document.toJS() as KubeObject);
const [node, pod, service, slice] = objects as [KubeObject, KubeObject, KubeObject, KubeObject];

function settled(): PictureState {
  const state = new PictureState();
  for (const object of objects) state.put(object);
  state.takeChange();
  return state;
}

const ids = ({ set, gone }: ReturnType<PictureState['takeChange']>) => ({ set: set.map(({ id }) => id), gone });

test('objects become items, and a Service its traffic by the rules of the proxies', () => {
  const items = new Map(
    settled()
      .items()
      .map((item) => [item.id, item]),
  );
  expect([...items.keys()].sort()).toEqual([
    'EndpointSlice demo/web-x',
    'Node a',
    'Pod demo/web-1',
    'Service demo/web',
    'Traffic demo/web',
  ]);
  expect(items.get('Pod demo/web-1')).toMatchObject({ state: 'ready', node: 'a', addresses: ['10.244.0.5'] });
  expect(items.get('EndpointSlice demo/web-x')).toMatchObject({ service: 'Service demo/web' });
  expect(items.get('Traffic demo/web')).toMatchObject({
    ports: [{ port: 80, shares: { '10.244.0.5:80': 0.5, '10.244.0.6:80': 0.5 }, lost: 0 }],
  });
});

test('a change tells what differs and nothing else', () => {
  const state = settled();
  state.put({ ...pod, metadata: { ...pod.metadata, resourceVersion: '9' } });
  expect(ids(state.takeChange())).toEqual({ set: [], gone: [] });
  state.put({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  expect(ids(state.takeChange())).toEqual({ set: ['Pod demo/web-1'], gone: [] });
  state.put({ ...slice, endpoints: [] } as KubeObject);
  const change = state.takeChange();
  expect(ids(change)).toEqual({ set: ['EndpointSlice demo/web-x', 'Traffic demo/web'], gone: [] });
  expect(change.set[1]).toMatchObject({ ports: [{ shares: {}, lost: 1 }] });
  state.remove(service);
  expect(ids(state.takeChange())).toEqual({ set: [], gone: ['Service demo/web', 'Traffic demo/web'] });
});

test('a node that comes changes the shares of Services whose traffic stays on its node', () => {
  const state = settled();
  state.put({
    ...service,
    spec: { ...(service as { spec?: object }).spec, internalTrafficPolicy: 'Local' },
  } as KubeObject);
  state.takeChange();
  state.put({ ...node, metadata: { name: 'b' } });
  expect(state.takeChange().set).toContainEqual(
    expect.objectContaining({ id: 'Traffic demo/web', ports: [expect.objectContaining({ lost: 0.5 })] }),
  );
});
