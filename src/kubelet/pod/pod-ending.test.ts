import { expect, test } from 'vitest';
import { settle } from '../../client/fake/settle.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import type { ObservedContainer } from './observed.ts';
import { PodEnding, type PodEndingOptions } from './pod-ending.ts';

test('containers that could not be ended are tried again, but not at once', async () => {
  const clock = new FakeClock();
  const logged: string[] = [];
  let woken = 0;
  let tries = 0;
  const options = {
    context: { options: { clock, log: (line: string) => logged.push(line) } },
    view: { pod: { metadata: { name: 'p', namespace: 'default', uid: 'u' } }, victim: () => ({}), sidecars: [] },
    killer: {
      killAll: async () => {
        tries += 1;
        if (tries === 1) throw new Error('shim is gone');
      },
    },
    wake: () => {
      woken += 1;
    },
  };
  const ending = new PodEnding(options as unknown as PodEndingOptions);
  const running = [{}] as ObservedContainer[];
  ending.killAll(running, 30);
  await settle();
  expect([woken, logged]).toEqual([0, ['stopping p_default(u): shim is gone']]);
  clock.advance(1000);
  expect(woken).toBe(1);
  ending.killAll(running, 30);
  await settle();
  expect([woken, tries]).toEqual([2, 2]);
});

test('a container that appears after the others were ended is ended too, and those are left alone while CRI lags behind', async () => {
  const ended: string[][] = [];
  const options = {
    view: { victim: ({ id }: ObservedContainer) => ({ id }), sidecars: [] },
    killer: {
      killAll: async (victims: readonly { readonly id: string }[]) => {
        ended.push(victims.map(({ id }) => id));
      },
    },
    wake: () => {},
  };
  const ending = new PodEnding(options as unknown as PodEndingOptions);
  const running = (...ids: string[]) => ids.map((id) => ({ id })) as ObservedContainer[];
  ending.killAll(running('a', 'b'), 30);
  await settle();
  ending.killAll(running('b'), 30);
  await settle();
  ending.killAll(running('b', 'late'), 30);
  await settle();
  expect(ended).toEqual([['a', 'b'], ['late']]);
});

test('a pod keeps its sandbox until all else of it is gone: by it the next kubelet knows what is left', async () => {
  const steps: string[] = [];
  const step = (name: string) => async () => {
    steps.push(name);
  };
  const options = {
    context: {
      options: {
        client: { resource: () => ({ delete: step('API') }) },
        cri: { removePodSandbox: step('sandbox') },
        log: () => {},
      },
      volumes: { tearDown: step('volumes') },
      reader: { forget: () => {} },
    },
    view: {
      pod: { metadata: { name: 'p', namespace: 'default', uid: 'u' } },
      observed: { sandboxes: [{ id: 's' }], containers: [] },
    },
    starter: { removeTraces: step('logs and cgroups') },
  };
  await new PodEnding(options as unknown as PodEndingOptions).remove({ isInApi: true });
  expect(steps).toEqual(['volumes', 'API', 'logs and cgroups', 'sandbox']);
});
