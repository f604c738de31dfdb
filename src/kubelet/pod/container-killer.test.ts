import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import type { Cri } from '../cri/client.ts';
import { ContainerKiller, type Victim } from './container-killer.ts';
import type { ObservedContainer } from './observed.ts';

test.each([-3_600_000, 0, 3_600_000])(
  'sidecars have what is left of the grace period, though the time is set by %i ms',
  async (ms) => {
    const clock = new FakeClock();
    const stops: string[] = [];
    const stopContainer = async (id: string, grace: number) => {
      stops.push(`${id} in ${grace} s`);
      clock.step(ms);
      clock.advance(4000);
    };
    const killer = new ContainerKiller({ cri: { stopContainer } as Partial<Cri> as Cri, clock, event: () => {} });
    const victim = (name: string): Victim => {
      const observed = { id: name, name, state: 'running' } as ObservedContainer;
      return { pod: { name: 'p', namespace: 'ns', uid: 'u' }, observed, container: { name }, podIP: '' };
    };
    await killer.killAll(['web', 'mesh', 'log'].map(victim), { grace: 30, sidecars: ['log', 'mesh'] });
    expect(stops).toEqual(['web in 30 s', 'mesh in 26 s', 'log in 22 s']);
  },
);
