import { expect, test } from 'vitest';
import type { ControllerRevision, DaemonSet } from '../../api/apps/v1/types.generated.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { controllerRevisions, daemonSets, nodes, pods } from '../../client/resources.ts';
import { makeNode, podSpec, startControllers } from '../harness/start.ts';

test("a DaemonSet that is being deleted makes nothing any more: what it owns is the garbage collector's", async () => {
  const { api, errors, settle, stop } = startControllers({ names: ['daemonset-controller'] });
  await api.resource<Node>(nodes).create(makeNode('node-1'));
  const template = { metadata: { labels: { app: 'web' } }, spec: podSpec };
  const spec = { selector: { matchLabels: { app: 'web' } }, template };
  await api.resource<DaemonSet>(daemonSets).create({ metadata: { name: 'web', namespace: 'default' }, spec });
  await settle();
  await api.resource<DaemonSet>(daemonSets).delete('web', 'default', { propagationPolicy: 'Foreground' });
  const owned = [api.resource<ControllerRevision>(controllerRevisions), api.resource<Pod>(pods)];
  const left = () => Promise.all(owned.map(async (one) => (await one.list()).items.length));
  expect(await left()).toEqual([1, 1]);
  for (const one of owned) {
    for (const { metadata } of (await one.list()).items) await one.delete(metadata.name, 'default');
    await settle();
  }
  expect(await left()).toEqual([0, 0]);
  expect(errors).toEqual([]);
  await stop();
});
