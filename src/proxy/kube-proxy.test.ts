import { expect, test } from 'vitest';
import type { Node, Service } from '../api/core/v1/types.generated.ts';
import type { EventText } from '../client/events.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { createInformers } from '../client/informers.ts';
import { nodes, services } from '../client/resources.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeExec } from '../system/fake/exec.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { service, settings } from './fixtures/objects.ts';
import { KubeProxy } from './kube-proxy.ts';
import type { ProxyMode } from './settings.ts';

/** What a proxy of the mode tells of its node while it starts; every program of the machine answers with this. */
async function told(mode: ProxyMode, stdout = ''): Promise<unknown[]> {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const events: unknown[] = [];
  const stop = new AbortController();
  const proxy = new KubeProxy({
    settings: { ...settings, mode },
    nodeName: 'node-a',
    informers: createInformers(new FakeApi({ clock, random }), { clock, random }),
    exec: new FakeExec(() => ({ stdout })),
    clock,
    recorder: {
      event: (object, { type, reason }: EventText) => events.push({ object, type, reason }),
    },
  });
  stop.abort();
  await proxy.run(stop.signal);
  return events;
}

test('the ipvs mode is told of as deprecated, on the node', async () => {
  const object = { apiVersion: 'v1', kind: 'Node', name: 'node-a', uid: 'node-a' };
  expect(await told('ipvs')).toEqual([{ object, type: 'Warning', reason: 'IPVSDeprecation' }]);
});

test.each(['nftables', 'iptables'] as const)('%s tells nothing: the proxy only reads', async (mode) => {
  expect(await told(mode)).toEqual([]);
});

test('what another mode left and cannot be taken away keeps no stale flow', async () => {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const api = new FakeApi({ clock, random });
  await api.resource<Node>(nodes).create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' }, spec: {} });
  const port = { name: 'dns', port: 53, protocol: 'UDP' };
  await api.resource<Service>(services).create(service({ name: 'dns', ports: [port] }));
  const informers = createInformers(api, { clock, random });
  const looked = Promise.withResolvers<void>();
  const exec = new FakeExec(({ command: [program = '', verb] }) => {
    if (program === 'conntrack' && verb === '-L') looked.resolve();
    return program === 'ip6tables-save' ? { code: 1, stderr: 'the kernel refuses' } : {};
  });
  const logged: string[] = [];
  const log = (line: string) => logged.push(line);
  const proxy = new KubeProxy({ settings, nodeName: 'node-a', informers, exec, clock, log });
  const stop = new AbortController();
  const running = Promise.all([proxy.run(stop.signal), informers.run(stop.signal)]);
  await looked.promise;
  stop.abort();
  await running;
  expect(logged).toEqual(['ip6tables-save: the kernel refuses']);
});
