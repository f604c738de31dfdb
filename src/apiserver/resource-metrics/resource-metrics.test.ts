import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { FixedObjectView } from '../fake/object-view.ts';
import type { TunnelResponse } from '../tunnel/tunnel-registry.ts';
import { ResourceMetrics } from './resource-metrics.ts';

const measured = {
  cpu: { time: '2026-01-01T00:00:00.000Z', usageNanoCores: 1 },
  memory: { workingSetBytes: 1 },
};
const names = ['web', 'db'];
const pods = names.map((name) => ({
  metadata: { name, namespace: 'ns', labels: { app: name } },
  spec: { nodeName: 'node-1' },
  status: { phase: 'Running' },
}));
const summary = {
  node: measured,
  pods: names.map((name) => ({ podRef: { name, namespace: 'ns' }, containers: [{ name: 'c', ...measured }] })),
};
const metrics = new ResourceMetrics({
  view: new FixedObjectView()
    .set({ group: '', resource: 'pods' }, pods as unknown as KubeObject[])
    .set({ group: '', resource: 'nodes' }, [{ metadata: { name: 'node-1' } } as unknown as KubeObject]),
  links: {
    leadsTo: (nodeName) => nodeName === 'node-1',
    request: async () =>
      ({ status: 200, stream: Readable.from([JSON.stringify(summary)]) }) as unknown as TunnelResponse,
  },
});

async function found(path: string, query: Record<string, string>): Promise<string[]> {
  const { body } = await metrics.answer({
    method: 'GET',
    path: `/apis/metrics.k8s.io/v1beta1/${path}`,
    query: new URLSearchParams(query),
    headers: {},
    body: async () => new Uint8Array(),
    signal: new AbortController().signal,
  });
  return (JSON.parse(String(body)) as { items: KubeObject[] }).items.map(({ metadata }) => metadata.name);
}

test.each<[string, Record<string, string>, string[]]>([
  ['pods', {}, ['web', 'db']],
  ['pods', { labelSelector: 'app=db' }, ['db']],
  ['pods', { fieldSelector: 'metadata.name=web' }, ['web']],
  ['pods', { fieldSelector: 'metadata.name!=web,metadata.namespace=ns' }, ['db']],
  ['namespaces/ns/pods', { fieldSelector: 'metadata.namespace=other' }, []],
  ['nodes', { fieldSelector: 'metadata.name=node-1' }, ['node-1']],
  ['nodes', { fieldSelector: 'metadata.name=none' }, []],
])('%s of %j', async (path, query, names) => {
  expect(await found(path, query)).toEqual(names);
});

test('a field that nothing can be selected by is refused', async () => {
  await expect(found('pods', { fieldSelector: 'spec.nodeName=node-1' })).rejects.toThrow(
    '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
  );
});

test('a name that is wrongly escaped is nobody’s', async () => {
  await expect(found('nodes/%zz', {})).rejects.toThrow('nodes.metrics.k8s.io "%zz" not found');
});
