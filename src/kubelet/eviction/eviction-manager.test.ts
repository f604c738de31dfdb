import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import type { Cri } from '../cri/client.ts';
import type { Verdict } from '../pod/pod-status.ts';
import { EvictionManager } from './eviction-manager.ts';
import type { Threshold } from './thresholds.ts';

/** Of a machine that is as it is, with one pod that has an emptyDir with a limit. */
function start(thresholds: readonly Threshold[]) {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'default', uid: 'u' },
    spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }] },
  };
  const clock = new FakeClock();
  const ended: Verdict[] = [];
  const worker = { pod, holdsResources: true, isCleared: false, end: (verdict: Verdict) => ended.push(verdict) };
  const said: string[] = [];
  const manager = new EvictionManager({
    cri: {
      listContainerStats: async () => [],
      listImages: async () => [],
      listContainers: async () => [],
    } as unknown as Cri,
    clock,
    exec: { run: () => Promise.reject(new Error('spawn du EAGAIN')) },
    rootDir: tmpdir(),
    cgroupRoot: '/none',
    logRoot: tmpdir(),
    thresholds: () => thresholds,
    maxPodGrace: 0,
    imageLimits: { high: 100, low: 80 },
    workers: () => [worker],
    emptyDir: (uid, volume) => `/${uid}/${volume}`,
    transition: 1000,
    changed: () => {},
    event: ({ message }) => said.push(message),
    log: (line) => said.push(line),
  });
  return { manager, clock, ended, said };
}

test('where no process can be started any more, a pod is evicted all the same', async () => {
  const { manager, ended, said } = start([{ signal: 'pid.available', text: '1000000000' }]);
  await manager.look();
  expect(said.slice(0, 2)).toEqual(['limits of disk: spawn du EAGAIN', 'Attempting to reclaim pids']);
  expect(ended).toMatchObject([{ reason: 'Evicted', annotations: { starved_resource: 'pids' } }]);
  expect(manager.pressures()).toEqual(['PIDPressure']);
});

test.each([-3_600_000, 0, 3_600_000])(
  'a pressure that is over is told of for as long as it shall be, though the time was set by %i ms',
  async (ms) => {
    const thresholds: Threshold[] = [{ signal: 'pid.available', text: '1000000000' }];
    const { manager, clock } = start(thresholds);
    await manager.look();
    thresholds.length = 0;
    clock.step(ms);
    clock.advance(999);
    expect(manager.pressures()).toEqual(['PIDPressure']);
    clock.advance(1);
    expect(manager.pressures()).toEqual([]);
  },
);
