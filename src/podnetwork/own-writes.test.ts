import { expect, test } from 'vitest';
import type { Node } from '../api/core/v1/types.generated.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { settle } from '../client/fake/settle.ts';
import { createInformers } from '../client/informers.ts';
import { nodes } from '../client/resources.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { PodNetwork } from './pod-network.ts';

test('a configuration that it is just writing is nobody else’s', async () => {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const api = new FakeApi({ clock, random });
  const made = await api
    .resource<Node>(nodes)
    .create({ metadata: { name: 'a' }, spec: { podCIDRs: ['10.244.1.0/24'] } });
  const informers = createInformers(api, { clock, random });
  const log: string[] = [];
  const stop = new AbortController();
  let text: string | undefined;
  let written = Promise.resolve();
  const network = new PodNetwork({
    informers,
    exec: { run: async (command) => ({ code: 0, stdout: command.includes('-json') ? '[]' : '', stderr: '' }) },
    files: {
      read: async () => text,
      async write(_, given) {
        text = given;
        await written;
      },
      remove: async () => {},
    },
    clock,
    nodeName: 'a',
    clusterCIDRs: ['10.244.0.0/16'],
    cniConfDir: '/etc/cni/net.d',
    log: (line) => log.push(line),
  });
  const running = Promise.all([informers.run(stop.signal), network.run(stop.signal)]);
  await settle();
  const { promise, resolve } = Promise.withResolvers<void>();
  written = promise;
  await api.resource<Node>(nodes).update({ ...made, spec: { podCIDRs: ['10.244.2.0/24'] } });
  await settle();
  clock.advance(1000);
  await settle();
  expect(text).toContain('10.244.2.0/24');
  clock.advance(5000);
  await settle();
  resolve();
  await settle();
  stop.abort();
  await running;
  expect(log.filter((line) => line.includes('somebody changed'))).toEqual([]);
});
